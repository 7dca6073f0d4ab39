/** What a ManageSieve client reads when a login did not work: one row a cause, in Dovecot's words. Response codes: RFC 5804 §1.3. */
import type { AuthRefusal } from '../../auth/auth.ts'
import { assertNever } from '../../util/assert-never.ts'
import { temporaryFailure } from '../auth-timestamp.ts'
import type { BackendReply, DisconnectRemark, LoginVerdict } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { encodeLine, percentEncode } from '../wire-text.ts'
import { parseReply, quoted } from './wire/strings.ts'

export interface Reply {
  /** Without CRLF. */
  readonly line: string
  readonly remark?: DisconnectRemark
}

export interface ReplyContext {
  readonly hostname: string
  readonly now: Date
}

export type FailedVerdict = Exclude<LoginVerdict, { kind: 'local' } | { kind: 'proxied' }>

const FAILED = 'Authentication failed.'

export function verdictReply(verdict: FailedVerdict, context: ReplyContext): Reply {
  switch (verdict.kind) {
    case 'refused':
      return refusalReply(verdict.why, context)
    case 'proxy-failed':
      return { line: `NO ${verdict.retryLater ? '(TRYLATER) ' : ''}"Account is temporarily unavailable."` }
    case 'backend-refused':
      return { line: backendLine(verdict.reply) }
    default:
      return assertNever(verdict)
  }
}

export function refusalReply(why: AuthRefusal, { hostname, now }: ReplyContext): Reply {
  switch (why.kind) {
    case 'failed':
      return no(why.reason ?? FAILED)
    case 'user-disabled':
      return no(FAILED)
    case 'temporary':
      return { line: `NO (TRYLATER) ${quoted(encodeLine(temporaryFailure(hostname, now)))}` }
    case 'unsupported-mechanism':
      return no('Unsupported authentication mechanism.', 'tried to use unsupported auth mechanism')
    case 'plaintext-disabled':
      return no('Plaintext authentication disabled.', 'tried to use disallowed plaintext auth')
    case 'tls-required':
      return { line: 'NO (ENCRYPT-NEEDED) "Authentication not allowed until SSL/TLS is enabled."' }
    case 'aborted':
      return faultReply('aborted')
    case 'invalid-base64':
      return faultReply(why.initial ? 'invalid-initial' : 'bad-characters')
    case 'nologin':
      return no(why.reason ?? 'Login disabled for this user')
    case 'referral':
      return {
        line: `NO (REFERRAL ${referralUrl(why)}) ${quoted(encodeLine(why.reason ?? 'Try this server instead.'))}`,
      }
    case 'password-expired':
      return no('Password expired')
    case 'authorization-failed':
      return no('Authorization failed')
    case 'too-many-connections':
      return no(why.text)
    default:
      return assertNever(why)
  }
}

/** Only "try later" goes on as it is; everything else reads like a wrong password. */
function backendLine(reply: BackendReply): string {
  const line = reply.lines[0] ?? ''
  return parseReply(line)?.code?.toUpperCase() === 'TRYLATER' ? line : `NO ${quoted(FAILED)}`
}

/** RFC 5804 §1.3 and §3: sieve://USER;AUTH=MECH@HOST[:PORT] */
function referralUrl(why: Extract<AuthRefusal, { kind: 'referral' }>): string {
  const port = why.port === undefined || why.port === 4190 ? '' : `:${why.port}`
  return `sieve://${percentEncode(why.user)};AUTH=${encodeLine(why.mechanism)}@${encodeLine(why.host)}${port}`
}

/** The reply to a SASL message that was none. */
export function faultReply(fault: SaslMessageFault): Reply {
  return FAULTS[fault]
}

const NO_BASE64 = 'sent invalid base64 in response'
const FAULTS = {
  aborted: no('Authentication aborted by client.', 'aborted authentication'),
  'invalid-initial': no('Invalid base64 data in initial response', NO_BASE64),
  'bad-characters': no('Invalid base64 in response', NO_BASE64),
  'bad-padding': no('Invalid base64 data in continued response', NO_BASE64),
} as const satisfies Record<SaslMessageFault, Reply>

/** A refusal in words. */
export function no(text: string, remark?: DisconnectRemark): Reply {
  const line = `NO ${quoted(encodeLine(text))}`
  return remark === undefined ? { line } : { line, remark }
}
