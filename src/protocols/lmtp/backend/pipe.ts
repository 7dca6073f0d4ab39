import type { ByteStream } from '../../../net/byte-stream.ts'
import { readReply, type SmtpReply, withoutEnhanced } from '../../smtp/wire/reply.ts'
import { backendFailure, BackendFailure, type BackendRefusal, badReply } from './failure.ts'

/** RFC 5321 §4.5.3.1.5 says 512; real servers say more. */
const REPLY_LINE_BYTES = 4096

/** What is small goes out in one write: copying it costs less. */
export const TOGETHER_BYTES = 32 * 1024

type Failure = BackendFailure | BackendRefusal

/**
 * Commands out, replies in, each to its own: with PIPELINING (RFC 2920) commands go out at once, without it each waits for
 * the reply to the one before. A fault fails everything that waits and closes the connection.
 *
 * Rule to keep: what the backend says before it is asked is never taken for the answer to a later question.
 */
export class CommandPipe {
  readonly stream: ByteStream
  pipelining = false
  /** The server has ENHANCEDSTATUSCODES (RFC 2034); otherwise what looks like one is text. */
  enhanced = false
  /** How long from now the next reply may take. */
  timeoutMs: () => number
  readonly #waiting: PromiseWithResolvers<SmtpReply>[] = []
  readonly #unsent: { readonly line: string; readonly waiter: PromiseWithResolvers<SmtpReply> }[] = []
  /** A message is under way: the backend would take a command for part of it. */
  withinMessage = false
  #failure: Failure | undefined
  #reading = false
  #outgoing = ''

  constructor(stream: ByteStream, timeoutMs: () => number) {
    this.stream = stream
    this.timeoutMs = timeoutMs
  }

  /** Replies are outstanding. */
  get busy(): boolean {
    return this.#waiting.length > 0
  }

  get failure(): Failure | undefined {
    return this.#failure
  }

  /** Sends a command (CRLF included) and resolves with the reply, whatever its code. Rejects with BackendFailure. */
  command(line: string): Promise<SmtpReply> {
    if (this.#failure === undefined && !this.busy && this.stream.buffered > 0) this.fail(badReply('Unexpected reply'))
    const waiter = this.#newWaiter()
    if (this.#failure !== undefined) return waiter.promise
    if (this.busy && !this.pipelining) this.#unsent.push({ line, waiter })
    else {
      this.#send(line)
      this.#expect(waiter)
    }
    return waiter.promise
  }

  /** Sends part of a message. Rejects when the backend does not take it in time, or is gone. */
  async content(bytes: Buffer): Promise<void> {
    if (this.#outgoing !== '' && bytes.length <= TOGETHER_BYTES) {
      this.stream.write(Buffer.concat([Buffer.from(this.#outgoing, 'latin1'), bytes]))
      this.#outgoing = ''
    } else {
      this.#flush()
      this.stream.write(bytes)
    }
    await this.stream.drained()
  }

  /** The next reply that no command asked for: the greeting, or a further one after the end of a message. */
  reply(): Promise<SmtpReply> {
    const waiter = this.#newWaiter()
    if (this.#failure === undefined) this.#expect(waiter)
    return waiter.promise
  }

  /** Everything that waits fails with this, and the connection is closed at once. */
  fail(failure: Failure): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.stream.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(failure)
    for (const { waiter } of this.#unsent.splice(0)) waiter.reject(failure)
  }

  /** Commands of one turn go out in one write. */
  #send(line: string): void {
    if (this.#outgoing === '') queueMicrotask(() => this.#flush())
    this.#outgoing += line
  }

  #flush(): void {
    if (this.#outgoing === '') return
    this.stream.write(this.#outgoing)
    this.#outgoing = ''
  }

  #newWaiter(): PromiseWithResolvers<SmtpReply> {
    const waiter = Promise.withResolvers<SmtpReply>()
    // Whoever asked may be gone by then.
    waiter.promise.catch(() => undefined)
    if (this.#failure !== undefined) waiter.reject(this.#failure)
    return waiter
  }

  #expect(waiter: PromiseWithResolvers<SmtpReply>): void {
    this.#waiting.push(waiter)
    if (!this.#reading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#reading = true
    try {
      while (this.busy) {
        this.stream.setDeadline(this.timeoutMs())
        const reply = await readReply(async () => await this.#readLine())
        // RFC 5321 §3.8: the server is about to close, whatever was asked.
        if (reply.code === 421) throw new BackendFailure('connection lost', reply.lines.join(' '))
        this.#waiting.shift()?.resolve(this.enhanced ? reply : withoutEnhanced(reply))
        this.#sendNext()
      }
      this.stream.setDeadline(undefined)
    } catch (error) {
      this.fail(backendFailure(error))
    } finally {
      this.#reading = false
    }
  }

  async #readLine(): Promise<string> {
    const line = await this.stream.readLine(REPLY_LINE_BYTES)
    if (line === undefined) throw backendFailure(undefined)
    return line
  }

  #sendNext(): void {
    const next = this.busy ? undefined : this.#unsent.shift()
    if (next === undefined) return
    this.#send(next.line)
    this.#waiting.push(next.waiter)
  }
}
