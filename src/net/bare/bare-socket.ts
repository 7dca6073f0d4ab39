import { DISCARD } from '../onread.ts'
import { NOBODY } from '../socket-owner.ts'
import { BareStream } from './bare-stream.ts'
import { BareTls, type BareTlsOptions } from './bare-tls.ts'
import type { BareBinding, TcpHandle } from './binding.ts'

/** A TCP connection without `net.Socket`. Has no queue of its own: what the kernel does not take at once waits in libuv. */
export class BareSocket extends BareStream {
  /** What `toTls` made: the connection is its own then. */
  #became: BareTls | undefined

  constructor(handle: TcpHandle, binding: BareBinding) {
    super(handle, handle, binding)
  }

  get handle(): TcpHandle | undefined {
    return this.destroyed ? undefined : this.tcp
  }

  write(data: string | Uint8Array): boolean {
    if (!this.writable || this.#became !== undefined) return false
    if (this.send(data)) this.wait(data.length)
    return !this.writableNeedDrain
  }

  /** FIN goes behind whatever waits in libuv. */
  protected mayShutDown(): boolean {
    return true
  }

  override resume(): void {
    if (this.#became === undefined) super.resume()
  }

  override end(done?: () => void): void {
    if (this.#became === undefined) super.end(done)
    else this.#became.end(done)
  }

  override destroy(error?: Error): void {
    if (this.#became === undefined) return super.destroy(error)
    this.destroyed = true
    this.writable = false
    this.#became.destroy(error)
  }

  /** One end of TLS over the same connection; this one is done with. Nothing may wait to be sent, or have ended. */
  toTls(options: BareTlsOptions): BareTls {
    // Node would abort the process over a handle that is closed.
    if (this.destroyed || this.#became !== undefined) throw new Error('this connection has gone')
    this.pause()
    const tls = new BareTls(this.tcp, this.binding, options)
    tls.onClosed = () => this.#over()
    this.#became = tls
    this.owner = NOBODY
    this.reader = DISCARD
    return tls
  }

  #over(): void {
    this.destroyed = true
    this.writable = false
    this.closed()
  }
}
