// Tokens that are JWTs (RFC 7519), checked here without asking anybody. The rules and their order are Dovecot's.
import type { JWTHeaderParameters } from 'jose'
import { ALGORITHMS, type KeyOutcome } from './keys.ts'
import type { Oauth2Settings } from './settings.ts'
import { parseTokenData, type TokenData, type TokenOutcome } from './token-data.ts'

export interface JwtRules {
  readonly settings: Pick<Oauth2Settings, 'client_id' | 'scope' | 'issuers'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly findKey: (azp: string, issuer: string, header: JWTHeaderParameters & { kid: string }) => Promise<KeyOutcome>
}

/** Three parts in base64url: everything else is opaque and is for the server that made it. */
export function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}

/** Checks times, issuer, audience, scope and, last, the signature. */
export async function validateJwt(token: string, rules: JwtRules): Promise<TokenOutcome> {
  const [head = '', body = ''] = token.split('.')
  const header = parseTokenData(decode(head))
  const data = parseTokenData(decode(body))
  if (header === undefined || data === undefined) return invalid('token is not JSON')
  const alg = header.get('alg') ?? ''
  if (!ALGORITHMS.has(alg)) return invalid(alg === '' ? "Cannot find 'alg' field" : `unsupported algorithm '${alg}'`)
  const fault = timeFault(data, rules.now() / 1000) ?? claimFault(data, rules.settings)
  if (fault !== undefined) return invalid(fault)
  const kid = header.get('kid')
  if (kid === '') return invalid("'kid' field is empty")
  const named = { alg, kid: kid ?? 'default' }
  const key = await rules.findKey(data.get('azp') ?? 'default', data.get('iss') ?? '', named)
  if (key.kind === 'failed') return key
  if (key.kind === 'missing') return invalid(key.log)
  const { compactVerify, errors } = await import('jose')
  try {
    await compactVerify(token, key.key, { algorithms: [alg] })
    return { kind: 'valid', data }
  } catch (error) {
    // jose throws TypeErrors for keys that do not fit the algorithm.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return invalid(error.message)
    throw error
  }
}

function invalid(log: string): TokenOutcome {
  return { kind: 'invalid', log }
}

function decode(part: string): string {
  return Buffer.from(part, 'base64url').toString('utf8')
}

function timeFault(data: TokenData, nowSecs: number): string | undefined {
  const times = new Map<string, number>()
  for (const name of ['exp', 'nbf', 'iat']) {
    const text = data.get(name)
    if (text === undefined) continue
    const value = Number(text)
    if (text === '' || !Number.isFinite(value)) return `Malformed '${name}' field`
    times.set(name, value)
  }
  const expires = times.get('exp')
  if (expires === undefined) return "Missing 'exp' field"
  // RFC 7519 §4.1.5: a second of grace for clocks that round.
  const begins = times.get('nbf') ?? 0
  const issued = times.get('iat') ?? 0
  if (begins > nowSecs + 1) return 'Token is not valid yet'
  if (issued > nowSecs + 1) return 'Token is issued in future'
  if (expires < nowSecs) return 'Token has expired'
  return expires < begins || expires < issued ? 'Token time values are conflicting' : undefined
}

function claimFault(data: TokenData, { issuers, client_id: client }: JwtRules['settings']): string | undefined {
  const issuer = data.get('iss') ?? ''
  const allowed = issuers.split(' ').filter((word) => word !== '')
  if (allowed.length > 0 && issuer === '') return "Token is missing 'iss' field"
  if (allowed.length > 0 && !allowed.includes(issuer)) return `Issuer '${issuer}' is not allowed`
  if (client === '') return undefined
  const audience = data.get('aud') ?? ''
  if (audience === '') return 'client_id set but aud is missing'
  return audience.split(' ').includes(client) ? undefined : 'client_id does not match aud'
}
