// Users whose logins are refused until somebody allows them again, or their password changes (`doveadm user revoke`).
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** A user's revocation, or its end. Plain data: it is kept in a file and told to other servers. */
export interface Revocation {
  readonly user: string
  /** The name that the databases were asked for, when it is another. */
  readonly asked?: string
  /** Milliseconds since 1970: of two, the newer counts. */
  readonly atMs: number
  readonly revoked: boolean
  /**
   * What the stored password looked like, by service. A service is missing where the databases do not tell it: there, only
   * `allow` ends the revocation.
   */
  readonly passwords?: Readonly<Record<string, StoredFingerprint>>
}

export interface StoredFingerprint {
  readonly salt: string
  readonly hash: string
}

/** Users that are remembered, revoked or allowed again. */
export const MAX_REVOCATIONS = 100_000

const HASH_BYTES = 32

/** The revocations as one process knows them; asked at every login that was right. */
export class Revocations {
  readonly #entries = new Map<string, Revocation>()
  /** Revoked now; small enough to be asked for nothing. */
  readonly #revoked = new Map<string, Revocation>()
  readonly #onEnded: (entry: Revocation) => void

  /** `onEnded` hears of a revocation that a changed password has ended here. */
  constructor(onEnded: (entry: Revocation) => void = () => undefined) {
    this.#onEnded = onEnded
  }

  get isEmpty(): boolean {
    return this.#revoked.size === 0
  }

  /** Takes an entry over. False when a newer one is known. */
  apply(entry: Revocation): boolean {
    const known = this.#entries.get(entry.user)
    if (known !== undefined && known.atMs >= entry.atMs) return false
    if (known === undefined && this.#entries.size >= MAX_REVOCATIONS) return false
    this.#entries.set(entry.user, entry)
    if (entry.revoked) this.#revoked.set(entry.user, entry)
    else this.#revoked.delete(entry.user)
    return true
  }

  /** All entries, ended ones included: another server may not know that they ended. */
  list(): readonly Revocation[] {
    return [...this.#entries.values()]
  }

  revoked(user: string): Revocation | undefined {
    return this.#revoked.get(user)
  }

  /**
   * Whether a login of a revoked user is refused. `lookUp` asks the databases for the stored password just as it was asked
   * for when the user was revoked, so that only a change in the databases makes a difference: a new password ends the
   * revocation.
   */
  async refuses(
    user: string,
    service: string,
    lookUp: (asked: string) => Promise<string | undefined>,
  ): Promise<boolean> {
    const entry = this.#revoked.get(user)
    if (entry === undefined) return false
    const before = entry.passwords?.[service]
    const stored = before === undefined ? undefined : await lookUp(entry.asked ?? user)
    if (before === undefined || stored === undefined || (await isSameStored(before, stored))) return true
    // Somebody may have revoked the user again meanwhile.
    if (this.#revoked.get(user) !== entry) return this.#revoked.has(user)
    const ended = { user, atMs: Math.max(Date.now(), entry.atMs + 1), revoked: false }
    this.apply(ended)
    this.#onEnded(ended)
    return false
  }
}

/** Remembers what a stored password looks like, without telling it. */
export async function fingerprintOf(stored: string): Promise<StoredFingerprint> {
  const salt = randomBytes(16)
  return { salt: salt.toString('base64'), hash: (await hashOf(salt, stored)).toString('base64') }
}

async function isSameStored({ salt, hash }: StoredFingerprint, stored: string): Promise<boolean> {
  const expected = Buffer.from(hash, 'base64')
  return expected.length === HASH_BYTES && timingSafeEqual(expected, await hashOf(Buffer.from(salt, 'base64'), stored))
}

/** Slow, as what is stored may be a password in clear. */
function hashOf(salt: Buffer, stored: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(stored, salt, HASH_BYTES, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

/** Reads an entry that came from a file or another server; `undefined` when it makes no sense. */
export function readRevocation(value: unknown): Revocation | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { user, asked, atMs, revoked, passwords } = value as Readonly<Record<string, unknown>>
  if (typeof user !== 'string' || user === '' || typeof revoked !== 'boolean') return undefined
  if (typeof atMs !== 'number' || !Number.isFinite(atMs)) return undefined
  return {
    user,
    ...(typeof asked === 'string' && { asked }),
    atMs,
    revoked,
    ...(typeof passwords === 'object' && { passwords: readFingerprints(passwords) }),
  }
}

function readFingerprints(value: object | null): Record<string, StoredFingerprint> {
  const found: [string, StoredFingerprint][] = []
  for (const [service, fingerprint] of Object.entries(value ?? {}) as [string, unknown][]) {
    if (typeof fingerprint !== 'object' || fingerprint === null) continue
    const { salt, hash } = fingerprint as Readonly<Record<string, unknown>>
    if (typeof salt === 'string' && typeof hash === 'string') found.push([service, { salt, hash }])
  }
  return Object.fromEntries(found)
}
