import { type Address, parseAddresses } from './address.ts'
import { foldedValue } from './header.ts'
import { humanString, nstring, onelineNstring } from './imap-string.ts'
import { withoutNuls } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'

/** Values of ENVELOPE's fields. Of several fields of a name the last counts; addresses of all of them do. */
export class Envelope {
  readonly #texts = new Map<string, string>()
  readonly #addresses = new Map<string, AddressItems>()

  /** Takes a field; the caller asked `isEnvelopeField` first. */
  take(name: string, raw: string): void {
    const value = foldedValue(raw)
    if (TEXTS.has(name)) this.#texts.set(name, withoutNuls(value))
    else this.#takeAddresses(name, value)
  }

  #takeAddresses(name: string, value: string): void {
    const known = this.#addresses.get(name)
    if (known === undefined) this.#addresses.set(name, addressItems(value))
    else if (known.count < MESSAGE_LIMITS.addresses) {
      const { count, items } = addressItems(value)
      this.#addresses.set(name, { count: known.count + count, items: known.items + items })
    }
  }

  /** `(date subject from sender reply-to to cc bcc in-reply-to message-id)`, one byte a character. RFC 3501 section 7.4.2. */
  format(): string {
    const date = onelineNstring(this.#texts.get('date'))
    const subject = this.#texts.get('subject')
    const shown = subject === undefined ? 'NIL' : humanString(subject)
    const from = this.#list('from') ?? 'NIL'
    const senders = `${from} ${this.#list('sender') ?? from} ${this.#list('reply-to') ?? from}`
    const recipients = `${this.#list('to') ?? 'NIL'} ${this.#list('cc') ?? 'NIL'} ${this.#list('bcc') ?? 'NIL'}`
    const ids = `${onelineNstring(this.#texts.get('in-reply-to'))} ${onelineNstring(this.#texts.get('message-id'))}`
    return `(${date} ${shown} ${senders} ${recipients} ${ids})`
  }

  /** `undefined` when it is absent or empty. */
  #list(name: string): string | undefined {
    const items = this.#addresses.get(name)?.items ?? ''
    return items === '' ? undefined : `(${items})`
  }
}

/** Addresses as they stand in ENVELOPE, one behind the other. */
interface AddressItems {
  readonly count: number
  readonly items: string
}

const TEXTS = new Set(['date', 'subject', 'in-reply-to', 'message-id'])
const ADDRESSES = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

/** Fields (lower case) that ENVELOPE is made of. */
export const ENVELOPE_FIELDS: readonly string[] = [...TEXTS, ...ADDRESSES]

/** Whether a field (lower case) is part of ENVELOPE. */
export function isEnvelopeField(name: string): boolean {
  return TEXTS.has(name) || ADDRESSES.has(name)
}

/** What ENVELOPE says of a message without header. */
export const EMPTY_ENVELOPE = new Envelope().format()

/** Values that were read lately: most people write to the same few. */
let lately = new Map<string, AddressItems>()
/** Those before them. One Map from which the oldest went would keep what is gone: docs/decisions/0012-lists-of-the-living.md. */
let before: ReadonlyMap<string, AddressItems> = new Map()
/** Values remembered in each, and how long one may be: together a few hundred kilobytes, two megabytes of the strangest. */
const REMEMBERED = { values: 250, length: 200 } as const

function addressItems(value: string): AddressItems {
  if (value.length > REMEMBERED.length) return readItems(value)
  const known = lately.get(value) ?? before.get(value)
  if (known !== undefined) return known
  const items = readItems(value)
  if (lately.size >= REMEMBERED.values) {
    before = lately
    lately = new Map()
  }
  // Copies: slices would keep the header they were cut from.
  lately.set(copyOf(value), { count: items.count, items: copyOf(items.items) })
  return items
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function readItems(value: string): AddressItems {
  const addresses = parseAddresses(value)
  let items = ''
  for (const address of addresses) items += addressItem(address)
  return { count: addresses.length, items }
}

function addressItem({ name, route, mailbox, domain }: Address): string {
  const shown = name === undefined ? 'NIL' : humanString(name)
  return `(${shown} ${nstring(route)} ${nstring(mailbox)} ${nstring(domain)})`
}
