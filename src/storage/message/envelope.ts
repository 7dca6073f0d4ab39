import { type Address, parseAddresses } from './address.ts'
import { foldedValue } from './header.ts'
import { humanString, nstring, onelineNstring } from './imap-string.ts'
import { withoutNuls } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'

/** Values of ENVELOPE's fields. Of several fields of a name the last counts; addresses of all of them do. */
export class Envelope {
  readonly #texts = new Map<string, string>()
  readonly #addresses = new Map<string, Address[]>()

  /** Takes a field; the caller asked `isEnvelopeField` first. */
  take(name: string, raw: string): void {
    const value = foldedValue(raw)
    if (TEXTS.has(name)) this.#texts.set(name, withoutNuls(value))
    else this.#takeAddresses(name, value)
  }

  #takeAddresses(name: string, value: string): void {
    const known = this.#addresses.get(name) ?? []
    if (known.length < MESSAGE_LIMITS.addresses) this.#addresses.set(name, known.concat(parseAddresses(value)))
  }

  /** `(date subject from sender reply-to to cc bcc in-reply-to message-id)`, one byte a character. RFC 3501 section 7.4.2. */
  format(): string {
    const texts = this.#texts
    const addresses = (name: string): string => addressList(this.#addresses.get(name) ?? [])
    const from = addresses('from')
    const subject = texts.get('subject')
    return `(${[
      onelineNstring(texts.get('date')),
      subject === undefined ? 'NIL' : humanString(subject),
      from,
      orInstead(addresses('sender'), from),
      orInstead(addresses('reply-to'), from),
      addresses('to'),
      addresses('cc'),
      addresses('bcc'),
      onelineNstring(texts.get('in-reply-to')),
      onelineNstring(texts.get('message-id')),
    ].join(' ')})`
  }
}

const TEXTS = new Set(['date', 'subject', 'in-reply-to', 'message-id'])
const ADDRESSES = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

/** Whether a field (lower case) is part of ENVELOPE. */
export function isEnvelopeField(name: string): boolean {
  return TEXTS.has(name) || ADDRESSES.has(name)
}

/** What ENVELOPE says of a message without header. */
export const EMPTY_ENVELOPE = new Envelope().format()

function addressList(addresses: readonly Address[]): string {
  return addresses.length === 0 ? 'NIL' : `(${addresses.map(addressItem).join('')})`
}

function addressItem({ name, route, mailbox, domain }: Address): string {
  const shown = name === undefined ? 'NIL' : humanString(name)
  return `(${shown} ${nstring(route)} ${nstring(mailbox)} ${nstring(domain)})`
}

/** An absent or empty list gives way to another. */
function orInstead(list: string, other: string): string {
  return list === 'NIL' ? other : list
}
