import { compileTemplate, type ShortNames } from '../../../config/expand.ts'
import { type PopSession, totalBytes } from './pop-session.ts'

const SHORT_NAMES: ShortNames = new Map([
  ['p', 'top_bytes'],
  ['t', 'top_count'],
  ['b', 'retr_bytes'],
  ['r', 'retr_count'],
  ['d', 'deleted_count'],
  ['m', 'message_count'],
  ['s', 'message_bytes'],
  ['i', 'input'],
  ['o', 'output'],
  ['u', 'uidl_change'],
])

/** What `pop3_logout_format` makes of a session that is over. */
export function logoutLine(session: PopSession): string {
  const { counts, deleted, messages, stream, mail } = session
  const values: Readonly<Record<string, number | string>> = {
    top_bytes: counts.topBytes,
    top_count: counts.top,
    retr_bytes: counts.retrBytes,
    retr_count: counts.retr,
    deleted_count: session.expunged,
    deleted_bytes: session.expunged === 0 ? 0 : totalBytes(messages, deleted),
    message_count: messages.length,
    message_bytes: totalBytes(messages),
    input: stream.bytesIn,
    output: stream.bytesOut,
    uidl_change: '',
    session: mail.identity.session,
  }
  return compileTemplate(mail.settings.pop3_logout_format, SHORT_NAMES).expand((name) => {
    const value = values[name]
    return value === undefined ? undefined : String(value)
  })
}
