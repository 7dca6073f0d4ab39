import { StoreRefusal } from '../../../storage/refusal.ts'
import { assertNever } from '../../../util/assert-never.ts'
import type { Address } from '../../smtp/wire/path.ts'
import { formatReply } from '../../smtp/wire/reply.ts'
import { LMTP_LIMITS } from '../limits.ts'
import type { MessageReader } from '../message/message.ts'
import type { Recipient } from '../recipient.ts'
import type { LmtpClient, LocalAccount, LocalDelivery, LocalMailboxes, RecipientAnswer } from '../services.ts'
import { deliveryHeader } from './delivery-header.ts'
import { isFullTemporary, savingFailure } from './saving-failure.ts'

/**
 * Takes the mail of users who have it here. The message goes to all of them at the same time, piece by piece: the slowest disk
 * sets the pace, nobody's failure is another's, and each is told for itself what became of it.
 */
export class LocalSink {
  readonly #mailboxes: LocalMailboxes
  readonly #client: LmtpClient
  readonly #from: Address | undefined
  readonly #accepted: Accepted[] = []

  constructor(mailboxes: LocalMailboxes, client: LmtpClient, from: Address | undefined) {
    this.#mailboxes = mailboxes
    this.#client = client
    this.#from = from
  }

  /** Whether it takes mail for this recipient, and what the client is told. Never rejects. */
  async addRecipient(recipient: Recipient, account: LocalAccount): Promise<RecipientAnswer> {
    const { path } = recipient
    if (this.#accepted.length >= LMTP_LIMITS.localRecipients) return refuse(452, '4.5.3', `${path} Too many recipients`)
    const client = this.#client
    const opening = await this.#mailboxes.open({ account, recipient, client, envelopeFrom: this.#from })
    switch (opening.kind) {
      case 'ready':
        this.#accepted.push({ recipient, account, delivery: opening.delivery })
        return { accepted: true, reply: formatReply(250, '2.1.5', ['OK']) }
      case 'temporary':
        return refuse(451, '4.3.0', `${path} ${opening.text ?? 'Temporary internal error'}`)
      case 'over-quota':
        return overQuota(`${path} ${opening.text}`, isFullTemporary(client.settings, account))
      default:
        return assertNever(opening)
    }
  }

  /** Sends the message to the recipients it accepted, and finishes each of them. Called once, never rejects. */
  async send(message: MessageReader): Promise<void> {
    const running = this.#accepted.map((entry) => new Running(entry, this.#client, this.#from))
    try {
      await Promise.all(running.map(async (one) => await one.begin(running.length)))
      for (;;) {
        const { pieces, last } = await message.next()
        for (const one of running) {
          for (const piece of pieces) {
            const pending = one.write(piece)
            if (pending !== undefined) await pending
          }
        }
        if (last) break
      }
    } catch {
      // The client left, or we were too slow for the others: there is nothing to deliver.
      await Promise.all(running.map(async (one) => await one.giveUp()))
      return
    } finally {
      message.close()
    }
    await Promise.all(running.map(async (one) => await one.finish()))
  }

  /** The transaction is over: a message that was not finished is not delivered. */
  close(): void {
    for (const { delivery } of this.#accepted) delivery.close()
  }
}

interface Accepted {
  readonly recipient: Recipient
  readonly account: LocalAccount
  readonly delivery: LocalDelivery
}

function refuse(code: number, enhanced: string, text: string): RecipientAnswer {
  return { accepted: false, reply: formatReply(code, enhanced, [text]) }
}

function overQuota(text: string, isTemporary: boolean): RecipientAnswer {
  return isTemporary ? refuse(452, '4.2.2', text) : refuse(552, '5.2.2', text)
}

/** One recipient's copy. It fails alone. */
class Running {
  readonly #recipient: Recipient
  readonly #account: LocalAccount
  readonly #delivery: LocalDelivery
  readonly #client: LmtpClient
  readonly #from: Address | undefined
  #failed = false

  constructor({ recipient, account, delivery }: Accepted, client: LmtpClient, from: Address | undefined) {
    this.#recipient = recipient
    this.#account = account
    this.#delivery = delivery
    this.#client = client
    this.#from = from
  }

  async begin(recipients: number): Promise<void> {
    await this.#trying(async () => {
      await this.#delivery.begin()
      await this.#delivery.write(
        deliveryHeader(this.#recipient, recipients, this.#from, this.#client.settings.lmtp_hdr_delivery_address),
      )
    })
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failed) return undefined
    try {
      const pending = this.#delivery.write(chunk)
      return pending === undefined ? undefined : this.#trying(async () => await pending)
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  async finish(): Promise<void> {
    await this.#trying(async () => {
      await this.#delivery.finish()
      const { path, id } = this.#recipient
      this.#recipient.finish(formatReply(250, '2.0.0', [`${path} ${id} Saved`]))
    })
  }

  async giveUp(): Promise<void> {
    await this.#delivery.abort().catch(() => undefined)
    this.#fail(new StoreRefusal('temporary', 'Temporary internal error'))
  }

  async #trying(work: () => Promise<void>): Promise<void> {
    if (this.#failed) return
    try {
      await work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failed = true
    const isTemporary = isFullTemporary(this.#client.settings, this.#account)
    this.#recipient.finish(savingFailure(this.#recipient.path, error, isTemporary))
  }
}
