import type { TlsFailed } from '../net/tls.ts'
import type { AuthRefusal } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { TlsInfo } from '../net/byte-stream.ts'
import type { DisconnectRemark } from '../protocols/protocol.ts'

/** What a stranger did before the connection ended. Times in milliseconds since 1970. */
export interface LoginHistory {
  readonly startedMs: number
  attempts: number
  firstAttemptMs: number
  /** Logins whose password was right, whatever came then. */
  successes: number
  backendRefused: boolean
  lastRefusal: AuthRefusal['kind'] | undefined
  /** What is going on: a SASL dialogue waits for the client, a database is asked, a backend is logged in to. */
  phase: 'idle' | 'sasl' | 'auth' | 'backend'
  remark: DisconnectRemark | undefined
}

export function newHistory(startedMs: number): LoginHistory {
  return {
    startedMs,
    attempts: 0,
    firstAttemptMs: 0,
    successes: 0,
    backendRefused: false,
    lastRefusal: undefined,
    phase: 'idle',
    remark: undefined,
  }
}

/** The end of the line about a connection that ended without a session, in Dovecot's words. */
export function disconnectReason(history: LoginHistory, nowMs: number): string {
  const remark = remarkOf(history)
  if (history.attempts === 0 && remark === undefined) {
    return `(no auth attempts in ${seconds(nowMs - history.startedMs)} secs)`
  }
  const secs = seconds(nowMs - history.firstAttemptMs)
  if (history.phase === 'sasl' || history.remark === UNFINISHED) return `(${UNFINISHED}, waited ${secs} secs)`
  if (history.phase === 'auth') return `(disconnected while authenticating, waited ${secs} secs)`
  if (history.phase === 'backend') return `(disconnected while finishing login, waited ${secs} secs)`
  if (history.backendRefused) return '(proxy dest auth failed)'
  if (remark !== undefined) return `(${remark})`
  if (history.successes > 0) return `(internal failure, ${history.successes} successful auths)`
  return `(${describeRefusal(history, secs)})`
}

/** Where a mechanism was refused by the session itself, it knows better which words go with that. */
function remarkOf({ remark, lastRefusal }: LoginHistory): string | undefined {
  if (remark === DISALLOWED && lastRefusal !== undefined) return undefined
  return remark === undefined ? undefined : REMARKS[remark]
}

const DISALLOWED: DisconnectRemark = 'tried to use disallowed plaintext auth'
const UNFINISHED: DisconnectRemark = "client didn't finish SASL auth"

/** Remarks that say something about logging in; the others are the reason itself. */
const REMARKS: Readonly<Record<DisconnectRemark, string | undefined>> = {
  'tried to use disallowed plaintext auth': DISALLOWED,
  'tried to use unsupported auth mechanism': 'tried to use unsupported auth mechanism',
  "client didn't finish SASL auth": UNFINISHED,
  'aborted authentication': 'aborted authentication',
  'sent invalid base64 in response': 'sent invalid base64 in response',
  'too many invalid commands': undefined,
  'input line too long': undefined,
}

function describeRefusal({ lastRefusal, attempts }: LoginHistory, secs: number): string {
  switch (lastRefusal) {
    case 'temporary':
      return 'auth service reported temporary failure'
    case 'authorization-failed':
      return `authorization failed, ${attempts} attempts in ${secs} secs`
    case 'user-disabled':
      return 'user disabled'
    case 'password-expired':
      return 'password expired'
    case 'invalid-base64':
      return 'sent invalid base64 in response'
    case 'nologin':
      return 'login disabled'
    case 'unsupported-mechanism':
      return 'tried to use unsupported auth mechanism'
    case 'plaintext-disabled':
      return 'tried to use disallowed plaintext auth'
    case 'aborted':
      return 'aborted authentication'
    default:
      return `auth failed, ${attempts} attempts in ${secs} secs`
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}

/** With `auth_ssl_require_client_cert` a client without a good certificate had no chance anyhow. */
export function certificateReason({ settings, tls }: CertificateFacts): string | undefined {
  if (!settings.auth_ssl_require_client_cert || tls === undefined || tls.certificateVerified) return undefined
  return tls.certificateProblem === undefined ? "(client didn't send a cert)" : '(client sent an invalid cert)'
}

interface CertificateFacts {
  readonly settings: Pick<Settings, 'auth_ssl_require_client_cert'>
  readonly tls: TlsInfo | undefined
}

/** Why a handshake ended a connection. */
export function closedBecause({ fault, message }: TlsFailed): string {
  return fault === 'closed' ? message : `Connection closed: ${message}`
}
