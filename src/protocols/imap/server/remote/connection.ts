// One connection to another IMAP server: commands one after the other, responses streamed or read whole.
import { asError } from '../../../../util/as-error.ts'
import { type ByteStream, ConnectionLost, DeadlineExceeded, LineTooLong } from '../../../../net/byte-stream.ts'
import type { RemotePlace } from '../../../remote-mail.ts'
import { sanitize } from '../../../wire-text.ts'
import { REMOTE_LIMITS } from './limits.ts'
import type { RemoteNaming } from './remote-names.ts'
import { isStatus, literalSize } from './response.ts'

/** The other server went away, fell silent, or said what makes no sense. The connection is closed. */
export class RemoteLost extends Error {
  override readonly name = 'RemoteLost'
  /** In the middle of what is on its way to the client: nothing else can be said to it any more. */
  readonly isMidResponse: boolean
  /** Nothing at all was said to the last command: it may never have arrived. */
  readonly wasSilent: boolean

  constructor(message: string, isMidResponse = false, wasSilent = false) {
    super(message)
    this.isMidResponse = isMidResponse
    this.wasSilent = wasSilent
  }
}

/** Where untagged responses go. */
export interface ResponseSink {
  /** What to do with a response that begins with this line. `pass`: to the client; `take`: it goes somewhere else. */
  choose(line: string): 'pass' | 'take' | 'gather' | 'drop'
  /** Parts of a response that passes or is taken, with its line ends. */
  text(text: string): void
  bytes(bytes: Buffer): void
  /** Resolves when more may come. */
  drained(): void | Promise<void>
  /** A response that was gathered: lines, and literals between them. */
  gathered(parts: readonly string[]): void
}

export type RemoteReply =
  /** What follows the tag. */
  | { readonly kind: 'tagged'; readonly text: string }
  /** What follows the plus. */
  | { readonly kind: 'continue'; readonly text: string }

export class RemoteConnection {
  readonly place: RemotePlace
  /** Upper case. */
  capability: ReadonlySet<string> = new Set()
  naming: RemoteNaming = { separator: '/', foreignPrefixes: [] }
  /** What this side said that it can read. RFC 5161. */
  readonly enabled = new Set<string>()
  /** Milliseconds of performance.now(). */
  usedAt = performance.now()
  /** A command is under way. */
  isBusy = false
  readonly #stream: ByteStream
  #isPassing = false
  #isSilent = false
  #unheardBytes = 0
  #isLost = false

  constructor(place: RemotePlace, stream: ByteStream) {
    this.place = place
    this.#stream = stream
  }

  /** A response is only half said to the client. */
  get isPassing(): boolean {
    return this.#isPassing
  }

  /** Runs when the server hangs up. */
  onEnd(listener: () => void): void {
    this.#stream.onEnd(() => listener())
  }

  /** It is of no use any more. */
  get isOver(): boolean {
    return this.#isLost || this.#stream.ended
  }

  send(text: string): void {
    this.usedAt = performance.now()
    this.isBusy = true
    this.#isSilent = true
    this.#unheardBytes = 0
    this.#stream.write(text)
  }

  /** Bytes of a literal; resolves when more may be sent. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    this.#stream.setDeadline(this.place.answerMs)
    try {
      this.#stream.write(bytes)
      await this.#stream.drained()
    } catch (error) {
      throw this.#lost(error)
    }
  }

  /** Reads until the reply to a command, or until the server asks for more of it. Rejects with RemoteLost. */
  async next(tag: string, sink: ResponseSink, silenceMs = this.place.answerMs): Promise<RemoteReply> {
    for (;;) {
      const line = await this.#line(silenceMs)
      if (line.startsWith(`${tag} `)) {
        this.#stream.setDeadline(undefined)
        this.usedAt = performance.now()
        this.isBusy = false
        return { kind: 'tagged', text: line.slice(tag.length + 1) }
      }
      if (line === '+' || line.startsWith('+ ')) return { kind: 'continue', text: line.slice(2) }
      if (!line.startsWith('* ')) throw this.#fail(`said what makes no sense: ${sanitize(line, 100)}`)
      if (/^\* BYE\b/i.test(line)) throw this.#fail(`said goodbye: ${sanitize(line.slice('* BYE '.length), 200)}`)
      await this.#untagged(line, sink)
    }
  }

  /** Whoever waits for this server need not be patient any more. */
  hurry(): void {
    this.#stream.setDeadline(this.place.answerMs)
  }

  /** Closes it without a word: the other side notices. */
  destroy(): void {
    this.#isLost = true
    this.#stream.destroy()
  }

  /** Says goodbye; nobody waits for the answer. */
  close(): void {
    if (!this.isOver) this.#stream.write('x LOGOUT\r\n')
    this.#isLost = true
    void this.#stream.close()
  }

  async #untagged(line: string, sink: ResponseSink): Promise<void> {
    const choice = sink.choose(line)
    if (choice === 'gather' || choice === 'drop') this.#countUnheard(line.length)
    if (choice === 'gather') return sink.gathered(await this.#gather(line))
    const passes = choice !== 'drop'
    if (passes) sink.text(`${line}\r\n`)
    let part = line
    for (let size = sizeOf(line, part); size !== undefined; size = sizeOf(line, part)) {
      this.#isPassing = choice === 'pass'
      await this.#eachChunk(size, (chunk) => (passes ? handOn(sink, chunk) : this.#countUnheard(chunk.length)))
      part = await this.#line(this.place.answerMs)
      if (passes) sink.text(`${part}\r\n`)
    }
    this.#isPassing = false
    await sink.drained()
  }

  /** A client that left would not be noticed while nothing is said to it. */
  #countUnheard(bytes: number): void {
    this.#unheardBytes += bytes
    if (this.#unheardBytes > REMOTE_LIMITS.unheardBytes) throw this.#fail('says too much that nobody asked for')
  }

  async #gather(line: string): Promise<readonly string[]> {
    const parts = [line]
    let bytes = line.length
    for (let size = sizeOf(line, line); size !== undefined; size = sizeOf(line, parts.at(-1) ?? '')) {
      bytes += size
      if (bytes > REMOTE_LIMITS.responseBytes) throw this.#fail('sent a response that is too long')
      let literal = ''
      await this.#eachChunk(size, (chunk) => void (literal += chunk.toString('latin1')))
      const next = await this.#line(this.place.answerMs)
      bytes += next.length
      parts.push(literal, next)
    }
    return parts
  }

  async #eachChunk(sizeBytes: number, take: (chunk: Buffer) => void | Promise<void>): Promise<void> {
    for (let left = sizeBytes; left > 0; ) {
      this.#stream.setDeadline(this.place.answerMs)
      const chunk = await this.#some(Math.min(left, REMOTE_LIMITS.chunkBytes))
      left -= chunk.length
      const taken = take(chunk)
      if (taken !== undefined) {
        // However long the client takes is not this server's fault.
        this.#stream.setDeadline(undefined)
        await taken
      }
    }
  }

  async #some(max: number): Promise<Buffer> {
    try {
      const chunk = await this.#stream.readSome(max)
      if (chunk !== undefined) return chunk
    } catch (error) {
      throw this.#lost(error)
    }
    throw this.#fail('closed the connection')
  }

  async #line(silenceMs: number): Promise<string> {
    this.#stream.setDeadline(silenceMs)
    try {
      const line = await this.#stream.readLine(REMOTE_LIMITS.lineBytes)
      this.#isSilent &&= line === undefined
      if (line !== undefined) return line
    } catch (error) {
      throw this.#lost(error)
    }
    throw this.#fail('closed the connection')
  }

  #lost(error: unknown): Error {
    if (error instanceof LineTooLong) return this.#fail('sent a line that does not end')
    if (error instanceof DeadlineExceeded) return this.#fail('does not answer')
    if (error instanceof ConnectionLost) return this.#fail(`broke the connection: ${error.message}`)
    return asError(error)
  }

  #fail(what: string): RemoteLost {
    const isMidResponse = this.#isPassing
    this.destroy()
    return new RemoteLost(`${this.place.server} ${what}`, isMidResponse, this.#isSilent)
  }
}

/** Only data has literals; in a status line braces are text. */
function sizeOf(line: string, part: string): number | undefined {
  return isStatus(line) ? undefined : literalSize(part)
}

function handOn(sink: ResponseSink, chunk: Buffer): void | Promise<void> {
  sink.bytes(chunk)
  return sink.drained()
}
