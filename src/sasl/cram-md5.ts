import { createHmac, timingSafeEqual } from 'node:crypto'
import { CRAM_MD5_BYTES, hmacMd5FromStates, hmacMd5States } from './cram-md5-states.ts'
import {
  type SaslClient,
  type SaslClientCredentials,
  type SaslCredentials,
  type SaslMechanism,
  type SaslServerIo,
  SaslError,
} from './mechanism.ts'
import { readName, serve } from './server-dialogue.ts'

/** CRAM-MD5. RFC 2195: HMAC-MD5 of a challenge with the password as key. */
export const cramMd5: SaslMechanism = {
  name: 'CRAM-MD5',
  plaintext: false,
  needs: 'credentials',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      const challenge = newChallenge(io)
      // The server speaks first: an initial response has no meaning.
      const { name, digest } = parse(await dialogue.ask(challenge))
      dialogue.identity = { authcid: readName(name) }
      const found = await auth.lookupCredentials(dialogue.identity, ['CRAM-MD5', 'PLAIN'])
      if (found.kind === 'refused') return found.verdict
      const states = statesOf(found.credentials)
      if (states === undefined) return await auth.reject(dialogue.identity, 'wrong-proof', 'invalid credentials length')
      const expected = Buffer.from(hmacMd5FromStates(states, challenge).toString('hex'))
      const isRight = digest.length === expected.length && timingSafeEqual(digest, expected)
      return isRight ? await auth.accept(dialogue.identity) : await auth.reject(dialogue.identity, 'wrong-proof')
    }),
  client: (credentials) => new CramMd5Client(credentials),
}

/** `<16 digits.unix time@host>`, as Dovecot writes it. */
function newChallenge(io: SaslServerIo): Buffer {
  const digits = [...io.randomBytes(16)].map((byte) => byte % 10).join('')
  return Buffer.from(`<${digits}.${Math.floor(io.now() / 1000)}@${io.hostname}>`)
}

/** `user SP hex`; the user may hold blanks, so the last one counts. */
function parse(message: Buffer): { readonly name: Buffer; readonly digest: Buffer } {
  if (message.includes(0)) throw new SaslError('NULs in response')
  const space = message.lastIndexOf(0x20)
  if (space <= 0) throw new SaslError('missing digest')
  return { name: message.subarray(0, space), digest: message.subarray(space + 1) }
}

function statesOf({ scheme, text }: SaslCredentials): Buffer | undefined {
  const states = scheme === 'PLAIN' ? hmacMd5States(Buffer.from(text)) : Buffer.from(text, 'hex')
  return states.length === CRAM_MD5_BYTES ? states : undefined
}

class CramMd5Client implements SaslClient {
  readonly failureDetail = undefined
  readonly #credentials: SaslClientCredentials
  #answered = false

  constructor(credentials: SaslClientCredentials) {
    this.#credentials = credentials
  }

  initial(): undefined {
    return undefined
  }

  respond(challenge: Buffer): Buffer {
    if (this.#answered || challenge.length === 0) throw new SaslError('Invalid CRAM-MD5 challenge')
    this.#answered = true
    const { authcid, secret } = this.#credentials
    return Buffer.from(`${authcid} ${createHmac('md5', secret.reveal()).update(challenge).digest('hex')}`)
  }

  finish(): void {}
}
