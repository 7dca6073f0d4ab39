// A userdb's answers in the auth cache.
import type { Question } from './cache.ts'
import type { CacheUse } from './passdb-cache.ts'
import type { AuthRequest } from './request.ts'
import type { UserdbResult } from './result-rule.ts'
import { setUserdbField } from './userdb-field.ts'

/** Keeps the fields that the database has just set, and the user's new name if it gave one. */
export function keepUser(
  request: AuthRequest,
  { cache }: CacheUse,
  question: Question,
  result: UserdbResult,
  userBefore: string,
): void {
  const users = [userBefore, request.user]
  if (result !== 'ok') {
    cache.put(question, { kind: 'unknown' }, users, false)
    return
  }
  const fields = [...(request.userdbFields?.changed() ?? [])].map(([name, { value }]) => ({ name, value }))
  if (request.user !== userBefore) fields.push({ name: 'user', value: request.user })
  cache.put(question, { kind: 'found', password: '', fields }, users, false)
}

/** What the cache says, its fields set; `undefined`: the database must be asked. */
export function userFromCache(
  request: AuthRequest,
  { cache }: CacheUse,
  key: string,
  isDatabaseDown: boolean,
): UserdbResult | undefined {
  const hit = cache.find(key)
  if (hit === undefined || (hit.isExpired && !isDatabaseDown)) {
    request.logDatabase('debug', hit === undefined ? 'userdb cache miss' : 'userdb cache expired')
    return undefined
  }
  request.logDatabase('debug', 'userdb cache hit')
  const { answer } = hit.entry
  if (answer.kind === 'unknown') return 'user-unknown'
  for (const { name, value } of answer.fields) setUserdbField(request, name, value, 'auth cache')
  return 'ok'
}
