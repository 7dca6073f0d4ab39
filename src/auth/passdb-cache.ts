// A passdb's answers in the auth cache: how they are kept, and what they say to a login.
import { createHash } from 'node:crypto'
import type { Secret } from '../util/secret.ts'
import { type AuthCache, type CachedAnswer, cacheKey, type CacheHit, type Question } from './cache.ts'
import { setPassdbField } from './passdb-field.ts'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { storedText } from './stored-text.ts'

/** How a block uses the cache. */
export interface CacheUse {
  readonly cache: AuthCache
  /** `P1`, `U2`: the database. */
  readonly database: string
  readonly variables: readonly string[]
}

/** The key of this request's question. */
export function keyOf(request: AuthRequest, { database, variables }: CacheUse): string {
  const master = request.loginUser === undefined ? (request.masterUser ?? '') : request.loginUser
  return cacheKey(database, variables, master, request.lookup)
}

/** Keeps what the database has just said, as far as it may be kept. Called before override_fields. */
export function keepAnswer(
  request: AuthRequest,
  { cache }: CacheUse,
  question: Question,
  result: PassdbResult,
  userBefore: string,
): void {
  const users = [userBefore, request.user]
  if (result === 'user-unknown') {
    // A field that refuses (allow_nets, fail) makes no unknown user.
    if (!request.failed) cache.put(question, { kind: 'unknown' }, users, false)
    return
  }
  if (result !== 'ok' && result !== 'password-mismatch' && result !== 'scheme-not-available') return
  const password = passwordToKeep(request, result)
  if (password === undefined) return
  const fields = [...request.fields.changed()].map(([name, { value }]) => ({ name, value }))
  cache.put(question, { kind: 'found', password, fields }, users, result === 'ok')
  cache.tellPassword(question.key, password)
}

/** With its scheme; empty when every password is right; `undefined` when nothing can be kept. */
function passwordToKeep(
  { stored, fields, password, authenticated }: AuthRequest,
  result: PassdbResult,
): string | undefined {
  if (stored !== undefined) return storedText(stored)
  if (fields.has('nopassword')) return ''
  // The database checked the password itself: keep a hash of the one that was right.
  if (result !== 'ok' || password === undefined || authenticated) return undefined
  return `{SHA1}${sha1(password)}`
}

function sha1(password: Secret): string {
  return createHash('sha1').update(password.reveal()).digest('base64')
}

/** Sets the fields of a kept answer. Those that decide (allow_nets, delay_until ...) decide again. */
export function applyCached(
  request: AuthRequest,
  answer: Extract<CachedAnswer, { kind: 'found' }>,
  defaultScheme: string,
): void {
  for (const { name, value } of answer.fields) setPassdbField(request, name, value, 'auth cache', defaultScheme)
}

/**
 * Whether a wrong password may be blamed on the client. After a login that was right, or a while, the password has
 * probably been changed: then the database is asked.
 */
export function mayRefuse({ entry, isOldForRefusal }: CacheHit): boolean {
  return !entry.wasRight && !isOldForRefusal
}
