// One passdb is asked for real: default fields, lookup, password.
import type { Secret } from '../util/secret.ts'
import { assertNever } from '../util/assert-never.ts'
import { applyPassdbFields } from './apply-fields.ts'
import type { PassdbBlock } from './blocks.ts'
import { logFailure } from './failure-log.ts'
import { judgePassword, type PassdbAnswer } from './judge-password.ts'
import { LookupTimeout } from './lookup-gate.ts'
import type { DatabaseRequest, VerifyReply } from './passdb/passdb.ts'
import type { Want } from './passdb-chain.ts'
import type { AuthRequest } from './request.ts'

/** Scheme of passwords in default_fields and override_fields. */
export const TEMPLATE_SCHEME = 'PLAIN'

/** Asks the database and judges its answer. Never rejects. */
export async function queryPassdb(
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

function interpret(
  request: AuthRequest,
  block: PassdbBlock,
  reply: VerifyReply,
  want: Want,
  isVerified: boolean,
  hasCredentials: boolean,
): PassdbAnswer | Promise<PassdbAnswer> {
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
      return judgeFound(request, block, reply, want, isVerified, hasCredentials)
    default:
      return assertNever(reply)
  }
}

function judgeFound(
  request: AuthRequest,
  block: PassdbBlock,
  { fields }: Extract<VerifyReply, { kind: 'found' }>,
  want: Want,
  isVerified: boolean,
  hasCredentials: boolean,
): PassdbAnswer | Promise<PassdbAnswer> {
  const fault = applyPassdbFields(request, fields, block.database.defaultScheme)
  if (fault !== undefined) {
    request.logDatabase('error', `Failed to expand template: ${fault}`)
    return { result: 'internal-failure' }
  }
  return isVerified ? { result: 'ok' } : judgePassword(request, block, want, hasCredentials)
}
