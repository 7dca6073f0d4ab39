import { crc32 } from 'node:zlib'
import type { Settings } from '../../../config/config.ts'
import type { ShortNames } from '../../../config/expand.ts'
import { expandLogLine } from '../../../config/expand/log-line.ts'
import { afterAt, beforeAt } from '../../../util/user-name.ts'
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
    input: stream.bytesIn - session.start.bytesIn,
    output: stream.bytesOut - session.start.bytesOut,
    uidl_change: uidlChange(session),
    session: mail.identity.session,
    user: mail.user,
    username: beforeAt(mail.user),
    domain: afterAt(mail.user),
    service: 'pop3',
  }
  return expandLogLine(mail.settings.pop3_logout_format, SHORT_NAMES, (name) => {
    const value = values[name]
    return value === undefined ? undefined : String(value)
  })
}

/** The last line tells how the unique ids changed: they are to be remembered. */
export function logsUidls(settings: Settings): boolean {
  return /%[-.\d]*u|\{uidl_change\}/.test(settings.pop3_logout_format)
}

/** How many unique ids there were and are, each with a hash of them: a server that changes them shows here. */
function uidlChange({ uidls, deleted, expunged }: PopSession): string {
  if (uidls === undefined || uidls.length === 0) return ''
  const left = expunged === 0 ? uidls : uidls.filter((_, index) => !deleted.has(index))
  const [before, after] = [uidls, left].map((ids) => `${ids.length}/${hashOf(ids)}`)
  return before === after ? `${before}` : `${before} -> ${after}`
}

function hashOf(ids: readonly string[]): string {
  const hash = ids.reduce((sum, id) => sum ^ crc32(id), 0) >>> 0
  return hash.toString(16).padStart(8, '0')
}
