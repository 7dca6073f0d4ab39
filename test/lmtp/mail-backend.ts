import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What a backend does when it has this much of a message. */
export type Conduct = 'goes on' | 'stalls' | 'dies'

export interface MailBackendOptions {
  readonly extensions?: readonly string[]
  readonly host?: string
  /** Asked with every piece of a message. */
  readonly conduct?: (receivedBytes: number) => Conduct
  /** The reply to a command, instead of the usual one. */
  readonly reply?: (command: string) => string | undefined
  /** The reply to the message for one recipient. */
  readonly answer?: (recipient: string) => string
  /** One reply for all recipients. */
  readonly smtp?: boolean
}

export interface ReceivedMessage {
  readonly recipients: readonly string[]
  readonly sizeBytes: number
  /** SHA-1 of the content, dots removed, without the first header (our trace). */
  readonly digest: string
  readonly head: string
}

export interface MailBackend {
  readonly host: string
  readonly port: number
  /** Messages that came to their end. */
  readonly messages: readonly ReceivedMessage[]
  /** Every command line, by connection. */
  readonly commands: readonly (readonly string[])[]
  /** Message bytes so far, of all connections. */
  readonly receivedBytes: number
  /** Resolves once a connection has ended. */
  ended(): Promise<void>
  close(): Promise<void>
}

const USUAL = ['8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING']

/** A server that takes mail and forgets all but its size and digest, so that it can take large ones. */
export async function startMailBackend(options: MailBackendOptions = {}): Promise<MailBackend> {
  const { host = '127.0.0.1' } = options
  const record = { messages: [] as ReceivedMessage[], commands: [] as string[][], receivedBytes: 0 }
  const sockets = new Set<Socket>()
  let ends = 0
  let onEnd = Promise.withResolvers<void>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const commands: string[] = []
    record.commands.push(commands)
    const session = new Session(socket, options, record, commands)
    socket.on('data', (bytes: Buffer) => session.take(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      ends++
      onEnd.resolve()
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    host,
    port: (server.address() as AddressInfo).port,
    messages: record.messages,
    commands: record.commands,
    get receivedBytes() {
      return record.receivedBytes
    },
    async ended() {
      if (ends === 0) await onEnd.promise
      ends--
      onEnd = Promise.withResolvers()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type State =
  | { readonly kind: 'commands' }
  | { readonly kind: 'data' }
  | { readonly kind: 'chunk'; left: number; last: boolean }

class Session {
  readonly #socket: Socket
  readonly #options: MailBackendOptions
  readonly #record: { messages: ReceivedMessage[]; receivedBytes: number }
  readonly #commands: string[]
  #state: State = { kind: 'commands' }
  #unread: Buffer = Buffer.alloc(0)
  #recipients: string[] = []
  #content = new Content()
  #stalled = false

  constructor(
    socket: Socket,
    options: MailBackendOptions,
    record: { messages: ReceivedMessage[]; receivedBytes: number },
    commands: string[],
  ) {
    this.#socket = socket
    this.#options = options
    this.#record = record
    this.#commands = commands
    this.#say(options.reply?.('') ?? '220 backend.test ready')
  }

  take(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    while (!this.#stalled && this.#step());
  }

  #step(): boolean {
    switch (this.#state.kind) {
      case 'commands':
        return this.#command()
      case 'data':
        return this.#data()
      case 'chunk':
        return this.#chunk(this.#state)
    }
  }

  #command(): boolean {
    const end = this.#unread.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#unread.toString('latin1', 0, end)
    this.#unread = this.#unread.subarray(end + 2)
    this.#commands.push(line)
    const [name = '', size = '0', last] = line.toUpperCase().split(' ')
    const reply = this.#options.reply?.(line)
    if (name === 'BDAT') {
      this.#state = { kind: 'chunk', left: Number(size), last: last === 'LAST' }
      return true
    }
    const usual = this.#usual(name, line)
    this.#say(reply ?? usual)
    const taken = (reply ?? usual).startsWith('2')
    if (name === 'RCPT' && taken) this.#recipients.push(/<(.*?)>/.exec(line)?.[1] ?? '')
    if (name === 'DATA' && (reply ?? usual).startsWith('3')) this.#state = { kind: 'data' }
    if (name === 'QUIT') this.#socket.end()
    return true
  }

  #usual(name: string, _line: string): string {
    const { extensions = USUAL } = this.#options
    if (name === 'DATA') return '354 go on'
    if (name !== 'LHLO' && name !== 'EHLO') return '250 2.0.0 OK'
    const lines = ['backend.test', ...extensions]
    return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n')
  }

  #data(): boolean {
    const end = this.#unread.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#unread.subarray(0, end + 2)
    this.#unread = this.#unread.subarray(end + 2)
    if (line.length === 3 && line[0] === 0x2e) {
      this.#finish()
      return true
    }
    return this.#receive(line[0] === 0x2e ? line.subarray(1) : line)
  }

  #chunk(state: Extract<State, { kind: 'chunk' }>): boolean {
    const piece = this.#unread.subarray(0, state.left)
    if (piece.length === 0 && state.left > 0) return false
    this.#unread = this.#unread.subarray(piece.length)
    state.left -= piece.length
    if (!this.#receive(piece)) return false
    if (state.left > 0) return true
    if (state.last) this.#finish()
    else this.#say('250 2.0.0 chunk taken')
    this.#state = { kind: 'commands' }
    return true
  }

  /** False when no more is taken. */
  #receive(piece: Buffer): boolean {
    this.#record.receivedBytes += piece.length
    this.#content.add(piece)
    switch (this.#options.conduct?.(this.#content.size) ?? 'goes on') {
      case 'goes on':
        return true
      case 'stalls':
        this.#stalled = true
        this.#socket.pause()
        return false
      case 'dies':
        this.#socket.resetAndDestroy()
        return false
    }
  }

  #finish(): void {
    this.#state = { kind: 'commands' }
    const recipients = this.#recipients
    this.#record.messages.push({ recipients, ...this.#content.end() })
    this.#content = new Content()
    this.#recipients = []
    const { answer = () => '250 2.0.0 saved', smtp = false } = this.#options
    for (const recipient of smtp ? ['all'] : recipients) this.#say(answer(recipient))
  }

  #say(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }
}

/** Size and digest of a message, the trace at its front left out of the digest. */
class Content {
  size = 0
  #head: Buffer | undefined = Buffer.alloc(0)
  readonly #hash: Hash = createHash('sha1')
  #headText = ''

  add(piece: Buffer): void {
    this.size += piece.length
    if (this.#head === undefined) {
      this.#hash.update(piece)
      return
    }
    this.#head = Buffer.concat([this.#head, piece])
    // The trace ends at the first line end that no tab follows.
    const end = /^Received:.*?\r\n(?!\t)/s.exec(this.#head.toString('latin1'))?.[0].length
    if (end === undefined || this.#head.length <= end) return
    this.#headText = this.#head.toString('latin1', 0, end)
    this.#hash.update(this.#head.subarray(end))
    this.#head = undefined
  }

  end(): { sizeBytes: number; digest: string; head: string } {
    if (this.#head !== undefined) this.#headText = this.#head.toString('latin1')
    return { sizeBytes: this.size, digest: this.#hash.digest('hex'), head: this.#headText }
  }
}
