import { decodeText } from '../../protocols/wire-text.ts'
import type { Settings } from '../../config/config.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { Observer } from '../../observe/events.ts'
import type { LocalDelivery, LocalMailboxes, LocalOpening, LocalQuestion } from '../../protocols/lmtp/index.ts'
import { originalRecipient, splitDetail } from '../../protocols/lmtp/index.ts'
import { formatAddress } from '../../protocols/smtp/wire/path.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { MailHost } from './mail-host.ts'
import type { DeliveryOrder } from './mail-order.ts'
import { NoMailOwner } from './mail-owner.ts'
import type { MailPlace } from './mail-places.ts'
import type { UserTurns } from './user-turns.ts'
import type { WorkerLinks } from './worker-links.ts'

export interface LmtpMailNeeds {
  readonly observer: Observer
  readonly host: MailHost
  readonly placeOf: (user: string, fields: ReadonlyMap<string, string>, settings: Settings) => Promise<MailPlace>
  readonly links: WorkerLinks
  readonly hostname: string
}

/** Mail of this server's users, for LMTP: written here, or by the process that has the owner's rights. */
export function createLmtpMailboxes(needs: LmtpMailNeeds, turns: UserTurns): LocalMailboxes {
  return {
    async open(question) {
      try {
        return await open(needs, turns, question)
      } catch (error) {
        if (error instanceof StoreRefusal && error.code === 'over-quota')
          return { kind: 'over-quota', text: error.message }
        const known = error instanceof StoreRefusal || error instanceof NoMailOwner
        const text = error instanceof Error ? ((known ? undefined : error.stack) ?? error.message) : String(error)
        needs.observer.log('error', `lmtp(${question.account.user})`, text)
        return { kind: 'temporary' }
      }
    },
  }
}

async function open(needs: LmtpMailNeeds, turns: UserTurns, question: LocalQuestion): Promise<LocalOpening> {
  const { account, client } = question
  const { settings } = client
  const leave = turns.enter(account.user, settings.lmtp_user_concurrency_limit)
  if (leave === undefined) return { kind: 'temporary', text: 'Too many concurrent deliveries for user' }
  let isOpen = false
  try {
    const place = await needs.placeOf(account.user, account.fields, settings)
    const order = orderFor(needs, question)
    const delivery =
      place.kind === 'here'
        ? await openHere(needs, order)
        : closing(await needs.links.to(place).delivery(order), async () => await Promise.resolve())
    isOpen = true
    return { kind: 'ready', delivery: { ...delivery, close: () => (delivery.close(), leave()) } }
  } finally {
    if (!isOpen) leave()
  }
}

async function openHere({ host, observer }: LmtpMailNeeds, order: DeliveryOrder): Promise<LocalDelivery> {
  const open = await host.openDelivery(order)
  const { delivery } = open
  const closeStore = async (): Promise<void> => {
    try {
      await delivery.abort()
      await open.close()
    } catch (error) {
      observer.log('error', `lmtp(${order.user})`, error instanceof Error ? error.message : String(error))
    }
  }
  return closing(delivery, closeStore)
}

function closing(delivery: Delivery & { close?(): void }, closeStore: () => Promise<void>): LocalDelivery {
  return {
    begin: async () => await delivery.begin(),
    write: (chunk) => delivery.write(chunk),
    finish: async () => await delivery.finish(),
    abort: async () => await delivery.abort(),
    close() {
      delivery.close?.()
      void closeStore()
    },
  }
}

function orderFor(
  { hostname }: LmtpMailNeeds,
  { account, recipient, client, envelopeFrom }: LocalQuestion,
): DeliveryOrder {
  const { detail } = splitDetail(recipient.address.localPart, client.settings.recipient_delimiter)
  return {
    kind: 'delivery',
    service: 'lmtp',
    user: account.user,
    fields: [...account.fields],
    hostname,
    localIp: client.local.ip,
    remoteIp: client.remote.ip,
    session: recipient.id,
    detail: decodeText(detail.slice(1)),
    from: envelopeFrom === undefined ? '' : decodeText(formatAddress(envelopeFrom)),
    to: decodeText(originalRecipient(recipient) ?? recipient.name),
  }
}
