import type { MessageSummary } from '../../../../storage/message/message-summary.ts'
import { StoreRefusal } from '../../../../storage/refusal.ts'
import type { Scratch } from '../../../../storage/scratch.ts'
import { type Mailbox, READ_CHUNK_BYTES, type StoredMessage } from '../../../../storage/store.ts'
import { andThen, type Soon } from '../../../../util/soon.ts'

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

  /** Its bytes may lie in the scratch: it must be closed before that is lent again. */
  static open(mailbox: Mailbox, uid: number, summary: MessageSummary | undefined, scratch: Scratch): Soon<OpenMessage> {
    return andThen(mailbox.openMessage(uid, scratch), (stored) => {
      const make = (whole: Buffer | undefined): OpenMessage => new OpenMessage(mailbox, uid, stored, whole, summary)
      if (stored.sizeBytes > READ_CHUNK_BYTES) return make(undefined)
      return closingOnFault(stored, () => andThen(stored.read(0, stored.sizeBytes), make))
    })
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

function closingOnFault<T>(stored: StoredMessage, work: () => Soon<T>): Soon<T> {
  const close = (error: unknown): never => {
    stored.close()
    throw error
  }
  try {
    const done = work()
    return done instanceof Promise ? done.catch(close) : done
  } catch (error) {
    return close(error)
  }
}
