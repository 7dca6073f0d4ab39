import type { Settings } from '../config/config.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import type { Appending, MailStore } from '../storage/store.ts'
import { deliverLine } from './deliver-log.ts'
import { MessageFacts } from './message-facts.ts'
import { openTarget } from './target-mailbox.ts'

/** One message on its way into one user's mail, streamed. */
export interface Delivery {
  /** Chooses the mailbox and begins the message. Throws StoreRefusal. */
  begin(): Promise<void>
  write(chunk: Uint8Array): void | Promise<void>
  /** The message is complete: it is on disk, fsynced, when this resolves. Throws StoreRefusal. */
  finish(): Promise<void>
  /** Leaves no trace. Does nothing after `finish`. */
  abort(): Promise<void>
}

export interface DeliveryOrder {
  readonly store: MailStore
  readonly settings: Settings
  /** `INBOX`, or where the detail of the address leads. */
  readonly mailbox: string
  /** Bare addresses, for the log. */
  readonly from: string
  readonly to: string
  /** The header that names the original recipient, whom the log calls `to` then: `lda_original_recipient_header`. */
  readonly recipientHeader?: string
  readonly log: (level: 'info' | 'error', text: string) => void
}

/** A delivery as LMTP and `postern deliver` do it; each tells its end to the log as `deliver_log_format` says. */
export function createDelivery(order: DeliveryOrder): Delivery {
  return new StreamedDelivery(order)
}

class StreamedDelivery implements Delivery {
  readonly #order: DeliveryOrder
  readonly #facts = new MessageFacts()
  readonly #orderedAt = performance.now()
  #begunAt = performance.now()
  #appending: Appending | undefined
  /** Why it goes to INBOX. */
  #failure: string | undefined

  constructor(order: DeliveryOrder) {
    this.#order = order
  }

  async begin(): Promise<void> {
    const { store, mailbox, settings, from } = this.#order
    this.#begunAt = performance.now()
    await this.#telling(`open mailbox ${mailbox}`, async () => {
      const { appending, failure } = await openTarget(store, mailbox, settings)
      this.#appending = appending
      this.#failure = failure
      await appending.begin({ bits: 0, keywords: [], envelopeSender: from })
    })
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#facts.push(chunk)
    return this.#appending?.write(chunk)
  }

  async finish(): Promise<void> {
    const appending = this.#appending
    if (appending === undefined) throw new Error('a delivery that was not begun')
    // Told now that the log can name the message.
    if (this.#failure !== undefined) this.#say(this.#failure)
    await this.#telling(appending.mailbox, async () => {
      await appending.end()
      await appending.commit()
    })
    this.#say(`saved mail to ${appending.mailbox}`)
  }

  async abort(): Promise<void> {
    await this.#appending?.abort()
  }

  async #telling(where: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#appending?.abort().catch(() => undefined)
      const why = error instanceof Error ? error.message : String(error)
      this.#say(`save failed to ${where}: ${why}`, error instanceof StoreRefusal ? 'info' : 'error')
      throw error
    }
  }

  #say(status: string, level: 'info' | 'error' = 'info'): void {
    const { settings, from, to, recipientHeader = '', log } = this.#order
    const about = {
      facts: this.#facts,
      stored: this.#appending?.ended,
      from,
      to: (recipientHeader !== '' && this.#facts.address(recipientHeader)) || to,
      deliveryMs: performance.now() - this.#begunAt,
      sessionMs: this.#begunAt - this.#orderedAt,
    }
    log(level, deliverLine(settings.deliver_log_format, status, about))
  }
}
