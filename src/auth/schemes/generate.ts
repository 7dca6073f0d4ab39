import type { Secret } from '../../util/secret.ts'
import { type GenerateOptions, InvalidHash, type SchemeData } from './scheme.ts'
import { findScheme } from './table.ts'

/**
 * Makes a stored password, `{SCHEME}data`, as `doveadm pw` does. `scheme` may end in `.hex`, `.b64` or `.base64`. Rejects
 * with InvalidHash for an unknown scheme, impossible rounds, or DIGEST-MD5 without a user.
 */
export async function generatePassword(
  input: { readonly scheme: string; readonly password: Secret } & GenerateOptions,
): Promise<string> {
  const name = input.scheme.toUpperCase()
  const [base = '', suffix, ...more] = name.split('.')
  const scheme = findScheme(base)
  if (scheme === undefined || more.length > 0) throw new InvalidHash(`Unknown scheme: ${name}`)
  const encode = encoders.get(suffix ?? scheme.encoding)
  if (encode === undefined || suffix === 'none') throw new InvalidHash(`Unknown scheme: ${name}`)
  return `{${name}}${encode(await scheme.generate(input.password, input))}`
}

const encoders: ReadonlyMap<string, (data: SchemeData) => string> = new Map([
  ['none', (data: SchemeData) => data.toString('utf8')],
  ['hex', (data: SchemeData) => data.toString('hex')],
  ['HEX', (data: SchemeData) => data.toString('hex')],
  ['base64', (data: SchemeData) => data.toString('base64')],
  ['BASE64', (data: SchemeData) => data.toString('base64')],
  ['B64', (data: SchemeData) => data.toString('base64')],
])
