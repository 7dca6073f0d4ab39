/** What a client reads when a login did not work: one row a cause, in Dovecot's words. Response codes: RFC 5530. */
import type { AuthRefusal } from '../../auth/auth.ts'
import { assertNever } from '../../util/assert-never.ts'
import { temporaryFailure } from '../auth-timestamp.ts'
import type { BackendReply, DisconnectRemark, LoginVerdict } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { encodeLine, percentEncode } from '../wire-text.ts'
import { hasResponseCode } from './wire/capability-code.ts'

/** The reply to a login command: untagged lines, then the status that the tag is put before. Without CRLFs. */
export interface Reply {
  readonly untagged: readonly string[]
  readonly status: string
  /** For the disconnect log line, when the client leaves it at that. */
  readonly remark?: DisconnectRemark
}

/** What the wording depends on besides the verdict. */
export interface ReplyContext {
  /** LOGIN and AUTHENTICATE use different words for a password on an insecure connection. */
  readonly command: 'LOGIN' | 'AUTHENTICATE'
  readonly hostname: string
  readonly now: () => Date
}

/** Verdicts after which the client may try again. */
export type FailedVerdict = Exclude<LoginVerdict, { kind: 'local' } | { kind: 'proxied' }>

export function verdictReply(verdict: FailedVerdict, context: ReplyContext): Reply {
  switch (verdict.kind) {
    case 'refused':
      return refusalReply(verdict.why, context)
    case 'proxy-failed':
      return status(`NO [${verdict.retryLater ? 'UNAVAILABLE' : 'SERVERBUG'}] Account is temporarily unavailable.`)
    case 'backend-refused':
      return { untagged: verdict.reply.untagged ?? [], status: backendStatus(verdict.reply) }
    default:
      return assertNever(verdict)
  }
}

export function refusalReply(why: AuthRefusal, context: ReplyContext): Reply {
  switch (why.kind) {
    case 'failed':
      return status(why.reason === undefined ? FAILED : `NO ${withCode('ALERT', encodeLine(why.reason))}`)
    case 'user-disabled':
      return status(FAILED)
    case 'temporary':
      return status(`NO [UNAVAILABLE] ${temporaryFailure(context.hostname, context.now())}`)
    case 'unsupported-mechanism':
      return status('NO [ALERT] Unsupported authentication mechanism.', 'tried to use unsupported auth mechanism')
    case 'plaintext-disabled':
      if (context.command === 'LOGIN') return EXPOSED
      return status('NO [PRIVACYREQUIRED] Plaintext authentication disabled.', 'tried to use disallowed plaintext auth')
    case 'tls-required':
      if (context.command === 'LOGIN') return EXPOSED
      return status('NO [PRIVACYREQUIRED] Authentication not allowed until SSL/TLS is enabled.')
    case 'aborted':
      return faultReply('aborted')
    case 'invalid-base64':
      return faultReply(why.initial ? 'invalid-initial' : 'bad-characters')
    case 'nologin':
      return status(`NO [CONTACTADMIN] ${encodeLine(why.reason ?? 'Login disabled for this user')}`)
    case 'referral':
      return status(`NO [REFERRAL ${referralUrl(why)}] ${encodeLine(why.reason ?? 'Try this server instead.')}`)
    case 'password-expired':
      return status('NO [EXPIRED] Password expired')
    case 'authorization-failed':
      return status('NO [AUTHORIZATIONFAILED] Authorization failed')
    case 'too-many-connections':
      return status(`NO [LIMIT] ${encodeLine(why.text)}`)
    default:
      return assertNever(why)
  }
}

/** The reply to a SASL message that was none. */
export function faultReply(fault: SaslMessageFault): Reply {
  return FAULTS[fault]
}

const FAILED = 'NO [AUTHENTICATIONFAILED] Authentication failed.'

/** The password went over the wire in clear although LOGINDISABLED said not to. */
const EXPOSED: Reply = {
  untagged: [
    '* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.',
  ],
  status: 'NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
  remark: 'tried to use disallowed plaintext auth',
}

const FAULTS = {
  'invalid-initial': status('BAD Invalid base64 data in initial response', 'sent invalid base64 in response'),
  aborted: status('BAD Authentication aborted by client.', 'aborted authentication'),
  'bad-characters': status('NO [ALERT] Invalid base64 in response', 'sent invalid base64 in response'),
  'bad-padding': status('BAD Invalid base64 data in continued response', 'sent invalid base64 in response'),
} as const satisfies Record<SaslMessageFault, Reply>

/**
 * What the client sees of a backend's refusal: a reply with a response code as it is, everything else as a plain wrong
 * password, so that nobody learns from the wording of one backend whether a user exists.
 */
function backendStatus(reply: BackendReply): string {
  const line = reply.lines[0] ?? ''
  const text = line.startsWith('NO ') ? line.slice(3) : ''
  if (!hasResponseCode(text) || text.startsWith('[AUTHENTICATIONFAILED]')) return FAILED
  return line
}

/** RFC 2221 §4.1: imap://USER;AUTH=MECH@HOST[:PORT]/ */
function referralUrl(why: Extract<AuthRefusal, { kind: 'referral' }>): string {
  const port = why.port === undefined || why.port === 143 ? '' : `:${why.port}`
  return `imap://${percentEncode(why.user)};AUTH=${encodeLine(why.mechanism)}@${encodeLine(why.host)}${port}/`
}

function withCode(code: string, text: string): string {
  return text.startsWith('[') ? text : `[${code}] ${text}`
}

function status(text: string, remark?: DisconnectRemark): Reply {
  return remark === undefined ? { untagged: [], status: text } : { untagged: [], status: text, remark }
}
