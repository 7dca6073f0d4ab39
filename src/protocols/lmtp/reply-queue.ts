import type { ByteStream } from '../../net/byte-stream.ts'

/** Replies go out in the order of the commands, however long each takes: RCPT commands run side by side. */
export class ReplyQueue {
  readonly #stream: ByteStream
  #last: Promise<void> = Promise.resolve()
  #pending = 0
  readonly #onEmpty: () => void
  #oneSaid = Promise.withResolvers<void>()

  /** `onEmpty` runs when nothing is owed any more. */
  constructor(stream: ByteStream, onEmpty: () => void) {
    this.#stream = stream
    this.#onEmpty = onEmpty
  }

  /** Replies that are owed. */
  get pending(): number {
    return this.#pending
  }

  /** Complete reply lines, said when all before have been said. A rejection says nothing; the fault is the caller's. */
  push(reply: string | Promise<string>): void {
    if (typeof reply === 'string' && this.#pending === 0) {
      this.#stream.write(reply)
      return
    }
    this.#pending++
    this.#last = this.#sayAfter(this.#last, reply)
  }

  /** Resolves when everything has been said. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await this.#last
  }

  /** Resolves when the newest reply but `count` was said. */
  async atMost(count: number): Promise<void> {
    while (this.#pending > count) await this.#oneSaid.promise
  }

  async #sayAfter(before: Promise<void>, reply: string | Promise<string>): Promise<void> {
    const [text] = await Promise.all([Promise.resolve(reply).catch(() => ''), before])
    if (text !== '') this.#stream.write(text)
    this.#pending--
    this.#oneSaid.resolve()
    this.#oneSaid = Promise.withResolvers()
    if (this.#pending === 0) this.#onEmpty()
  }
}
