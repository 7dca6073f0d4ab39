// One passdb is asked: default fields, lookup, password, override fields.
import type { SaslCredentials } from '../sasl/mechanism.ts'
import type { Secret } from '../util/secret.ts'
import { assertNever } from '../util/assert-never.ts'
import { applyPassdbFields } from './apply-fields.ts'
import type { PassdbBlock } from './blocks.ts'
import { logFailure } from './failure-log.ts'
import { LookupTimeout } from './lookup-gate.ts'
import type { DatabaseRequest, PassdbReply, VerifyReply } from './passdb/passdb.ts'
import type { Want } from './passdb-chain.ts'
import type { AuthRequest, StoredPassword } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { decideCredentials, parseStoredPassword, verifyPassword } from './schemes/index.ts'

export interface PassdbAnswer {
  readonly result: PassdbResult
  readonly credentials?: SaslCredentials
}

const TEMPLATE_SCHEME = 'PLAIN'

/** Asks one database. Sets the request's fields; whether they stay is for the chain to decide. Never rejects. */
export async function askPassdb(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasNext: boolean,
  hasCredentials: boolean,
  signal: AbortSignal,
): Promise<PassdbAnswer> {
  request.database = block.current
  request.stored = undefined
  request.hasNext = hasNext
  request.trace?.begin(`passdb ${block.current.label}`, block.settings.at)
  request.logDatabase('debug', 'Performing passdb lookup')
  const answer = await ask(request, block, want, hasCredentials, signal)
  const isNext = answer.result === 'ok' && request.fields.has('noauthenticate')
  const fault = applyPassdbFields(request, block.overrideFields, TEMPLATE_SCHEME)
  request.logDatabase('debug', 'Finished passdb lookup')
  if (fault === undefined) return isNext ? { result: 'next' } : answer
  request.logDatabase('error', `Failed to expand override_fields: ${fault}`)
  return { result: 'internal-failure' }
}

async function ask(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasCredentials: boolean,
  signal: AbortSignal,
): Promise<PassdbAnswer> {
  const fault = applyPassdbFields(request, block.defaultFields, TEMPLATE_SCHEME)
  if (fault !== undefined) {
    request.logDatabase('error', `Failed to expand default_fields: ${fault}`)
    return { result: 'internal-failure' }
  }
  const verifiesItself = want.kind === 'verify' && !request.authenticated && block.database.verify !== undefined
  const query = verifiesItself ? verifyQuery(block, want.password) : lookupQuery(block)
  if (query === undefined) {
    request.logDatabase('debug', "passdb doesn't support credential lookups")
    return { result: 'scheme-not-available' }
  }
  const reply = await replyOf(request, block, query, signal)
  return await interpret(request, block, reply, want, verifiesItself, hasCredentials)
}

type Query = (request: DatabaseRequest, signal: AbortSignal) => VerifyReply | Promise<VerifyReply>

function verifyQuery({ database }: PassdbBlock, password: Secret): Query | undefined {
  return (request, signal) =>
    database.verify?.(request, password, signal) ?? { kind: 'internal-failure', log: 'passdb cannot verify passwords' }
}

function lookupQuery({ database }: PassdbBlock): Query | undefined {
  return database.lookup === undefined
    ? undefined
    : (request, signal) => database.lookup?.(request, signal) ?? { kind: 'unknown' }
}

/** Runs the query. What a driver throws is an internal failure. */
async function replyOf(
  request: AuthRequest,
  block: PassdbBlock,
  query: Query,
  signal: AbortSignal,
): Promise<VerifyReply> {
  const started = performance.now()
  let reply: VerifyReply
  try {
    const running = block.gate.run((deadline) => query(request, deadline), signal)
    reply = running instanceof Promise ? await running : running
  } catch (error) {
    reply = { kind: 'internal-failure', log: faultText(error) }
  }
  request.needs.observer.emit('auth_query_finished', {
    driver: block.driver,
    part: 'passdb',
    result: reply.kind === 'unknown' ? 'unknown' : reply.kind === 'internal-failure' ? 'failed' : 'found',
    duration_ms: performance.now() - started,
  })
  return reply
}

/** A line for the log about something that should not have been thrown. */
export function faultText(error: unknown): string {
  if (error instanceof LookupTimeout) return error.message
  return `BUG: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

async function interpret(
  request: AuthRequest,
  block: PassdbBlock,
  reply: VerifyReply,
  want: Want,
  isVerified: boolean,
  hasCredentials: boolean,
): Promise<PassdbAnswer> {
  switch (reply.kind) {
    case 'unknown':
      return { result: 'user-unknown' }
    case 'internal-failure':
      if (reply.log !== '') request.logDatabase('error', reply.log)
      return { result: 'internal-failure' }
    case 'password-mismatch':
      logFailure(request, 'Password mismatch')
      return { result: 'password-mismatch' }
    case 'user-disabled':
    case 'password-expired':
      return { result: reply.kind }
    case 'found':
      return await judgeFound(request, block, reply, want, isVerified, hasCredentials)
    default:
      return assertNever(reply)
  }
}

async function judgeFound(
  request: AuthRequest,
  block: PassdbBlock,
  { fields }: Extract<PassdbReply, { kind: 'found' }>,
  want: Want,
  isVerified: boolean,
  hasCredentials: boolean,
): Promise<PassdbAnswer> {
  const fault = applyPassdbFields(request, fields, block.database.defaultScheme)
  if (fault !== undefined) {
    request.logDatabase('error', `Failed to expand template: ${fault}`)
    return { result: 'internal-failure' }
  }
  if (isVerified) return { result: 'ok' }
  if (request.stored === undefined && !request.fields.has('nopassword')) {
    // This database was not asked for a password.
    if (request.authenticated) return { result: 'ok' }
    request.logDatabase('info', 'No password returned (and no nopassword)')
    return { result: 'password-mismatch' }
  }
  if (want.kind === 'verify') return { result: await verify(request, block, want.password) }
  return credentialsOf(request, want, hasCredentials)
}

async function verify(request: AuthRequest, block: PassdbBlock, password: Secret): Promise<PassdbResult> {
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
  const outcome = await verifyPassword({ stored: stored.text, defaultScheme: stored.defaultScheme, password, user })
  switch (outcome.kind) {
    case 'match':
      return 'ok'
    case 'mismatch':
      logFailure(request, 'Password mismatch')
      if (request.showPasswords) logComparison(request, stored, password)
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

function credentialsOf(
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
  request.logDatabase('info', decision.log)
  return { result: 'scheme-not-available' }
}
