import type { Appending, NewMessage } from '../../../../storage/store.ts'
import type { ResponseSink } from './connection.ts'
import { literalSize } from './response.ts'

/**
 * Takes the one message that a FETCH brings and hands it on as it comes; other responses go to the client. What goes wrong where
 * the message goes to is kept until the response is read to its end: the connection must not stop in the middle.
 */
export class MessageSink implements ResponseSink {
  readonly #client: ResponseSink
  readonly #facts: Pick<NewMessage, 'bits' | 'keywords' | 'internalDateMs'>
  readonly #to: Appending
  #isTaking = false
  #state: 'waiting' | 'open' | 'whole' | 'failed' = 'waiting'
  #sizeBytes = 0
  #taken = 0
  #chunk: Buffer | undefined
  #failure: unknown

  constructor(client: ResponseSink, facts: Pick<NewMessage, 'bits' | 'keywords' | 'internalDateMs'>, to: Appending) {
    this.#client = client
    this.#facts = facts
    this.#to = to
  }

  /** The whole message went on. */
  get isWhole(): boolean {
    return this.#state === 'whole'
  }

  throwFailure(): void {
    if (this.#state === 'failed') throw this.#failure
  }

  choose(line: string): ReturnType<ResponseSink['choose']> {
    const size = /^\* \d+ FETCH .*BODY\[\] ~?\{\d+\}$/i.test(line) ? literalSize(line) : undefined
    this.#isTaking = size !== undefined && this.#state === 'waiting'
    if (size === undefined) return this.#client.choose(line)
    if (!this.#isTaking) return 'drop'
    this.#sizeBytes = size
    return 'take'
  }

  text(text: string): void {
    if (!this.#isTaking) this.#client.text(text)
  }

  bytes(bytes: Buffer): void {
    if (this.#isTaking) this.#chunk = bytes
    else this.#client.bytes(bytes)
  }

  async drained(): Promise<void> {
    if (!this.#isTaking) return await this.#client.drained()
    const chunk = this.#chunk
    this.#chunk = undefined
    try {
      await this.#handOn(chunk)
    } catch (error) {
      this.#failure = error
      this.#state = 'failed'
    }
  }

  gathered(parts: readonly string[]): void {
    this.#client.gathered(parts)
  }

  async #handOn(chunk: Buffer | undefined): Promise<void> {
    if (this.#state === 'waiting') {
      await this.#to.begin({ ...this.#facts, sizeBytes: this.#sizeBytes })
      this.#state = 'open'
    }
    // A second literal is no part of it.
    if (this.#state !== 'open') return
    if (chunk !== undefined) await this.#to.write(chunk)
    this.#taken += chunk?.length ?? 0
    if (this.#taken < this.#sizeBytes) return
    await this.#to.end()
    this.#state = 'whole'
  }
}
