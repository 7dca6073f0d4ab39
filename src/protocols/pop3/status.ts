/** What a POP3 client reads when a login did not work: one row a cause, in Dovecot's words. Response codes: RFC 3206, RFC 2449. */
import type { AuthRefusal } from '../../auth/auth.ts'
import { assertNever } from '../../util/assert-never.ts'
import { temporaryFailure } from '../auth-timestamp.ts'
import type { BackendReply, DisconnectRemark, LoginVerdict } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { encodeLine } from '../wire-text.ts'

export interface Reply {
  /** Without CRLF. */
  readonly line: string
  readonly remark?: DisconnectRemark
}

export interface ReplyContext {
  /** USER/PASS and AUTH use different words for a password on an insecure connection. */
  readonly command: 'PASS' | 'AUTH'
  readonly hostname: string
  readonly now: Date
}

export type FailedVerdict = Exclude<LoginVerdict, { kind: 'local' } | { kind: 'proxied' }>

export const PLAINTEXT_DISALLOWED: Reply = {
  line: '-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
  remark: 'tried to use disallowed plaintext auth',
}

export function verdictReply(verdict: FailedVerdict, context: ReplyContext): Reply {
  switch (verdict.kind) {
    case 'refused':
      return refusalReply(verdict.why, context)
    case 'proxy-failed':
      return { line: `-ERR ${verdict.retryLater ? '[SYS/TEMP] ' : ''}Account is temporarily unavailable.` }
    case 'backend-refused':
      return { line: backendLine(verdict.reply) }
    default:
      return assertNever(verdict)
  }
}

export function refusalReply(why: AuthRefusal, { command, hostname, now }: ReplyContext): Reply {
  switch (why.kind) {
    case 'failed':
      return { line: why.reason === undefined ? FAILED : `-ERR ${withCode('AUTH', encodeLine(why.reason))}` }
    case 'user-disabled':
      return { line: FAILED }
    case 'temporary':
      return { line: `-ERR [SYS/TEMP] ${temporaryFailure(hostname, now)}` }
    case 'unsupported-mechanism':
      return {
        line: '-ERR [AUTH] Unsupported authentication mechanism.',
        remark: 'tried to use unsupported auth mechanism',
      }
    case 'plaintext-disabled':
      if (command === 'PASS') return PLAINTEXT_DISALLOWED
      return {
        line: '-ERR [AUTH] Plaintext authentication disabled.',
        remark: 'tried to use disallowed plaintext auth',
      }
    case 'tls-required':
      return { line: '-ERR [AUTH] Authentication not allowed until SSL/TLS is enabled.' }
    case 'aborted':
      return faultReply('aborted')
    case 'invalid-base64':
      return faultReply(why.initial ? 'invalid-initial' : 'bad-characters')
    case 'nologin':
      return { line: `-ERR ${withCode('AUTH', encodeLine(why.reason ?? 'Login disabled for this user'))}` }
    case 'referral':
      // POP3 has no referrals: the client is only told in words.
      return { line: `-ERR ${encodeLine(why.reason ?? 'Try this server instead.')}` }
    case 'password-expired':
      return { line: '-ERR [AUTH] Password expired' }
    case 'authorization-failed':
      return { line: '-ERR [AUTH] Authorization failed' }
    case 'too-many-connections':
      return { line: `-ERR [IN-USE] ${encodeLine(why.text)}` }
    default:
      return assertNever(why)
  }
}

/** The reply to a SASL message that was none. */
export function faultReply(fault: SaslMessageFault): Reply {
  return FAULTS[fault]
}

const NO_BASE64 = 'sent invalid base64 in response'
const FAULTS = {
  aborted: { line: '-ERR Authentication aborted by client.', remark: 'aborted authentication' },
  'invalid-initial': { line: '-ERR [AUTH] Invalid base64 data in initial response', remark: NO_BASE64 },
  'bad-characters': { line: '-ERR [AUTH] Invalid base64 in response', remark: NO_BASE64 },
  'bad-padding': { line: '-ERR [AUTH] Invalid base64 data in continued response', remark: NO_BASE64 },
} as const satisfies Record<SaslMessageFault, Reply>

const FAILED = '-ERR [AUTH] Authentication failed.'

/** A backend's refusal goes to the client as it is; one without words, or that is none, gets ours. */
function backendLine(reply: BackendReply): string {
  const line = reply.lines[0] ?? ''
  return line.startsWith('-ERR ') ? line : '-ERR Authentication failed.'
}

function withCode(code: string, text: string): string {
  return text.startsWith('[') ? text : `[${code}] ${text}`
}
