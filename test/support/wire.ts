import { once } from 'node:events'
import type { Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
  type SecureContextOptions,
} from 'node:tls'
import { PATIENCE_MS, within } from './deadline.ts'

/**
 * One end of a text conversation over TCP or TLS, for tests. Strings are latin1, one character a byte. Every wait has a
 * deadline, and a failed one says what was awaited and what came instead.
 */
export class Wire {
  readonly name: string
  #socket: Socket
  #unread = Buffer.alloc(0)
  #ended = false
  #fault: Error | undefined
  #changed = Promise.withResolvers<void>()
  readonly #history: Buffer[] = []

  constructor(socket: Socket, name: string) {
    this.name = name
    this.#socket = socket
    this.#listen(socket)
  }

  /** Everything received so far. */
  get received(): string {
    return Buffer.concat(this.#history).toString('latin1')
  }

  /** What has come and was not read yet. */
  get unread(): string {
    return this.#unread.toString('latin1')
  }

  /** The other end closed or broke the connection. */
  get ended(): boolean {
    return this.#ended
  }

  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ''
  }

  /** Sends lines in one write; CRLF is added to each. */
  send(...lines: string[]): void {
    this.sendRaw(lines.map((line) => `${line}\r\n`).join(''))
  }

  /** Sends exactly these bytes. */
  sendRaw(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends the bytes in pieces, each its own segment: the next goes out when the kernel took the last. */
  async sendInPieces(bytes: string | Uint8Array, sizeBytes = 1): Promise<void> {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)
    this.#socket.setNoDelay(true)
    for (let start = 0; start < all.length; start += sizeBytes) {
      await new Promise<void>((sent) =>
        this.#socket.write(all.subarray(start, start + sizeBytes), () => setImmediate(sent)),
      )
    }
  }

  /** The next line without its CRLF or LF. */
  async line(ms = PATIENCE_MS): Promise<string> {
    await this.#until('a line', ms, () => this.#unread.includes(0x0a))
    const end = this.#unread.indexOf(0x0a)
    const line = this.#take(end + 1).toString('latin1')
    return line.endsWith('\r\n') ? line.slice(0, -2) : line.slice(0, -1)
  }

  /** The next line, which must equal the text or match the pattern. */
  async expect(wanted: string | RegExp, ms = PATIENCE_MS): Promise<string> {
    const line = await this.line(ms).catch((error: unknown) => {
      throw new Error(`${this.name}: awaiting ${String(wanted)}`, { cause: error })
    })
    const matches = typeof wanted === 'string' ? line === wanted : wanted.test(line)
    if (!matches) throw new Error(`${this.name}: expected ${String(wanted)}, got ${JSON.stringify(line)}`)
    return line
  }

  /** Lines up to and including the first that matches. */
  async linesUntil(wanted: RegExp, ms = PATIENCE_MS): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line(ms)
      lines.push(line)
      if (wanted.test(line)) return lines
    }
  }

  /** Exactly this many bytes. */
  async bytes(count: number, ms = PATIENCE_MS): Promise<Buffer> {
    await this.#until(`${count} bytes`, ms, () => this.#unread.length >= count)
    return this.#take(count)
  }

  /** Waits for the other end to close, and complains when more bytes come first. */
  async expectEnd(ms = PATIENCE_MS): Promise<void> {
    await this.#until('the end of the connection', ms, () => this.#ended || this.#unread.length > 0, true)
    if (this.#unread.length > 0) throw new Error(`${this.name}: expected the end, got ${JSON.stringify(this.unread)}`)
  }

  /** Holds when nothing comes for this long. For "does not speak before ..." only, as it costs the time. */
  async expectSilence(ms: number): Promise<void> {
    const quiet = Symbol('quiet')
    const spoken = this.#until('silence', ms * 10, () => this.#ended || this.#unread.length > 0, true)
    const timer = Promise.withResolvers<typeof quiet>()
    const timeout = setTimeout(() => timer.resolve(quiet), ms)
    const first = await Promise.race([spoken, timer.promise])
    clearTimeout(timeout)
    if (first === quiet) return void spoken.catch(() => undefined)
    throw new Error(`${this.name}: expected silence, got ${this.#ended ? 'the end' : JSON.stringify(this.unread)}`)
  }

  /** Client side of a TLS handshake on this connection. Rejects when it fails. */
  async startTlsAsClient(options: ConnectionOptions = { rejectUnauthorized: false }): Promise<void> {
    await this.#secure(connectTls({ ...options, socket: this.#detach() }), 'secureConnect')
  }

  /** Server side of a TLS handshake on this connection. Rejects when it fails. */
  async startTlsAsServer(options: SecureContextOptions & ServerTlsOptions): Promise<void> {
    const { requestCert = false, ...context } = options
    const secureContext = createSecureContext(context)
    const socket = new TLSSocket(this.#detach(), {
      isServer: true,
      secureContext,
      requestCert,
      rejectUnauthorized: false,
    })
    // Without a tls.Server Node says no more than this, and goes on.
    socket.on('_tlsError', (error: Error) => socket.destroy(error))
    await this.#secure(socket, 'secure')
  }

  /** Finishes our direction and lets the other end close. */
  close(): void {
    this.#socket.end()
  }

  /** Breaks the connection with a reset. */
  reset(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (data: Buffer) => {
      this.#history.push(data)
      this.#unread = Buffer.concat([this.#unread, data])
      this.#wake()
    })
    const finish = (error?: Error): void => {
      this.#ended = true
      this.#fault ??= error
      this.#wake()
    }
    socket.on('end', () => finish())
    socket.on('close', () => finish())
    socket.on('error', finish)
  }

  #detach(): Socket {
    const socket = this.#socket
    socket.pause()
    for (const event of ['data', 'end', 'close', 'error']) socket.removeAllListeners(event)
    socket.on('error', (error: Error) => {
      this.#fault ??= error
    })
    if (this.#unread.length > 0) socket.unshift(this.#take(this.#unread.length))
    return socket
  }

  async #secure(socket: TLSSocket, event: 'secure' | 'secureConnect'): Promise<void> {
    const done = once(socket, event)
    // One that is half-open and ends does not close by itself.
    const closed = Promise.race([once(socket, 'close'), once(socket, 'end')]).then(() => {
      throw new Error(`${this.name}: connection closed during the TLS handshake`, { cause: this.#fault })
    })
    closed.catch(() => undefined)
    this.#socket = socket
    this.#listen(socket)
    await within(PATIENCE_MS, () => `${this.name}: no end of the TLS handshake`, Promise.race([done, closed]))
  }

  #take(count: number): Buffer {
    const taken = this.#unread.subarray(0, count)
    this.#unread = this.#unread.subarray(count)
    return taken
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  async #until(what: string, ms: number, ready: () => boolean, endIsFine = false): Promise<void> {
    const latest = performance.now() + ms
    while (!ready()) {
      if (this.#ended && !endIsFine)
        throw new Error(`${this.name}: the connection ended, awaiting ${what}${this.#rest()}`, { cause: this.#fault })
      const left = Math.max(0, latest - performance.now())
      await within(
        left,
        () => `${this.name}: nothing for ${ms} ms, awaiting ${what}${this.#rest()}`,
        this.#changed.promise,
      )
    }
  }

  #rest(): string {
    return this.#unread.length > 0 ? `; unread: ${JSON.stringify(this.unread)}` : ''
  }
}

export interface ServerTlsOptions {
  /** Asks for a client certificate; any is accepted, the test looks at it. */
  readonly requestCert?: boolean
}
