import type { ShortNames } from '../config/expand.ts'
import { expandLogLine } from '../config/expand/log-line.ts'
import type { StoredSizes } from '../storage/store.ts'
import { cutText } from '../util/cut-text.ts'
import type { MessageFacts } from './message-facts.ts'

const SHORT_NAMES: ShortNames = new Map([
  ['$', 'message'],
  ['m', 'msgid'],
  ['s', 'subject'],
  ['f', 'from'],
  ['e', 'from_envelope'],
  ['p', 'size'],
  ['w', 'vsize'],
])

/** A control character in a header must not make a line of its own in the log. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x1f\x7f]/g
/** What senders choose is cut to so many bytes, as in Dovecot. */
const SUBJECT_BYTES = 80
const ID_BYTES = 200

export interface DeliveryFacts {
  readonly facts: MessageFacts
  /** As it was stored, once it was. */
  readonly stored: StoredSizes | undefined
  /** Bare addresses of the envelope; `to` is the original recipient where the sender tells. */
  readonly from: string
  readonly to: string
  readonly deliveryMs: number
  readonly sessionMs: number
}

/** A line about a delivery as `deliver_log_format` has it; `status` is the `%$`. */
export function deliverLine(format: string, status: string, about: DeliveryFacts): string {
  const { facts, stored, deliveryMs, sessionMs } = about
  const values: Readonly<Record<string, string>> = {
    message: status,
    msgid: cutText(facts.messageId, ID_BYTES) || 'unspecified',
    subject: cutText(facts.subject, SUBJECT_BYTES),
    from: facts.address('from'),
    from_envelope: about.from,
    to_envelope: about.to,
    size: String(stored?.storedBytes ?? facts.sizeBytes),
    vsize: String(stored?.sizeBytes ?? facts.sizeBytes),
    storage_id: stored?.storageId ?? '',
    delivery_time: String(Math.round(deliveryMs)),
    session_time: String(Math.round(sessionMs)),
  }
  return expandLogLine(format, SHORT_NAMES, (name) => values[name]).replaceAll(CONTROLS, '?')
}
