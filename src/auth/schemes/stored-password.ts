import { Secret } from '../../util/secret.ts'
import { decodeData } from './encoding.ts'
import { HASH_LIMITS } from './limits.ts'
import type { PasswordScheme, SchemeData } from './scheme.ts'
import { findScheme } from './table.ts'

/** A password as a database holds it: `{SCHEME}data`, or data in the database's default scheme. */
export type StoredPassword =
  | { readonly kind: 'parsed'; readonly scheme: PasswordScheme; readonly data: SchemeData }
  /** `why` is the same without the scheme's name, as `doveadm pw` says it. */
  | { readonly kind: 'invalid'; readonly log: string; readonly why: string }

/** Splits prefix and data and decodes the data. The log texts are Dovecot's and never hold the data. */
export function parseStoredPassword(stored: Secret | string, defaultScheme: string): StoredPassword {
  const bytes = (typeof stored === 'string' ? new Secret(stored) : stored).reveal()
  if (bytes.length > HASH_LIMITS.storedBytes) {
    const why = `Stored password is longer than ${HASH_LIMITS.storedBytes} bytes`
    return { kind: 'invalid', log: why, why }
  }
  const { schemeName, text } = splitPrefix(bytes.toString('latin1'), defaultScheme)
  const [name = '', suffix, ...more] = schemeName.split('.')
  const scheme = findScheme(name)
  const encoding = scheme === undefined || more.length > 0 ? undefined : encodingOf(scheme, suffix)
  if (scheme === undefined || encoding === undefined)
    return { kind: 'invalid', log: `Unknown scheme ${schemeName}`, why: 'Unknown scheme' }
  const data = decodeData(text, encoding, scheme.rawBytes)
  if (typeof data !== 'string') return { kind: 'parsed', scheme, data }
  return { kind: 'invalid', log: `Password data is not valid for scheme ${schemeName}: ${data}`, why: data }
}

/** The scheme named by a prefix, if the text has one: `{SCHEME}` or MD5 crypt's own. */
export function splitPrefix(
  text: string,
  defaultScheme: string,
): { readonly schemeName: string; readonly text: string } {
  // What follows a further $ is ignored.
  const md5Crypt = /^\$1\$[^$]*\$[^$]*/.exec(text)?.[0]
  if (md5Crypt !== undefined) return { schemeName: 'MD5-CRYPT', text: md5Crypt }
  const end = text.startsWith('{') ? text.indexOf('}') : -1
  // An opening brace without a closing one belongs to the password.
  if (end < 0) return { schemeName: defaultScheme, text }
  return { schemeName: text.slice(1, end), text: text.slice(end + 1) }
}

type Encoding = Parameters<typeof decodeData>[1]

/** Without a suffix, hex and base64 of schemes with a fixed length are told apart by the length. */
function encodingOf(scheme: PasswordScheme, suffix: string | undefined): Encoding | undefined {
  if (suffix === undefined) return scheme.rawBytes === undefined ? scheme.encoding : 'guess'
  return suffixes.get(suffix.toLowerCase())
}

const suffixes: ReadonlyMap<string, 'hex' | 'base64'> = new Map([
  ['hex', 'hex'],
  ['b64', 'base64'],
  ['base64', 'base64'],
])
