import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PATIENCE_MS, within } from '../support/deadline.ts'

/** A busy machine with twenty sessions answers late. */
const REPLY_MS = PATIENCE_MS

/** An IMAP connection for long runs: what was read is forgotten. A line holds its literals, without the `{n}`. */
export class ImapWire {
  readonly #socket: Socket
  #unread = ''
  #ended = false
  #changed = Promise.withResolvers<void>()
  #tag = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      this.#unread += data
      this.#wake()
    })
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
  }

  static async login(port: number, user: string, password: string): Promise<ImapWire> {
    const socket = connect({ host: '127.0.0.1', port })
    await within(REPLY_MS, () => `cannot connect to ${port}`, once(socket, 'connect'))
    const wire = new ImapWire(socket)
    await wire.line()
    const lines = await wire.say(`LOGIN ${user} ${password}`)
    if (!/^\S+ OK/.test(lines.at(-1) ?? '')) throw new Error(`no login: ${lines.at(-1)}`)
    return wire
  }

  /** Sends a command, with its tag, and resolves with everything up to the tagged reply. */
  async say(command: string): Promise<string[]> {
    const tag = this.start(command)
    return await this.until(`${tag} `)
  }

  /** Sends a command and returns its tag. */
  start(command: string): string {
    const tag = `a${++this.#tag}`
    this.sendRaw(`${tag} ${command}\r\n`)
    return tag
  }

  sendRaw(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  async until(start: string): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      lines.push(line)
      if (line.startsWith(start)) return lines
    }
  }

  async line(): Promise<string> {
    let line = ''
    for (;;) {
      await this.#has(() => this.#unread.includes('\r\n'))
      line += this.#take(this.#unread.indexOf('\r\n') + 2).slice(0, -2)
      const size = /\{(\d+)\}$/.exec(line)?.[1]
      if (size === undefined) return line
      await this.#has(() => this.#unread.length >= Number(size))
      line = line.slice(0, line.lastIndexOf('{')) + this.#take(Number(size))
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(count: number): string {
    const taken = this.#unread.slice(0, count)
    this.#unread = this.#unread.slice(count)
    return taken
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  async #has(ready: () => boolean): Promise<void> {
    const latest = performance.now() + REPLY_MS
    while (!ready()) {
      if (this.#ended) throw new Error('the connection ended')
      await within(Math.max(0, latest - performance.now()), () => 'no reply in time', this.#changed.promise)
    }
  }
}
