import type { AuthService } from '../auth/auth.ts'
import { fingerprintOf, type StoredFingerprint } from '../auth/revocations.ts'

/** Services whose logins a revocation refuses, each of which may have databases of its own. */
const SERVICES = ['imap', 'pop3', 'submission', 'sieve'] as const

/** What a worker finds out about a user who is to be revoked. */
export interface StoredFacts {
  /** As the databases name the user. */
  readonly user: string
  readonly passwords: Readonly<Record<string, StoredFingerprint>>
}

/** Asks the databases of all services for a user's stored password, and keeps what it looks like. */
export async function storedFacts(auth: AuthService, input: unknown, signal: AbortSignal): Promise<StoredFacts> {
  const name = typeof input === 'object' && input !== null && 'user' in input ? input.user : undefined
  if (typeof name !== 'string' || name === '') throw new Error('no user is named')
  const fingerprints = new Map<string, StoredFingerprint>()
  const passwords: Record<string, StoredFingerprint> = {}
  let found = name
  for (const service of SERVICES) {
    const { user, stored } = await auth.storedPassword(service, name, signal)
    found = user
    if (stored === undefined) continue
    const fingerprint = fingerprints.get(stored) ?? (await fingerprintOf(stored))
    fingerprints.set(stored, fingerprint)
    passwords[service] = fingerprint
  }
  return { user: found, passwords }
}
