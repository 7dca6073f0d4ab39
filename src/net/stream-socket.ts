/**
 * What our streams and the relay want of a socket. Any Duplex is one, so is a BareStream; the names and what they mean are
 * Node's.
 */
export interface StreamSocket {
  readonly writable: boolean
  /** Bytes that `write` took and the kernel has not. */
  readonly writableLength: number
  /** More than the high-water mark waits: the owner hears when all is gone. */
  readonly writableNeedDrain: boolean
  readonly writableFinished: boolean
  readonly readableEnded: boolean
  readonly readableFlowing: boolean | null
  readonly destroyed: boolean
  /** TLS: reads are records, and the end has a last word (close_notify). */
  readonly encrypted?: boolean
  isPaused(): boolean
  write(bytes: Uint8Array): boolean
  write(text: string, encoding: 'latin1'): boolean
  /** Sends what is queued, then FIN; `done` once the kernel has all of it, or never will. */
  end(done?: () => void): unknown
  destroy(error?: Error): unknown
  pause(): unknown
  resume(): unknown
}
