import { X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { BareStream } from './bare-stream.ts'
import type { BareBinding, TcpHandle, TlsHandle } from './binding.ts'

const OWNER = Symbol('owner')

type OwnHandle = TlsHandle & { [OWNER]?: BareTls }

export interface BareTlsServerOptions {
  readonly secureContext: SecureContext
  readonly asksCertificate: boolean
  /** Chooses by the name that the client sends. What it throws ends the handshake. */
  readonly byServerName?: ((name: string) => SecureContext) | undefined
  readonly alpn?: string | undefined
}

export interface BareTlsClientOptions {
  readonly secureContext: SecureContext
  /** What the server is to be told (RFC 6066 section 3): never an address. */
  readonly servername: string | undefined
}

export type BareTlsOptions = BareTlsServerOptions | BareTlsClientOptions

/** One end of TLS over a TCP connection, without TLSSocket. Members that TLSSocket has too mean the same. */
export class BareTls extends BareStream {
  readonly encrypted = true
  /** Runs once, synchronously: what came behind the handshake is read next. */
  onSecure: (() => void) | undefined
  readonly #tls: OwnHandle
  /** Node aborts over a handshake that is begun twice. */
  #mustBegin: boolean
  /** Before that OpenSSL's answers have nothing to stand on, and some take the process along. */
  #isSecure = false
  /** One write is on its way; what follows it waits here. */
  #sending = false
  #queue: (string | Uint8Array)[] = []
  #early: Buffer | undefined

  constructor(tcp: TcpHandle, binding: BareBinding, options: BareTlsOptions) {
    const isServer = 'asksCertificate' in options
    const tls = binding.wrapTls(tcp, nativeContext(options.secureContext), isServer, false)
    super(tcp, tls, binding)
    this.#tls = tls
    this.#mustBegin = !isServer
    this.#tls[OWNER] = this
    tls.onhandshakedone = onHandshakeDone
    tls.onerror = onError
    if (isServer) this.#prepareServer(options)
    else this.#prepareClient(options)
  }

  #prepareServer({ asksCertificate, byServerName, alpn }: BareTlsServerOptions): void {
    if (asksCertificate) this.#tls.setVerifyMode(true, false)
    if (alpn !== undefined) this.#tls.setALPNProtocols(lengthBefore(alpn))
    if (byServerName !== undefined) this.#chooseBy(byServerName)
  }

  #prepareClient({ servername }: BareTlsClientOptions): void {
    // Whether the server's certificate is good is asked afterwards.
    this.#tls.setVerifyMode(true, false)
    if (servername !== undefined) this.#tls.setServername(servername)
  }

  /** Begins the handshake. */
  begin(): void {
    this.resume()
    if (!this.#mustBegin || this.destroyed) return
    this.#mustBegin = false
    this.#tls.start()
  }

  /** Bytes that the peer had sent before. */
  receive(bytes: Buffer): void {
    if (bytes.length > 0) this.#early = bytes
  }

  override resume(): void {
    super.resume()
    const early = this.#early
    if (early === undefined || this.destroyed) return
    // Not before somebody listens: it may fail at once.
    this.#early = undefined
    this.#tls.receive(early)
  }

  write(data: string | Uint8Array): boolean {
    if (!this.writable) return false
    // Node has ways of its own for writes of nothing.
    if (data.length === 0) return !this.writableNeedDrain
    if (this.#sending) {
      this.#queue.push(data)
      this.wait(data.length)
    } else this.#sendNow(data)
    return !this.writableNeedDrain
  }

  override written(size: number, status: number): void {
    this.#sending = false
    if (!this.destroyed && status === 0) this.#sendQueued()
    const isEnding = !this.writable
    super.written(size, status)
    if (isEnding && !this.destroyed && this.mayShutDown()) this.shutDown()
  }

  /** Sends what is queued and close_notify, then closes; nobody waits for the peer, nor for the kernel to take the last word. */
  leave(): void {
    if (this.#sending) return this.end(() => this.destroy())
    this.end()
    this.destroy()
  }

  /** close_notify must not overtake. */
  protected mayShutDown(): boolean {
    return !this.#sending
  }

  protected override closed(): void {
    this.#queue = []
    this.#early = undefined
    this.#tls.destroySSL()
    this.writableLength = 0
    super.closed()
  }

  get servername(): string | undefined {
    return this.destroyed ? undefined : this.#tls.getServername() || undefined
  }

  getProtocol(): string | null {
    return this.destroyed ? null : this.#tls.getProtocol()
  }

  getCipher(): { readonly name: string } {
    return this.destroyed ? { name: '' } : this.#tls.getCipher()
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    const raw = this.destroyed ? undefined : this.#tls.getPeerCertificate(false)?.raw
    return raw === undefined ? undefined : new X509Certificate(raw)
  }

  getCertificate(): { readonly raw?: Buffer } | null {
    return (this.destroyed ? undefined : this.#tls.getCertificate()) ?? null
  }

  /** Throws once the connection is closed. */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer {
    if (this.destroyed) throw new Error('connection closed')
    return this.#tls.exportKeyingMaterial(length, label, context)
  }

  /** A Diffie-Hellman key of the finite field: its size in bits. */
  ephemeralDhBits(): number | undefined {
    const info = this.destroyed || !this.#isSecure ? null : this.#tls.getEphemeralKeyInfo()
    return info?.type === 'DH' ? info.size : undefined
  }

  /** Why the peer's certificate is not valid. */
  verifyError(): (Error & { code?: string }) | null {
    if (!this.#isSecure) return new Error('no handshake')
    return this.destroyed ? new Error('connection closed') : this.#tls.verifyError()
  }

  /** For the callback of this file. */
  secured(): void {
    const { onSecure } = this
    this.#isSecure = true
    this.onSecure = undefined
    onSecure?.()
  }

  #chooseBy(byServerName: (name: string) => SecureContext): void {
    this.#tls.oncertcb = ({ servername }) => {
      try {
        if (servername) this.#tls.sni_context = nativeContext(byServerName(servername))
        this.#tls.certCbDone()
      } catch (error) {
        this.destroy(error as Error)
      }
    }
    this.#tls.enableCertCb()
  }

  #sendNow(data: string | Uint8Array): void {
    this.#sending = true
    this.#sending = this.send(data)
    if (this.#sending) this.wait(data.length)
  }

  /** Sends at once what came behind the last write. */
  #sendQueued(): void {
    const queue = this.#queue
    if (queue.length === 0) return
    this.#queue = []
    const data = queue.length === 1 ? (queue[0] as string) : Buffer.concat(queue.map(bytesOf))
    // It has been waited for since it came.
    this.#sending = this.send(data)
    if (!this.#sending) this.writableLength -= data.length
  }
}

function nativeContext(context: SecureContext): unknown {
  return context.context
}

function lengthBefore(name: string): Buffer {
  return Buffer.from(String.fromCharCode(name.length) + name, 'latin1')
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data
}

function onHandshakeDone(this: OwnHandle): void {
  this[OWNER]?.secured()
}

function onError(this: OwnHandle, error: Error): void {
  this[OWNER]?.destroy(error)
}
