import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PATIENCE_MS, within } from '../support/deadline.ts'

/** A script may wait for a mail server. */
const SCRIPT_MS = PATIENCE_MS + 30_000

/** The remote control that programs of Mozilla have built in: scripts run inside, with all rights. */
export class Marionette {
  readonly #socket: Socket
  #unread = Buffer.alloc(0)
  #last = 0
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => this.#hear(data))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const answer of this.#answers.values()) answer.reject(new Error('Marionette: the connection ended'))
      this.#answers.clear()
    })
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect({ host: '127.0.0.1', port })
    await within(PATIENCE_MS, () => `no Marionette on port ${port}`, once(socket, 'connect'))
    const marionette = new Marionette(socket)
    await marionette.#order('WebDriver:NewSession', { capabilities: {} })
    await marionette.#order('Marionette:SetContext', { value: 'chrome' })
    await marionette.#order('WebDriver:SetTimeouts', { script: SCRIPT_MS })
    return marionette
  }

  /** Runs the body of an async function with these arguments; resolves with what it returns, as JSON. */
  async run(body: string, ...args: readonly unknown[]): Promise<unknown> {
    const script = `const [...given] = arguments
const done = given.pop()
;(async (...args) => { ${body} })(...given).then((value) => done([value ?? null]), (error) => done([null, String(error)]))`
    const answer = (await this.#order('WebDriver:ExecuteAsyncScript', { script, args })) as {
      value: [unknown, string?]
    }
    const [value, error] = answer.value
    if (error !== undefined) throw new Error(`Marionette: ${error}`)
    return value
  }

  close(): void {
    this.#socket.destroy()
  }

  async #order(name: string, parameters: unknown): Promise<unknown> {
    const id = ++this.#last
    const answer = Promise.withResolvers<unknown>()
    this.#answers.set(id, answer)
    const text = Buffer.from(JSON.stringify([0, id, name, parameters]))
    this.#socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]))
    return await within(SCRIPT_MS + PATIENCE_MS, () => `no answer to ${name}`, answer.promise)
  }

  /** Messages are `SIZE:JSON`; the first says hello, the others are `[1, id, error, result]`. */
  #hear(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data])
    for (;;) {
      const colon = this.#unread.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#unread.toString('latin1', 0, colon))
      if (this.#unread.length < end) return
      const message: unknown = JSON.parse(this.#unread.toString('utf8', colon + 1, end))
      this.#unread = this.#unread.subarray(end)
      if (Array.isArray(message)) this.#answer(message)
    }
  }

  #answer([, id, error, result]: readonly unknown[]): void {
    const answer = this.#answers.get(Number(id))
    this.#answers.delete(Number(id))
    if (error === null || error === undefined) answer?.resolve(result)
    else answer?.reject(new Error(`Marionette: ${JSON.stringify(error)}`))
  }
}
