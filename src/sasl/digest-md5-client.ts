import { type Directives, parseDirectives, quote, single } from './digest-directives.ts'
import { type DigestInputs, proof, userHash } from './digest-md5-hash.ts'
import { type SaslClient, type SaslClientCredentials, SaslError } from './mechanism.ts'

/** The client half of DIGEST-MD5. RFC 2831 §2.1.2. */
export class DigestMd5Client implements SaslClient {
  readonly failureDetail = undefined
  readonly #credentials: SaslClientCredentials
  #expected: string | undefined
  #proven = false

  constructor(credentials: SaslClientCredentials) {
    this.#credentials = credentials
  }

  initial(): undefined {
    return undefined
  }

  respond(challenge: Buffer): Buffer {
    if (this.#expected === undefined) return this.#answer(challenge)
    this.#check(challenge)
    return Buffer.alloc(0)
  }

  finish(data: Buffer | undefined): void {
    if (data !== undefined && data.length > 0) this.#check(data)
    if (!this.#proven) throw new SaslError('Server did not prove that it knows the password')
  }

  #answer(challenge: Buffer): Buffer {
    const directives = parseDirectives(challenge)
    const nonce = single(directives, 'nonce') ?? ''
    if (nonce === '') throw new SaslError('Invalid DIGEST-MD5 challenge')
    const qops = (single(directives, 'qop') ?? 'auth').toLowerCase().split(/[ \t]*,[ \t]*/)
    if (!qops.includes('auth')) throw new SaslError('Server offers no qop=auth')
    const { authcid, authzid, secret, randomBytes, service = 'imap', hostname = '' } = this.#credentials
    const { username, realm } = chooseRealm(bytes(authcid), directives)
    const inputs: DigestInputs = {
      nonce,
      cnonce: randomBytes(16).toString('base64'),
      nonceCount: '00000001',
      qop: 'auth',
      uri: `${service}/${hostname}`,
      authzid: authzid === authcid ? undefined : bytes(authzid),
    }
    const hash = userHash(username, realm ?? '', secret.reveal())
    this.#expected = `rspauth=${proof(hash, inputs, '')}`
    return Buffer.from(response(inputs, username, realm, proof(hash, inputs, 'AUTHENTICATE')), 'latin1')
  }

  #check(data: Buffer): void {
    if (this.#proven || data.toString('latin1') !== this.#expected) throw new SaslError('Server signature is wrong')
    this.#proven = true
  }
}

function response(inputs: DigestInputs, username: string, realm: string | undefined, proofHex: string): string {
  const { nonce, cnonce, nonceCount, uri, authzid } = inputs
  const parts = [
    'charset=utf-8',
    `username=${quote(username)}`,
    ...(realm === undefined ? [] : [`realm=${quote(realm)}`]),
    `nonce=${quote(nonce)}`,
    `cnonce=${quote(cnonce)}`,
    `nc=${nonceCount}`,
    'qop=auth',
    `digest-uri=${quote(uri)}`,
    `response=${proofHex}`,
    ...(authzid === undefined ? [] : [`authzid=${quote(authzid)}`]),
  ]
  return parts.join(',')
}

/** The realm that the name's domain names, if the server offers it; otherwise the first. */
function chooseRealm(
  name: string,
  directives: Directives,
): { readonly username: string; readonly realm: string | undefined } {
  const realms = directives.filter(([key]) => key === 'realm').map(([, value]) => value)
  const at = name.indexOf('@')
  const domain = at < 0 ? '' : name.slice(at + 1)
  if (domain !== '' && realms.includes(domain)) return { username: name.slice(0, at), realm: domain }
  return { username: name, realm: realms[0] }
}

/** UTF-8 as a byte string. */
function bytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}
