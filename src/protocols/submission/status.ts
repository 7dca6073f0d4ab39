/** What a Submission client reads when a login did not work: one row a cause, in Dovecot's words. RFC 4954 §6, RFC 3463. */
import type { AuthRefusal } from '../../auth/auth.ts'
import { assertNever } from '../../util/assert-never.ts'
import { temporaryFailure } from '../auth-timestamp.ts'
import type { DisconnectRemark, LoginVerdict } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { encodeLine } from '../wire-text.ts'

export interface Reply {
  /** Without CRLF; several when a backend's reply had several. */
  readonly lines: readonly string[]
  readonly remark?: DisconnectRemark
}

export interface ReplyContext {
  readonly hostname: string
  readonly now: Date
}

export type FailedVerdict = Exclude<LoginVerdict, { kind: 'local' } | { kind: 'proxied' }>

const FAILED = '535 5.7.8 Authentication failed.'
const UNAVAILABLE = '454 4.7.0 Account is temporarily unavailable.'

export function verdictReply(verdict: FailedVerdict, context: ReplyContext): Reply {
  switch (verdict.kind) {
    case 'refused':
      return refusalReply(verdict.why, context)
    case 'proxy-failed':
      return reply(UNAVAILABLE)
    case 'backend-refused':
      return { lines: verdict.reply.lines.length === 0 ? [FAILED] : verdict.reply.lines }
    default:
      return assertNever(verdict)
  }
}

export function refusalReply(why: AuthRefusal, { hostname, now }: ReplyContext): Reply {
  switch (why.kind) {
    case 'failed':
      return reply(why.reason === undefined ? FAILED : `535 5.7.8 ${encodeLine(why.reason)}`)
    case 'user-disabled':
      return reply(FAILED)
    case 'temporary':
      return reply(`454 4.7.0 ${temporaryFailure(hostname, now)}`)
    case 'unsupported-mechanism':
      return reply('504 5.5.4 Unsupported authentication mechanism.', 'tried to use unsupported auth mechanism')
    case 'plaintext-disabled':
      return reply('523 5.7.10 Plaintext authentication disabled.', 'tried to use disallowed plaintext auth')
    case 'tls-required':
      return reply('530 5.7.0 TLS required.')
    case 'aborted':
      return faultReply('aborted')
    case 'invalid-base64':
      return faultReply(why.initial ? 'invalid-initial' : 'bad-characters')
    case 'nologin':
      return reply(`525 5.7.13 ${encodeLine(why.reason ?? 'Login disabled for this user')}`)
    case 'referral':
      // Submission has no referrals: the client is only told in words.
      return reply(`535 5.7.8 ${encodeLine(why.reason ?? 'Try this server instead.')}`)
    case 'password-expired':
      return reply('535 5.7.8 Password expired')
    case 'authorization-failed':
      return reply('535 5.7.8 Authorization failed')
    case 'too-many-connections':
      return reply(`454 4.7.0 ${encodeLine(why.text)}`)
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
  aborted: reply('501 5.5.2 Authentication aborted by client.', 'aborted authentication'),
  'invalid-initial': reply('501 5.5.2 Invalid base64 data in initial response', NO_BASE64),
  'bad-characters': reply('535 5.7.8 Invalid base64 in response', NO_BASE64),
  'bad-padding': reply('501 5.5.2 Invalid base64 data in continued response', NO_BASE64),
} as const satisfies Record<SaslMessageFault, Reply>

function reply(line: string, remark?: DisconnectRemark): Reply {
  return remark === undefined ? { lines: [line] } : { lines: [line], remark }
}
