import type { MessageSummary } from '../../../../storage/message/message-summary.ts'
import { StoreRefusal } from '../../../../storage/refusal.ts'
import { type Mailbox, READ_CHUNK_BYTES, type StoredMessage } from '../../../../storage/store.ts'

/** A message whose bytes are wanted: small ones are read at once, and once. */
export class OpenMessage {
  readonly stored: StoredMessage
  /** Everything, when it fits one read. */
  readonly whole: Buffer | undefined
  readonly #mailbox: Mailbox
  readonly #uid: number
  #summary: MessageSummary | undefined

  private constructor(
    mailbox: Mailbox,
    uid: number,
    stored: StoredMessage,
    whole: Buffer | undefined,
    summary?: MessageSummary,
  ) {
    this.#mailbox = mailbox
    this.#uid = uid
    this.stored = stored
    this.whole = whole
    this.#summary = summary
  }

  static async open(mailbox: Mailbox, uid: number, summary: MessageSummary | undefined): Promise<OpenMessage> {
    const opening = mailbox.openMessage(uid)
    const stored = opening instanceof Promise ? await opening : opening
    try {
      const reading = stored.sizeBytes <= READ_CHUNK_BYTES ? stored.read(0, stored.sizeBytes) : undefined
      return new OpenMessage(mailbox, uid, stored, reading instanceof Promise ? await reading : reading, summary)
    } catch (error) {
      stored.close()
      throw error
    }
  }

  /** Where its parts are. */
  async summary(): Promise<MessageSummary> {
    if (this.#summary === undefined) {
      for await (const found of this.#mailbox.summaries([this.#uid])) this.#summary = found.get(this.#uid)
    }
    if (this.#summary === undefined) throw new StoreRefusal('expunged', 'Message was expunged')
    return this.#summary
  }

  close(): void {
    this.stored.close()
  }
}
