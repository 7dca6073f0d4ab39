// One passdb is asked for real: default fields, lookup, password.
import { performance } from 'node:perf_hooks'
import { hears } from '../observe/events.ts'
import type { Secret } from '../util/secret.ts'
import { assertNever } from '../util/assert-never.ts'
import { andThen, type Soon } from '../util/soon.ts'
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

/** Asks the database and judges its answer. */
export function queryPassdb(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasCredentials: boolean,
  signal: AbortSignal,
): Soon<PassdbAnswer> {
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
  return andThen(replyOf(request, block, query, signal), (reply) =>
    interpret(request, block, reply, want, verifiesItself, hasCredentials),
  )
}

type Query = (request: DatabaseRequest, signal: AbortSignal) => Soon<VerifyReply>

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
function replyOf(request: AuthRequest, block: PassdbBlock, query: Query, signal: AbortSignal): Soon<VerifyReply> {
  const startedMs = performance.now()
  const finish = (reply: VerifyReply): VerifyReply => {
    tellFinished(request, block, reply, startedMs)
    return reply
  }
  const fail = (error: unknown): VerifyReply => finish({ kind: 'internal-failure', log: faultText(error) })
  let running: Soon<VerifyReply>
  try {
    running = block.gate.run((deadline) => query(request, deadline), signal)
  } catch (error) {
    return fail(error)
  }
  return running instanceof Promise ? running.then(finish, fail) : finish(running)
}

function tellFinished(request: AuthRequest, block: PassdbBlock, reply: VerifyReply, startedMs: number): void {
  const { observer } = request.needs
  if (!hears(observer, 'auth_query_finished')) return
  observer.emit('auth_query_finished', {
    driver: block.driver,
    part: 'passdb',
    result: reply.kind === 'unknown' ? 'unknown' : reply.kind === 'internal-failure' ? 'failed' : 'found',
    duration_ms: performance.now() - startedMs,
  })
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
): Soon<PassdbAnswer> {
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
): Soon<PassdbAnswer> {
  const fault = applyPassdbFields(request, fields, block.database.defaultScheme)
  if (fault !== undefined) {
    request.logDatabase('error', `Failed to expand template: ${fault}`)
    return { result: 'internal-failure' }
  }
  return isVerified ? { result: 'ok' } : judgePassword(request, block, want, hasCredentials)
}
