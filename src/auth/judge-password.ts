// What a stored password says to what is wanted: is the given one right, can it serve a challenge?
import type { SaslCredentials } from '../sasl/mechanism.ts'
import type { Secret } from '../util/secret.ts'
import { andThen, type Soon } from '../util/soon.ts'
import { assertNever } from '../util/assert-never.ts'
import type { PassdbBlock } from './blocks.ts'
import { logFailure } from './failure-log.ts'
import type { Want } from './passdb-chain.ts'
import type { AuthRequest, StoredPassword } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { decideCredentials, parseStoredPassword, type VerifyOutcome, verifyPassword } from './schemes/index.ts'

/** What a passdb found out, and the credentials if some were wanted. */
export interface PassdbAnswer {
  readonly result: PassdbResult
  readonly credentials?: SaslCredentials
}

const OK: PassdbAnswer = { result: 'ok' }

/** Judges `request.stored`. `hasCredentials`: an earlier database has given some. */
export function judgePassword(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasCredentials: boolean,
): Soon<PassdbAnswer> {
  if (request.stored === undefined && !request.fields.has('nopassword')) {
    // This database was not asked for a password.
    if (request.authenticated) return { result: 'ok' }
    request.logDatabase('info', 'No password returned (and no nopassword)')
    return { result: 'password-mismatch' }
  }
  if (want.kind === 'verify') return andThen(verify(request, block, want.password, true), answerOf)
  return credentialsOf(request, want, hasCredentials)
}

function answerOf(result: PassdbResult): PassdbAnswer {
  return result === 'ok' ? OK : { result }
}

/** Compares a password with the stored one. `logsMismatch`: nobody will ask again. */
export function verify(
  request: AuthRequest,
  block: PassdbBlock,
  password: Secret,
  logsMismatch: boolean,
): Soon<PassdbResult> {
  if (request.authenticated) return 'ok'
  // Whoever is on a deny list is denied with any password.
  if (block.settings.deny) return 'password-mismatch'
  if (request.fields.has('nopassword')) {
    request.logDatabase('debug', 'Allowing any password')
    return 'ok'
  }
  const { stored } = request
  if (stored === undefined) return 'password-mismatch'
  request.verified = true
  const user = request.originalUser ?? request.user
  const { text, defaultScheme } = stored
  const outcome = verifyPassword({ stored: text, defaultScheme, password, user })
  return andThen(outcome, (known) => resultOf(request, stored, password, known, logsMismatch))
}

function resultOf(
  request: AuthRequest,
  stored: StoredPassword,
  password: Secret,
  outcome: VerifyOutcome,
  logsMismatch: boolean,
): PassdbResult {
  switch (outcome.kind) {
    case 'match':
      return 'ok'
    case 'mismatch':
      if (logsMismatch) logFailure(request, 'Password mismatch')
      if (logsMismatch && request.showPasswords) logComparison(request, stored, password)
      return 'password-mismatch'
    case 'invalid':
      request.logDatabase('error', outcome.log)
      return 'password-mismatch'
    case 'unavailable':
      request.logDatabase('error', outcome.log)
      return 'internal-failure'
    default:
      return assertNever(outcome)
  }
}

/** auth_debug_passwords: what was compared with what. */
function logComparison(request: AuthRequest, stored: StoredPassword, password: Secret): void {
  const parsed = parseStoredPassword(stored.text, stored.defaultScheme)
  if (parsed.kind === 'invalid') return
  const data = stored.text.replace(/^\{[^}]*\}/, '')
  request.logDatabase('debug', `${parsed.scheme.name}(${password.reveal().toString('utf8')}) != '${data}'`)
}

/** Dovecot refuses to look up users whose stored password makes no sense. */
function isReadable(request: AuthRequest, stored: StoredPassword): boolean {
  const parsed = parseStoredPassword(stored.text, stored.defaultScheme)
  if (parsed.kind === 'invalid') request.logDatabase('error', parsed.log)
  return parsed.kind === 'parsed'
}

/** Credentials in a wanted scheme. */
export function credentialsOf(
  request: AuthRequest,
  want: Exclude<Want, { kind: 'verify' }>,
  hasCredentials: boolean,
): PassdbAnswer {
  const { stored } = request
  if (stored === undefined) {
    // An earlier database has given them, or nobody wants any.
    if (hasCredentials || want.kind === 'lookup') return { result: 'ok' }
    request.logDatabase('info', `Requested ${want.schemes[0] ?? ''} scheme, but we have a NULL password`)
    return { result: 'scheme-not-available' }
  }
  if (want.kind === 'lookup') return { result: isReadable(request, stored) ? 'ok' : 'scheme-not-available' }
  const decision = decideCredentials(stored.text, stored.defaultScheme, want.schemes)
  if (decision.kind === 'found') return { result: 'ok', credentials: decision.credentials }
  request.logDatabase(decision.level, decision.log)
  return { result: 'scheme-not-available' }
}
