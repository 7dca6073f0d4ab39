import { timingSafeEqual } from 'node:crypto'
import { type Directives, parseDirectives, quote, single } from './digest-directives.ts'
import { DigestMd5Client } from './digest-md5-client.ts'
import { type DigestInputs, proof, userHash } from './digest-md5-hash.ts'
import { type SaslCredentials, SaslError, type SaslMechanism, type SaslServerIo } from './mechanism.ts'
import { identityOf, readName, serve } from './server-dialogue.ts'

/** DIGEST-MD5. RFC 2831, authentication only (qop=auth), no subsequent authentication. Strings are byte strings. */
export const digestMd5: SaslMechanism = {
  name: 'DIGEST-MD5',
  plaintext: false,
  needs: 'credentials',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      const nonce = io.randomBytes(16).toString('base64')
      const response = parseResponse(await dialogue.ask(challengeText(io, nonce)), nonce, io.realms)
      const authzid = readName(Buffer.from(response.authzid ?? '', 'latin1'))
      dialogue.identity = identityOf(readName(Buffer.from(response.user, 'latin1')), authzid)
      const found = await auth.lookupCredentials(dialogue.identity, ['DIGEST-MD5', 'PLAIN'])
      if (found.kind === 'refused') return found.verdict
      const secret = secretOf(found.credentials, response)
      if (secret === undefined) return await auth.reject(dialogue.identity, 'wrong-proof', 'invalid credentials length')
      const expected = Buffer.from(proof(secret, response, 'AUTHENTICATE'))
      const isRight = timingSafeEqual(expected, Buffer.from(response.response, 'latin1'))
      if (!isRight) return await auth.reject(dialogue.identity, 'wrong-proof')
      const verdict = await auth.accept(dialogue.identity)
      if (auth.isSuccess(verdict)) await io.finish(Buffer.from(`rspauth=${proof(secret, response, '')}`))
      return verdict
    }),
  client: (credentials) => new DigestMd5Client(credentials),
}

function challengeText(io: SaslServerIo, nonce: string): string {
  const realms = io.realms.length === 0 ? [''] : io.realms
  const realmText = realms.map((realm) => `realm=${quote(realm)},`).join('')
  return `${realmText}nonce="${nonce}",qop="auth",charset="utf-8",algorithm="md5-sess"`
}

interface DigestResponse extends DigestInputs {
  /** With the realm, when it has no domain of its own. */
  readonly user: string
  readonly username: string
  readonly realm: string
  readonly response: string
}

function parseResponse(message: Buffer, nonce: string, realms: readonly string[]): DigestResponse {
  if (message.length === 0) throw new SaslError('Client sent no input')
  const directives = parseDirectives(message)
  checkFixedValues(directives, nonce)
  const username = required(directives, 'username')
  const realm = directives.find(([key, value]) => key === 'realm' && value !== '')?.[1] ?? ''
  const isKnown = realms.length === 0 || realms.some((known) => Buffer.from(known).toString('latin1') === realm)
  if (realm !== '' && !isKnown) throw new SaslError('Invalid realm')
  const response = required(directives, 'response')
  if (response.length !== 32) throw new SaslError('Invalid response value')
  const uri = single(directives, 'digest-uri') ?? ''
  if (uri !== '' && !uri.includes('/')) throw new SaslError('Invalid digest-uri')
  const authzid = single(directives, 'authzid')
  if (authzid === '') throw new SaslError('empty authzid')
  return {
    nonce,
    cnonce: required(directives, 'cnonce'),
    nonceCount: single(directives, 'nc') ?? '00000001',
    qop: single(directives, 'qop') ?? 'auth',
    uri,
    authzid,
    username,
    realm,
    user: realm === '' || username.includes('@') ? username : `${username}@${realm}`,
    response,
  }
}

function checkFixedValues(directives: Directives, nonce: string): void {
  if (required(directives, 'nonce') !== nonce) throw new SaslError('Invalid nonce')
  const count = single(directives, 'nc') ?? '1'
  if (!/^\d{1,10}$/.test(count)) throw new SaslError('nonce-count value invalid')
  if (Number(count) !== 1) throw new SaslError('re-auth not supported currently')
  const qop = (single(directives, 'qop') ?? 'auth').toLowerCase()
  if (qop !== 'auth') throw new SaslError('Nonallowed QoP requested')
  const charset = (single(directives, 'charset') ?? 'utf-8').toLowerCase()
  if (charset !== 'utf-8') throw new SaslError('Only utf-8 charset is allowed')
}

function required(directives: Directives, key: string): string {
  const value = single(directives, key)
  if (value === undefined || value === '') throw new SaslError(`Missing ${key} parameter`)
  return value
}

/** H(username:realm:password), which is also what the scheme DIGEST-MD5 stores. */
function secretOf({ scheme, text }: SaslCredentials, { username, realm }: DigestResponse): Buffer | undefined {
  if (scheme === 'PLAIN') return userHash(username, realm, Buffer.from(text))
  const stored = Buffer.from(text, 'hex')
  return stored.length === 16 ? stored : undefined
}
