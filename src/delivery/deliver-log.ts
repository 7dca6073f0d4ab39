import { compileTemplate, type ShortNames } from '../config/expand.ts'
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

/** A line about a delivery as `deliver_log_format` has it; `status` is the `%$`. */
export function deliverLine(
  format: string,
  status: string,
  about: { readonly facts: MessageFacts; readonly from: string; readonly session: string; readonly to: string },
): string {
  const { facts } = about
  const msgid = facts.field('message-id')
  const values: Readonly<Record<string, string>> = {
    message: status,
    msgid: msgid === '' ? 'unspecified' : msgid,
    subject: facts.field('subject'),
    from: facts.field('from'),
    from_envelope: about.from,
    to_envelope: about.to,
    size: String(facts.sizeBytes),
    vsize: String(facts.sizeBytes),
    session: about.session,
  }
  const line = compileTemplate(format, SHORT_NAMES).expand((name) => values[name])
  return line.replaceAll(CONTROLS, '?')
}
