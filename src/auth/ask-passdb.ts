// One passdb has its turn: the auth cache, or the database, and the override fields.
import { applyPassdbFields } from './apply-fields.ts'
import type { PassdbBlock } from './blocks.ts'
import { logFailure } from './failure-log.ts'
import { credentialsOf, type PassdbAnswer, verify } from './judge-password.ts'
import { applyCached, type CacheUse, keepAnswer, keyOf, mayRefuse } from './passdb-cache.ts'
import type { Want } from './passdb-chain.ts'
import { queryPassdb, TEMPLATE_SCHEME } from './query-passdb.ts'
import type { AuthRequest } from './request.ts'
import { andThen, type Soon } from '../util/soon.ts'

/** Asks one database. Sets the request's fields; whether they stay is for the chain to decide. */
export function askPassdb(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasNext: boolean,
  hasCredentials: boolean,
  signal: AbortSignal,
): Soon<PassdbAnswer> {
  request.database = block.current
  request.stored = undefined
  request.hasNext = hasNext
  request.trace?.begin(`passdb ${block.current.label}`, block.settings.at)
  request.logDatabase('debug', 'Performing passdb lookup')
  return andThen(answerOf(request, block, want, hasCredentials, signal), (answer) => override(request, block, answer))
}

/** The override fields, which also count when the database has nothing to say. */
function override(request: AuthRequest, block: PassdbBlock, answer: PassdbAnswer): PassdbAnswer {
  const isNext = answer.result === 'ok' && request.fields.has('noauthenticate')
  const fault = applyPassdbFields(request, block.overrideFields, TEMPLATE_SCHEME)
  request.logDatabase('debug', 'Finished passdb lookup')
  if (fault === undefined) return isNext ? { result: 'next' } : answer
  request.logDatabase('error', `Failed to expand override_fields: ${fault}`)
  return { result: 'internal-failure' }
}

function answerOf(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  hasCredentials: boolean,
  signal: AbortSignal,
): Soon<PassdbAnswer> {
  const use = block.cache
  // An explanation is about the databases.
  if (use === undefined || request.trace !== undefined) return queryPassdb(request, block, want, hasCredentials, signal)
  return cachedAnswer(request, block, want, use, hasCredentials, signal)
}

async function cachedAnswer(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  use: CacheUse,
  hasCredentials: boolean,
  signal: AbortSignal,
): Promise<PassdbAnswer> {
  const key = keyOf(request, use)
  const kept = await fromCache(request, block, want, use, key, false)
  if (kept !== undefined) return kept
  const userBefore = request.user
  const answer = await use.cache.ask(key, async (question) => {
    const asked = await queryPassdb(request, block, want, hasCredentials, signal)
    const isNext = asked.result === 'ok' && request.fields.has('noauthenticate')
    if (!isNext) keepAnswer(request, use, question, asked.result, userBefore)
    return asked
  })
  if (answer.result !== 'internal-failure') return answer
  const expired = await fromCache(request, block, want, use, key, true)
  if (expired !== undefined) request.logDatabase('info', 'Falling back to expired data from cache')
  return expired ?? answer
}

/** What the cache says; `undefined`: the database must be asked. */
async function fromCache(
  request: AuthRequest,
  block: PassdbBlock,
  want: Want,
  { cache }: CacheUse,
  key: string,
  isDatabaseDown: boolean,
): Promise<PassdbAnswer | undefined> {
  const hit = cache.find(key)
  if (hit === undefined || (hit.isExpired && !isDatabaseDown)) {
    request.logDatabase('debug', hit === undefined ? 'cache miss' : 'cache expired')
    return undefined
  }
  const { answer } = hit.entry
  request.logDatabase('debug', 'cache hit')
  if (answer.kind === 'unknown') {
    logFailure(request, 'unknown user')
    return { result: 'user-unknown' }
  }
  const { password } = answer
  request.stored = password === '' ? undefined : { text: password, defaultScheme: block.database.defaultScheme }
  if (want.kind !== 'verify') {
    applyFields(request, answer, block)
    return credentialsOf(request, want, false)
  }
  const mayBlame = mayRefuse(hit) || isDatabaseDown
  if (password === '') request.logDatabase('info', 'Cached NULL password access')
  const result = password === '' ? 'ok' : await verify(request, block, want.password, mayBlame)
  hit.entry.wasRight = result === 'ok'
  if (result === 'password-mismatch' && !mayBlame) {
    request.stored = undefined
    return undefined
  }
  applyFields(request, answer, block)
  return { result }
}

/** The password is judged already. */
function applyFields(request: AuthRequest, answer: Parameters<typeof applyCached>[1], block: PassdbBlock): void {
  const { stored } = request
  request.stored = undefined
  applyCached(request, answer, block.database.defaultScheme)
  request.stored = stored
}
