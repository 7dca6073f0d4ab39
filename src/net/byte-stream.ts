import type { Soon } from '../util/soon.ts'
import type { StreamSocket } from './stream-socket.ts'

/** One end of a TCP connection. IPv4-mapped IPv6 addresses are written as IPv4. */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

/** What a TLS handshake settled. */
export interface TlsInfo {
  readonly protocol: string
  readonly cipher: string
  readonly bits: number
  /** SNI the client sent, if any. */
  readonly serverName: string | undefined
  /** Verified client certificate's user name (`ssl_cert_username_field`). */
  readonly certificateUser: string | undefined
  readonly certificateVerified: boolean
  /** Why a certificate that the client sent is not valid. */
  readonly certificateProblem?: string
  /** What ties a SASL login to this connection (RFC 5056), by type; absent towards backends. */
  readonly channelBinding?: (type: string) => Buffer | undefined
}

/**
 * A connection as a dialogue sees it: lines and counted bytes in, bytes out. Protocol text is latin1, one character a
 * byte. At most `READ_AHEAD_BYTES` are buffered ahead of the reader; then the socket is paused. A reader also waits while
 * the peer leaves more than the high-water mark of our output unread, so a dialogue need not count what it answers.
 */
export interface ByteStream {
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Present once TLS is up. */
  readonly tls: TlsInfo | undefined
  /**
   * The next line without its CRLF or LF, as latin1. `undefined` when the peer closed. Rejects with `LineTooLong` when
   * `max` bytes came without an end, `DeadlineExceeded`, or `ConnectionLost`. One reader at a time. A line that is here
   * comes at once.
   */
  readLine(max: number): Soon<string | undefined>
  /** Exactly `count` bytes; `undefined` when the peer closed first. */
  readBytes(count: number): Promise<Buffer | undefined>
  /** Some bytes, whatever is there next (1..max); `undefined` at the end. */
  readSome(max: number): Promise<Buffer | undefined>
  /** Bytes that have arrived and were not read yet. */
  readonly buffered: number
  /** Removes and returns what has arrived unread (at STARTTLS it must be empty; at hand-over it goes to the relay). */
  takeBuffered(): Buffer
  /** Queues bytes; strings are latin1. */
  write(data: string | Uint8Array): void
  /** Bytes that `write` took and that are still read from; where it is not known nothing that was written may be changed. */
  readonly queuedBytes?: number
  /** Resolves when the queued output is below the high-water mark (at once when it is). Rejects when the peer is gone. */
  drained(): Promise<void>
  /** Everything that waits on this stream fails with `DeadlineExceeded` after `ms` from now; `undefined` takes it away. */
  setDeadline(ms: number | undefined): void
  /** Bytes read from and written to the peer so far (after our own STARTTLS to a backend: inside TLS). */
  readonly bytesIn: number
  readonly bytesOut: number
  /** True once the peer closed, the connection failed or we closed it. */
  readonly ended: boolean
  /** Runs once when the connection is over, with the reason when it was a fault. Used to notice a peer leaving while nobody reads. */
  onEnd(listener: (error?: Error) => void): void
  /** Sends what is queued, then closes. Resolves when the socket is closed (bounded by CLOSE_MS). */
  close(): Promise<void>
  /** Closes now. */
  destroy(): void
  /**
   * Hands the socket to the relay: the stream must not be used any more. The socket is not paused (stopping and starting again
   * would be two system calls): whoever gets it becomes its owner (socket-owner.ts) in the same turn.
   */
  detach(): DetachedSocket
}

/** A connection between two owners. */
export interface DetachedSocket {
  /** A net.Socket, TLSSocket or BareStream; in tests any Duplex. */
  readonly socket: StreamSocket
  /** Bytes that had arrived unread. */
  readonly leftover: Buffer
  readonly bytesIn: number
  readonly bytesOut: number
  /** Present when the socket was opened with `onread`: whoever is `reader` gets every read from now on. */
  readonly onread?: OnreadHook
}

/** The changeable end of Node's `onread` option, which can only be given when a connection is opened. */
export interface OnreadHook {
  reader: OnreadReader
}

export interface OnreadReader {
  /** `count` bytes stand at the start of `buffer`, which is shared: copy them before returning. False pauses the socket. */
  take(buffer: Buffer, count: number): boolean
  /** Where the next read goes. */
  nextBuffer(): Buffer
}

/** More than this many unread bytes pause the socket. */
export const READ_AHEAD_BYTES = 64 * 1024

/** How long `close` waits for the peer to take the last bytes. */
export const CLOSE_MS = 5_000

export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
}

export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
}

/** The connection broke (reset, TLS fault); `cause` has the socket's error. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}
