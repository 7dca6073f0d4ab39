import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

/** More than any status line has. */
const TAIL_BYTES = 512

/** A client that sends commands and waits for their last lines; what comes between is counted and thrown away. */
export class LineClient {
  bytes = 0
  readonly #socket: Socket
  #tail = ''
  #wanted:
    | { readonly pattern: RegExp; readonly done: (line: string) => void; readonly failed: (error: Error) => void }
    | undefined
  #tag = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    const over = (): void =>
      this.#wanted?.failed(new Error(`the server left; last it said ${JSON.stringify(this.#tail.slice(-200))}`))
    socket.on('close', over).on('error', over)
  }

  /** Connects, and waits for the greeting. */
  static async open(port: number): Promise<LineClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const client = new LineClient(socket)
    await client.#until(/^(\* OK|220|\+OK).*\r\n$/m)
    return client
  }

  /** An IMAP command, to its tagged OK. Throws for anything else. */
  async imap(command: string): Promise<string> {
    const tag = `x${++this.#tag}`
    const reply = this.#until(new RegExp(`(?:^|\\n)(${tag} [^\\r]*)\\r\\n$`))
    this.#socket.write(`${tag} ${command}\r\n`)
    const line = await reply
    if (!line.includes(`${tag} OK`)) throw new Error(`${command.slice(0, 60)}: ${line.trim()}`)
    return line
  }

  /** Sends, and waits for a line that matches. */
  async say(text: string | Buffer, until: RegExp): Promise<string> {
    const reply = this.#until(until)
    this.#socket.write(text)
    return await reply
  }

  close(): void {
    this.#wanted = undefined
    this.#socket.destroy()
  }

  #until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#tail = ''
      this.#wanted = { pattern, done: resolve, failed: reject }
    })
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length
    const end = chunk.length > TAIL_BYTES ? chunk.subarray(chunk.length - TAIL_BYTES) : chunk
    this.#tail = (this.#tail + end.toString('latin1')).slice(-TAIL_BYTES)
    const wanted = this.#wanted
    if (wanted === undefined || !wanted.pattern.test(this.#tail)) return
    this.#wanted = undefined
    wanted.done(this.#tail)
  }
}
