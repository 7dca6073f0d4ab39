import type { SaslCredentials } from '../../sasl/mechanism.ts'
import type { Secret } from '../../util/secret.ts'
import type { PasswordScheme, SchemeData } from './scheme.ts'
import { parseStoredPassword } from './stored-password.ts'

/** Whether a stored password can serve a challenge mechanism. */
export type CredentialsDecision =
  | { readonly kind: 'found'; readonly credentials: SaslCredentials }
  /** An error is a stored password that makes no sense. */
  | { readonly kind: 'unusable'; readonly level: 'info' | 'error'; readonly log: string }

/**
 * Credentials in the first of the wanted schemes that the stored password is in. A plaintext password serves every
 * mechanism and is returned as scheme PLAIN, whether or not it was asked for.
 */
export function decideCredentials(
  stored: Secret | string,
  defaultScheme: string,
  wantedSchemes: readonly string[],
): CredentialsDecision {
  const parsed = parseStoredPassword(stored, defaultScheme)
  if (parsed.kind === 'invalid') return { kind: 'unusable', level: 'error', log: parsed.log }
  const actual = canonicalName(parsed.scheme)
  const wanted = wantedSchemes.map((name) => name.toUpperCase())
  if (actual === 'PLAIN' || wanted.includes(actual)) {
    return { kind: 'found', credentials: { scheme: actual, text: textOf(parsed.scheme, parsed.data) } }
  }
  const log = `Requested ${wanted[0] ?? ''} scheme, but we have only ${parsed.scheme.name}`
  return { kind: 'unusable', level: 'info', log }
}

/** The credentials of `decideCredentials`, where the reason for having none does not matter. */
export function credentialsFor(
  stored: Secret | string,
  defaultScheme: string,
  wantedSchemes: readonly string[],
): SaslCredentials | undefined {
  const decision = decideCredentials(stored, defaultScheme, wantedSchemes)
  return decision.kind === 'found' ? decision.credentials : undefined
}

/** Some schemes are others under a second name. */
function canonicalName({ name }: PasswordScheme): string {
  if (name === 'CLEAR' || name === 'CLEARTEXT') return 'PLAIN'
  return name === 'HMAC-MD5' ? 'CRAM-MD5' : name
}

/** Digests in hex, whatever encoding they were stored in; texts as they are. */
function textOf(scheme: PasswordScheme, data: SchemeData): string {
  return data.toString(scheme.encoding === 'none' ? 'utf8' : 'hex')
}
