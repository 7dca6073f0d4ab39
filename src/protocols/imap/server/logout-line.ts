import { mailShortNames, type ShortNames } from '../../../config/expand.ts'
import { expandLogLine } from '../../../config/expand/log-line.ts'
import { afterAt, beforeAt } from '../../../util/user-name.ts'
import type { ImapSession } from './session.ts'

/** The last line of a session's log: why it ended, and what it was. `imap_logout_format`. */
export function logoutLine(session: ImapSession, reason: string): string {
  const { imap_logout_format: format } = session.mail.settings
  const statistics = expandLogLine(format, LOGOUT_NAMES, (name) => variable(session, name))
  return `Disconnected: ${reason} ${statistics}`.trimEnd()
}

function variable(session: ImapSession, name: string): string | undefined {
  const { counts, mail } = session
  switch (name) {
    case 'input':
      return String(session.bytesIn)
    case 'output':
      return String(session.bytesOut)
    case 'fetch_hdr_count':
      return String(counts.fetchHeaderCount)
    case 'fetch_hdr_bytes':
      return String(counts.fetchHeaderBytes)
    case 'fetch_body_count':
      return String(counts.fetchBodyCount)
    case 'fetch_body_bytes':
      return String(counts.fetchBodyBytes)
    case 'deleted':
    case 'expunged':
    case 'trashed':
    case 'appended':
    case 'autoexpunged':
      return String(counts[name])
    case 'session':
      return mail.identity.session
    default:
      return userVariable(mail.user, name)
  }
}

function userVariable(user: string, name: string): string | undefined {
  switch (name) {
    case 'user':
      return user
    case 'username':
      return beforeAt(user)
    case 'domain':
      return afterAt(user)
    case 'service':
      return 'imap'
    default:
      return undefined
  }
}

const LOGOUT_NAMES: ShortNames = new Map([...mailShortNames, ['i', 'input'], ['o', 'output']])
