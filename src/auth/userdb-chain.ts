// The userdb chain: like the passdb chain, without passwords.
import { assertNever } from '../util/assert-never.ts'
import { applyUserdbFields } from './apply-fields.ts'
import type { UserdbBlock } from './blocks.ts'
import { FieldSet } from './extra-fields.ts'
import { keyOf } from './passdb-cache.ts'
import { type PassdbChain, runPassdbChain } from './passdb-chain.ts'
import type { AuthRequest } from './request.ts'
import { faultText } from './query-passdb.ts'
import { applyRule, ruleFor, type UserdbResult } from './result-rule.ts'
import { keepUser, userFromCache } from './userdb-cache.ts'
import { readUidgidFile } from './userdb-field.ts'
import type { UserdbReply, UserdbRequest } from './userdb/userdb.ts'

export interface UserdbContext {
  readonly userdbs: readonly UserdbBlock[]
  /** Asked by `static` whether a user exists. */
  readonly passdbs: PassdbChain
  /** The lookup follows a login. */
  readonly loggedIn: boolean
}

/** Asks the userdbs for `request.user`; the fields end up in `request.userdbFields`. Never rejects. */
export async function runUserdbChain(
  request: AuthRequest,
  context: UserdbContext,
  signal: AbortSignal,
): Promise<UserdbResult> {
  request.isUserdbLookup = true
  let success = false
  let sawInternalFailure = false
  let result: UserdbResult = 'user-unknown'
  for (const [at, block] of context.userdbs.entries()) {
    if (isSkipped(block, success)) continue
    const following = (): UserdbBlock | undefined =>
      context.userdbs.slice(at + 1).find((next) => !isSkipped(next, success))
    request.hasNext = at + 1 < context.userdbs.length
    result = await askUserdb(request, block, context, signal)
    if (request.userdbFailed) return 'internal-failure'
    const effect = applyRule(ruleFor(result, block.rules), result === 'ok', { success, authenticated: false })
    success = effect.success
    if (result === 'internal-failure') sawInternalFailure = true
    const goesOn = effect.continues && following() !== undefined
    if (!goesOn && success) return applyOverride(request, block) ? 'ok' : 'internal-failure'
    if (!goesOn) break
    if (result === 'ok' && !applyOverride(request, block)) return 'internal-failure'
    keepOrRollBack(request, result)
  }
  if (sawInternalFailure) return 'internal-failure'
  if (context.loggedIn) logMissing(request, context.userdbs.length)
  return 'user-unknown'
}

function isSkipped({ settings }: UserdbBlock, success: boolean): boolean {
  switch (settings.skip) {
    case 'never':
      return false
    case 'found':
      return success
    case 'notfound':
      return !success
    default:
      return assertNever(settings.skip)
  }
}

async function askUserdb(
  request: AuthRequest,
  block: UserdbBlock,
  context: UserdbContext,
  signal: AbortSignal,
): Promise<UserdbResult> {
  request.database = block.current
  request.trace?.begin(`userdb ${block.current.label}`, block.settings.at)
  const fields = (request.userdbFields ??= new FieldSet())
  const fault = applyUserdbFields(request, block.defaultFields)
  if (fault !== undefined) {
    request.logDatabase('error', `Failed to expand default_fields: ${fault}`)
    return 'internal-failure'
  }
  request.logDatabase('debug', 'Performing userdb lookup')
  const result = await answerOf(request, block, context, signal)
  request.logDatabase('debug', 'Finished userdb lookup')
  request.trace?.fields(fields)
  return result
}

/** The auth cache, or the database. */
async function answerOf(
  request: AuthRequest,
  block: UserdbBlock,
  context: UserdbContext,
  signal: AbortSignal,
): Promise<UserdbResult> {
  // An explanation is about the databases.
  const use = request.trace === undefined ? block.cache : undefined
  const key = use === undefined ? '' : keyOf(request, use)
  const kept = use === undefined ? undefined : userFromCache(request, use, key, false)
  if (kept !== undefined) return kept
  const userBefore = request.user
  const ask = async (): Promise<UserdbResult> => {
    const reply = settle(request, await replyOf(request, block, context, signal))
    request.database = block.current
    await readUidgidFile(request)
    return reply
  }
  if (use === undefined) return await ask()
  const result = await use.cache.ask(key, async (question) => {
    const reply = await ask()
    if (reply !== 'internal-failure' && !request.userdbFailed) keepUser(request, use, question, reply, userBefore)
    return reply
  })
  if (result !== 'internal-failure' || request.userdbFailed) return result
  const expired = userFromCache(request, use, key, true)
  if (expired !== undefined) request.logDatabase('info', 'Falling back to expired data from cache')
  return expired ?? result
}

async function replyOf(
  request: AuthRequest,
  block: UserdbBlock,
  context: UserdbContext,
  signal: AbortSignal,
): Promise<UserdbReply> {
  const started = performance.now()
  let reply: UserdbReply
  try {
    const view = userdbView(request, context, signal)
    reply = await block.gate.run((deadline) => block.database.lookup(view, deadline), signal)
  } catch (error) {
    reply = { kind: 'internal-failure', log: faultText(error) }
  }
  request.needs.observer.emit('auth_query_finished', {
    driver: block.driver,
    part: 'userdb',
    result: reply.kind === 'internal-failure' ? 'failed' : reply.kind,
    duration_ms: performance.now() - started,
  })
  return reply
}

function settle(request: AuthRequest, reply: UserdbReply): UserdbResult {
  switch (reply.kind) {
    case 'unknown':
      return 'user-unknown'
    case 'internal-failure':
      if (reply.log !== '') request.logDatabase('error', reply.log)
      return 'internal-failure'
    case 'found': {
      const fault = applyUserdbFields(request, reply.fields)
      if (fault === undefined) return 'ok'
      request.logDatabase('error', `Failed to expand template: ${fault}`)
      return 'internal-failure'
    }
    default:
      return assertNever(reply)
  }
}

function applyOverride(request: AuthRequest, block: UserdbBlock): boolean {
  const fault = applyUserdbFields(request, block.overrideFields)
  if (fault === undefined && request.userdbFields !== undefined) request.trace?.fields(request.userdbFields)
  if (fault === undefined) return !request.userdbFailed
  request.logDatabase('error', `Failed to expand override_fields: ${fault}`)
  return false
}

function keepOrRollBack(request: AuthRequest, result: UserdbResult): void {
  if (result === 'ok') request.userdbFields?.snapshot()
  else request.userdbFields?.rollback()
}

/** After a login the user must be somewhere. */
function logMissing(request: AuthRequest, count: number): void {
  if (count === 1) request.logDatabase('error', 'user not found from userdb')
  else request.logLogin('error', 'user not found from any userdbs')
}

/** The request as userdb drivers see it. */
function userdbView(request: AuthRequest, context: UserdbContext, signal: AbortSignal): UserdbRequest {
  return {
    get user() {
      return request.user
    },
    lookup: request.lookup,
    isDebug: request.isDebug,
    showPasswords: request.showPasswords,
    logDatabase: (level, text) => request.logDatabase(level, text),
    logUnknownUser: () => request.logUnknownUser(),
    loggedIn: context.loggedIn,
    prefetched: request.prefetched,
    isOnly: context.userdbs.length === 1,
    userExists: () => userExists(request, context.passdbs, signal),
  }
}

async function userExists(
  request: AuthRequest,
  chain: PassdbChain,
  signal: AbortSignal,
): ReturnType<UserdbRequest['userExists']> {
  if (chain.passdbs.length === 0) return 'cannot-tell'
  request.isUserdbLookup = false
  const { result } = await runPassdbChain(request, chain, { kind: 'lookup' }, signal)
  request.isUserdbLookup = true
  switch (result) {
    case 'ok':
      return 'yes'
    case 'user-unknown':
    case 'user-disabled':
    case 'password-expired':
      return 'no'
    case 'scheme-not-available':
      return 'cannot-tell'
    case 'next':
    case 'password-mismatch':
    case 'internal-failure':
      return 'internal-failure'
    default:
      return assertNever(result)
  }
}
