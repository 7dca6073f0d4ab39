import { randomBytes } from 'node:crypto'
import { Secret } from '../../util/secret.ts'
import type { Soon } from '../../util/soon.ts'
import { generatePassword } from './generate.ts'
import { HashUnavailable, InvalidHash } from './scheme.ts'
import { parseStoredPassword } from './stored-password.ts'
import { findScheme } from './table.ts'

export type VerifyOutcome =
  | { readonly kind: 'match' }
  | { readonly kind: 'mismatch' }
  /** Unknown scheme, or data that makes no sense: to the client a failed login, `log` to the operator. */
  | { readonly kind: 'invalid'; readonly log: string }
  /** The queue of slow hashes is full, or a library is missing: a temporary failure, no verdict about the password. */
  | { readonly kind: 'unavailable'; readonly log: string }

export interface VerifyInput {
  /** As the database holds it. */
  readonly stored: Secret | string
  /** The database's default_pass_scheme, for data without a `{SCHEME}`. */
  readonly defaultScheme: string
  readonly password: Secret
  /** The name as the client gave it: DIGEST-MD5 hashes hold it. */
  readonly user: string
}

const MATCH: VerifyOutcome = { kind: 'match' }
const MISMATCH: VerifyOutcome = { kind: 'mismatch' }

/** Compares a password with a stored one: at once where the scheme is fast. Never fails for what the database or the client says. */
export function verifyPassword({ stored, defaultScheme, password, user }: VerifyInput): Soon<VerifyOutcome> {
  const parsed = parseStoredPassword(stored, defaultScheme)
  if (parsed.kind === 'invalid') return { kind: 'invalid', log: parsed.log }
  // To C programs a password ends at a NUL, and HMAC cannot tell trailing ones: no stored password has any.
  if (password.reveal().includes(0)) return MISMATCH
  if (parsed.scheme.slow) typicalHash.set(defaultScheme.toUpperCase(), stored)
  else if (!metFast.has(defaultScheme)) metFast.add(defaultScheme)
  try {
    const verified = parsed.scheme.verify(parsed.data, password, user)
    return verified instanceof Promise ? verified.then(outcomeOf, outcomeOfFault) : outcomeOf(verified)
  } catch (error) {
    return outcomeOfFault(error)
  }
}

function outcomeOf(isRight: boolean): VerifyOutcome {
  return isRight ? MATCH : MISMATCH
}

function outcomeOfFault(error: unknown): VerifyOutcome {
  if (error instanceof InvalidHash) return { kind: 'invalid', log: `Invalid password in passdb: ${error.message}` }
  if (error instanceof HashUnavailable) return { kind: 'unavailable', log: error.message }
  throw error
}

/** The slow hash last met with each default scheme: what the next verification will most likely cost. */
const typicalHash = new Map<string, Secret | string | Promise<string>>()
/** Default schemes whose databases hold other, fast hashes. */
const metFast = new Set<string>()

/**
 * Costs about what verifying a known user's password costs, and tells nothing. For names that are not in the database, so
 * that the time of the answer does not give them away. `unavailable` when a real verification would be, too.
 */
export async function verifyDummy(input: {
  readonly defaultScheme: string
  readonly password: Secret
}): Promise<VerifyOutcome> {
  const { defaultScheme, password } = input
  const scheme = findScheme(defaultScheme)
  const key = defaultScheme.toUpperCase()
  let typical = typicalHash.get(key)
  if (typical === undefined) {
    if (scheme === undefined || !scheme.slow || metFast.has(defaultScheme)) return { kind: 'mismatch' }
    typical = generatePassword({ scheme: defaultScheme, password: new Secret(randomBytes(16).toString('hex')) })
    typicalHash.set(key, typical)
  }
  const outcome = await verifyPassword({ stored: await typical, defaultScheme, password, user: '' })
  return outcome.kind === 'unavailable' ? outcome : { kind: 'mismatch' }
}
