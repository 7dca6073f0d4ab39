import { StoreRefusal } from '../../../storage/refusal.ts'
import { assertNever } from '../../../util/assert-never.ts'
import { formatReply } from '../../smtp/wire/reply.ts'
import { LMTP_LIMITS } from '../limits.ts'
import type { MessageReader } from '../message/message.ts'
import type { Recipient } from '../recipient.ts'
import type { LmtpClient, LocalDelivery, LocalMailboxes, MessageSink, RecipientAnswer } from '../services.ts'
import { deliveryHeader } from './delivery-header.ts'
import { savingFailure } from './saving-failure.ts'

export interface LocalTransaction {
  readonly client: LmtpClient
  /** The reverse path in brackets. */
  readonly from: string
}

/**
 * Takes the mail of users who have it here. The message goes to all of them at the same time, piece by piece: the slowest disk
 * sets the pace, nobody's failure is another's, and each is told for itself what became of it.
 */
export class LocalSink implements MessageSink {
  readonly #mailboxes: LocalMailboxes
  readonly #transaction: LocalTransaction
  readonly #abort = new AbortController()
  readonly #accepted: { readonly recipient: Recipient; readonly delivery: LocalDelivery }[] = []

  constructor(mailboxes: LocalMailboxes, transaction: LocalTransaction) {
    this.#mailboxes = mailboxes
    this.#transaction = transaction
  }

  async addRecipient(recipient: Recipient): Promise<RecipientAnswer> {
    const { path } = recipient
    if (this.#accepted.length >= LMTP_LIMITS.localRecipients) return refuse(452, '4.5.3', `${path} Too many recipients`)
    const { client, from } = this.#transaction
    const opening = await this.#mailboxes.open({ recipient, client, from }, this.#abort.signal)
    switch (opening.kind) {
      case 'ready':
        this.#accepted.push({ recipient, delivery: opening.delivery })
        return { accepted: true, reply: formatReply(250, '2.1.5', ['OK']) }
      case 'unknown':
        return refuse(550, '5.1.1', `${path} User doesn't exist: ${opening.user}`)
      case 'temporary':
        return refuse(451, '4.3.0', `${path} ${opening.text ?? 'Temporary internal error'}`)
      case 'over-quota':
        return overQuota(path, client, opening.text)
      default:
        return assertNever(opening)
    }
  }

  async send(message: MessageReader): Promise<void> {
    const running = this.#accepted.map((entry) => new Running(entry, this.#transaction))
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

  close(): void {
    this.#abort.abort(OVER)
    for (const { delivery } of this.#accepted) delivery.close()
  }
}

/** A reason of our own: without one Node makes an exception with a stack, for every mail. */
const OVER = 'the transaction is over'

function refuse(code: number, enhanced: string, text: string): RecipientAnswer {
  return { accepted: false, reply: formatReply(code, enhanced, [text]) }
}

function overQuota(path: string, { settings }: LmtpClient, text: string): RecipientAnswer {
  return settings.quota_full_tempfail
    ? refuse(452, '4.2.2', `${path} ${text}`)
    : refuse(552, '5.2.2', `${path} ${text}`)
}

/** One recipient's copy. It fails alone. */
class Running {
  readonly #recipient: Recipient
  readonly #delivery: LocalDelivery
  readonly #transaction: LocalTransaction
  #failed = false

  constructor(
    { recipient, delivery }: { recipient: Recipient; delivery: LocalDelivery },
    transaction: LocalTransaction,
  ) {
    this.#recipient = recipient
    this.#delivery = delivery
    this.#transaction = transaction
  }

  async begin(recipients: number): Promise<void> {
    await this.#trying(async () => {
      await this.#delivery.begin()
      await this.#delivery.write(deliveryHeader(this.#recipient, recipients, this.#transaction))
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
    this.#recipient.finish(savingFailure(this.#recipient.path, error, this.#transaction.client.settings))
  }
}
