import { createHash, createHmac, pbkdf2, pbkdf2Sync } from 'node:crypto'
import { promisify } from 'node:util'

const pbkdf2Async = promisify(pbkdf2)

/** Keys of SCRAM (RFC 5802 §3) and the text in which Dovecot stores them. */
export type ScramHash = 'sha1' | 'sha256'

export interface ScramKeys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** What a server keeps instead of the password. */
export interface ScramVerifier {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** The stored text is no verifier; `message` is Dovecot's text. */
export class InvalidScramVerifier extends Error {
  override readonly name = 'InvalidScramVerifier'
}

/** RFC 5802 §5.1: servers should ask for at least this many. */
export const MIN_SCRAM_ITERATIONS = 4096

/** Derives the keys from a password, on a thread. The password is not SASLprepped: Dovecot does not either. */
export async function deriveScramKeys(
  hash: ScramHash,
  password: Buffer,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  return keysFrom(hash, await pbkdf2Async(password, salt, iterations, digestBytes(hash), hash))
}

/** The same at once: for a client, which limits the iterations. */
export function deriveScramKeysSync(hash: ScramHash, password: Buffer, salt: Buffer, iterations: number): ScramKeys {
  return keysFrom(hash, pbkdf2Sync(password, salt, iterations, digestBytes(hash), hash))
}

function keysFrom(hash: ScramHash, salted: Buffer): ScramKeys {
  const clientKey = hmac(hash, salted, 'Client Key')
  return { clientKey, storedKey: digest(hash, clientKey), serverKey: hmac(hash, salted, 'Server Key') }
}

export function parseScramVerifier(text: string, hash: ScramHash): ScramVerifier {
  const name = `SCRAM-SHA-${hash === 'sha1' ? '1' : '256'}`
  const fields = text.split(',')
  const [iterations = '', salt = '', storedKey = '', serverKey = ''] = fields
  if (fields.length !== 4) throw new InvalidScramVerifier(`Invalid ${name} passdb entry format`)
  const count = /^\d{1,10}$/.test(iterations) ? Number(iterations) : 0
  if (count < MIN_SCRAM_ITERATIONS || count > 2 ** 31 - 1)
    throw new InvalidScramVerifier(`Invalid ${name} iteration count in passdb`)
  const keys = { storedKey: Buffer.from(storedKey, 'base64'), serverKey: Buffer.from(serverKey, 'base64') }
  if (keys.storedKey.length !== digestBytes(hash)) throw new InvalidScramVerifier(`Invalid ${name} StoredKey in passdb`)
  if (keys.serverKey.length !== digestBytes(hash)) throw new InvalidScramVerifier(`Invalid ${name} ServerKey in passdb`)
  return { iterations: count, salt: Buffer.from(salt, 'base64'), ...keys }
}

export function formatScramVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  return `${iterations},${salt.toString('base64')},${storedKey.toString('base64')},${serverKey.toString('base64')}`
}

export function hmac(hash: ScramHash, key: Buffer, data: string | Buffer): Buffer {
  return createHmac(hash, key).update(data).digest()
}

export function digest(hash: ScramHash, data: Buffer): Buffer {
  return createHash(hash).update(data).digest()
}

export function digestBytes(hash: ScramHash): number {
  return hash === 'sha1' ? 20 : 32
}
