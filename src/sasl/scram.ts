import { timingSafeEqual } from 'node:crypto'
import { type SaslCredentials, SaslError, type SaslMechanism, type SaslServerIo } from './mechanism.ts'
import { ScramClient } from './scram-client.ts'
import {
  deriveScramKeys,
  digest,
  digestBytes,
  hmac,
  InvalidScramVerifier,
  MIN_SCRAM_ITERATIONS,
  parseScramVerifier,
  type ScramHash,
  type ScramVerifier,
} from './scram-keys.ts'
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-message.ts'
import { identityOf, readName, serve, type ServerDialogue } from './server-dialogue.ts'

/** SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677); -PLUS binds the login to its TLS connection. */
export const scramMechanisms: readonly SaslMechanism[] = [
  scram('SCRAM-SHA-1', 'sha1'),
  scram('SCRAM-SHA-256', 'sha256'),
  { ...scram('SCRAM-SHA-1-PLUS', 'sha1'), bindsChannel: true },
  { ...scram('SCRAM-SHA-256-PLUS', 'sha256'), bindsChannel: true },
]

const NONCE_BYTES = 18
const SALT_BYTES = 16

function scram(name: string, hash: ScramHash): SaslMechanism {
  const isPlus = name.endsWith('-PLUS')
  // What users here are like, for those who are none.
  let typical: TypicalUser = { storesPassword: false, iterations: MIN_SCRAM_ITERATIONS }
  const scheme = hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256'
  return {
    name,
    plaintext: false,
    needs: 'credentials',
    listed: true,
    authenticate: (io, auth) =>
      serve(io, auth, async (dialogue) => {
        const first = parseClientFirst(await dialogue.first())
        const binding = bindingData(io, first, isPlus)
        dialogue.identity = identityOf(readName(bytes(first.username)), readName(bytes(first.authzid)))
        const found = await auth.lookupCredentials(dialogue.identity, [scheme, 'PLAIN'])
        if (found.kind === 'refused') {
          if (found.decoySalt === undefined) return found.verdict
          const verifier = await decoyOf(typical, found.decoySalt, hash, io)
          await converse(dialogue, io, { hash, first, binding, verifier })
          return found.verdict
        }
        const verifier = await verifierOf(found.credentials, hash, io)
        if (typeof verifier === 'string') return await auth.reject(dialogue.identity, 'wrong-proof', verifier)
        typical = { storesPassword: found.credentials.scheme === 'PLAIN', iterations: verifier.iterations }
        const signature = await converse(dialogue, io, { hash, first, binding, verifier })
        if (signature === undefined) return await auth.reject(dialogue.identity, 'wrong-proof')
        const verdict = await auth.accept(dialogue.identity)
        if (auth.isSuccess(verdict)) await io.finish(Buffer.from(`v=${signature.toString('base64')}`))
        return verdict
      }),
    client: (credentials) => new ScramClient(credentials, hash, isPlus),
  }
}

/** The data that the client must have bound to; throws when its idea of channel binding does not fit. RFC 5802 §6. */
function bindingData(io: SaslServerIo, { binding }: ClientFirst, isPlus: boolean): Buffer {
  if (typeof binding === 'string') {
    if (isPlus) throw new SaslError('Channel binding required')
    if (binding === 'y' && io.channelBindingListed === true)
      throw new SaslError('Channel binding was listed, but the client did not see it')
    return Buffer.alloc(0)
  }
  if (!isPlus) throw new SaslError('Channel binding not supported')
  const data = io.channelBinding(binding.type)
  if (data === undefined) throw new SaslError(`Channel binding type ${binding.type} not supported`)
  return data
}

/** From a password with a fresh salt, or as stored; a string says why it cannot be used. */
async function verifierOf(
  { scheme, text }: SaslCredentials,
  hash: ScramHash,
  io: SaslServerIo,
): Promise<ScramVerifier | string> {
  if (scheme === 'PLAIN') {
    const salt = io.randomBytes(SALT_BYTES)
    const keys = await deriveScramKeys(hash, Buffer.from(text), salt, MIN_SCRAM_ITERATIONS)
    return { ...keys, salt, iterations: MIN_SCRAM_ITERATIONS }
  }
  try {
    return parseScramVerifier(text, hash)
  } catch (error) {
    if (error instanceof InvalidScramVerifier) return error.message
    throw error
  }
}

interface TypicalUser {
  /** The password itself is stored, so that each login has a salt of its own. */
  readonly storesPassword: boolean
  readonly iterations: number
}

/** A verifier that no password fits, made like those of users that exist. */
async function decoyOf(
  { storesPassword, iterations }: TypicalUser,
  salt: Buffer,
  hash: ScramHash,
  io: SaslServerIo,
): Promise<ScramVerifier> {
  const key = io.randomBytes(digestBytes(hash))
  if (!storesPassword) return { storedKey: key, serverKey: key, salt: salt.subarray(0, SALT_BYTES), iterations }
  const fresh = io.randomBytes(SALT_BYTES)
  return { ...(await deriveScramKeys(hash, key, fresh, iterations)), salt: fresh, iterations }
}

interface Exchange {
  readonly hash: ScramHash
  readonly first: ClientFirst
  readonly binding: Buffer
  readonly verifier: ScramVerifier
}

/** Challenges the client; the server's signature when the client proved the password. */
async function converse(dialogue: ServerDialogue, io: SaslServerIo, exchange: Exchange): Promise<Buffer | undefined> {
  const { hash, first, binding, verifier } = exchange
  const nonce = `${first.nonce}${io.randomBytes(NONCE_BYTES).toString('base64')}`
  const serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`
  const final = parseClientFinal(await dialogue.ask(serverFirst))
  const expectedBinding = Buffer.concat([bytes(first.gs2Header), binding])
  if (!final.channelBinding.equals(expectedBinding)) throw new SaslError('Invalid channel binding data')
  if (final.nonce !== nonce) throw new SaslError('Wrong nonce')
  if (final.proof.length !== digestBytes(hash)) throw new SaslError('Invalid ClientProof length')
  const authMessage = bytes(`${first.bare},${serverFirst},${final.withoutProof}`)
  const clientSignature = hmac(hash, verifier.storedKey, authMessage)
  const clientKey = Buffer.from(final.proof.map((byte, i) => byte ^ (clientSignature[i] ?? 0)))
  const isRight = timingSafeEqual(digest(hash, clientKey), verifier.storedKey)
  return isRight ? hmac(hash, verifier.serverKey, authMessage) : undefined
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
