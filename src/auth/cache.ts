// The auth cache (`auth_cache_*`): what passdbs and userdbs answered, for a while. A key is made of the %variables that the
// answer depends on, so that the same question finds the same answer.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { VariableLookup } from '../config/expand.ts'
import type { Clock } from './needs.ts'
import type { PasswordNews, SharedPasswords } from './shared-passwords.ts'
import { LiveList, type Place } from '../util/live-list.ts'

export interface CachedField {
  readonly name: string
  readonly value: string
}

export type CachedAnswer =
  /** A user whom the database does not know. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'found'
      /** A passdb's, with `{SCHEME}`; empty when every password is right. A userdb's is empty. */
      readonly password: string
      readonly fields: readonly CachedField[]
    }

export interface CacheEntry {
  readonly answer: CachedAnswer
  /** Names the user has in this answer, for flushing. */
  readonly users: readonly string[]
  readonly createdMs: number
  /** The last login with this answer had the right password. */
  wasRight: boolean
}

export interface CacheHit {
  readonly entry: CacheEntry
  /** Too old, but better than nothing when the database is down. */
  readonly isExpired: boolean
  /** Too old to refuse anybody because of it. */
  readonly isOldForRefusal: boolean
}

export interface CacheLimits {
  readonly sizeBytes: number
  readonly ttlMs: number
  /** 0: unknown users are not remembered. */
  readonly negativeTtlMs: number
}

/** A question that a database is working on. Its answer may be from before what the cache was told meanwhile. */
export interface Question {
  readonly key: string
  /** Answers were flushed. */
  isFlushed: boolean
  /** The fingerprint of the password that another worker was told. */
  told: string | undefined
}

/** What an entry takes beside its texts, roughly. */
const ENTRY_BYTES = 128

export class AuthCache {
  readonly #entries: LRUCache<string, CacheEntry>
  readonly #limits: CacheLimits
  readonly #clock: Clock
  readonly #shared: SharedPasswords | undefined
  readonly #stopListening: (() => void) | undefined
  readonly #asked = new LiveList<Question>()

  constructor(limits: CacheLimits, clock: Clock, shared?: SharedPasswords) {
    this.#limits = limits
    this.#clock = clock
    this.#shared = shared
    this.#stopListening = shared?.listen((news) => this.#hear(news))
    this.#entries = new LRUCache({
      maxSize: limits.sizeBytes,
      sizeCalculation: (entry, key) => ENTRY_BYTES + key.length + sizeOf(entry),
    })
  }

  find(key: string): CacheHit | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const ageMs = this.#clock.now() - entry.createdMs
    const { ttlMs, negativeTtlMs } = this.#limits
    return {
      entry,
      isExpired: ageMs > (entry.answer.kind === 'unknown' ? negativeTtlMs : ttlMs),
      isOldForRefusal: ageMs > negativeTtlMs,
    }
  }

  /** Runs a query; what it answers may be kept with the question it is given. */
  async ask<T>(key: string, query: (question: Question) => Promise<T>): Promise<T> {
    const question: Question = { key, isFlushed: false, told: undefined }
    const place: Place<Question> = this.#asked.add(question)
    try {
      return await query(question)
    } finally {
      this.#asked.remove(place)
    }
  }

  put(question: Question, answer: CachedAnswer, users: readonly string[], wasRight: boolean): void {
    if (answer.kind === 'unknown' && this.#limits.negativeTtlMs === 0) return
    if (question.isFlushed || (question.told !== undefined && !this.#isPassword(answer, question.told))) return
    this.#entries.set(question.key, { answer, users, createdMs: this.#clock.now(), wasRight })
  }

  /** Other workers are to forget another password that they may know for this question. */
  tellPassword(key: string, password: string): void {
    this.#shared?.told(key, password)
  }

  #hear({ question: key, fingerprint }: PasswordNews): void {
    for (const question of this.#asked.all()) if (question.key === key) question.told = fingerprint
    const known = this.#entries.peek(key)?.answer
    if (known !== undefined && !this.#isPassword(known, fingerprint)) this.#entries.delete(key)
  }

  #isPassword(answer: CachedAnswer, fingerprint: string): boolean {
    return answer.kind === 'found' && this.#shared?.fingerprint(answer.password) === fingerprint
  }

  close(): void {
    this.#stopListening?.()
  }

  /** Forgets everything, or what is remembered of these users. Returns how many answers that were. */
  flush(users: readonly string[] | undefined): number {
    const before = this.#entries.size
    // Whose names an answer will have is not known yet.
    for (const question of this.#asked.all()) question.isFlushed = true
    if (users === undefined) {
      this.#entries.clear()
      return before
    }
    const wanted = new Set(users)
    for (const [key, entry] of this.#entries.entries())
      if (entry.users.some((user) => wanted.has(user))) this.#entries.delete(key)
    return before - this.#entries.size
  }
}

function sizeOf({ answer, users }: CacheEntry): number {
  const names = users.reduce((sum, user) => sum + user.length, 0)
  if (answer.kind === 'unknown') return names
  return answer.fields.reduce(
    (sum, { name, value }) => sum + name.length + value.length + 2,
    names + answer.password.length,
  )
}

/** The variables of a query, as a key needs them: `%n` and `%d` together are `%u`. */
export function keyVariables(variables: Iterable<string>): readonly string[] {
  const all = new Set(variables)
  if (all.has('username') && all.has('domain')) all.add('user')
  if (all.has('user')) for (const part of ['username', 'domain']) all.delete(part)
  return [...all].sort()
}

/** The key of a question: the database, the master in a master login, and the values of the variables. */
export function cacheKey(
  database: string,
  variables: readonly string[],
  master: string,
  lookup: VariableLookup,
): string {
  const values = variables.map((name) => {
    const value = lookup(name) ?? ''
    // Passwords are not kept in clear, not even here.
    return name === 'password' ? createHash('sha256').update(value).digest('base64') : value.replace(/[\t\\]/g, '\\$&')
  })
  return [`${database}${master === '' ? '' : `+${master}`}`, ...values].join('\t')
}
