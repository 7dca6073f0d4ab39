import { randomBytes, timingSafeEqual } from 'node:crypto'
import {
  deriveScramKeys,
  formatScramVerifier,
  InvalidScramVerifier,
  parseScramVerifier,
  type ScramHash,
} from '../../sasl/scram-keys.ts'
import { hashQueue } from './hash-queue.ts'
import { HASH_LIMITS } from './limits.ts'
import { InvalidHash, type PasswordScheme } from './scheme.ts'

/** What Dovecot generates whatever `-r` says. */
const NEW_ITERATIONS = 4096
const NEW_SALT_BYTES = 16

/** SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677): `iterations,salt,StoredKey,ServerKey`. Passwords are not SASLprepped. */
export const scramSchemes: readonly PasswordScheme[] = [
  scramScheme('SCRAM-SHA-1', 'sha1'),
  scramScheme('SCRAM-SHA-256', 'sha256'),
]

function scramScheme(name: string, hash: ScramHash): PasswordScheme {
  return {
    name,
    encoding: 'none',
    slow: true,
    async verify(stored, password) {
      const verifier = parse(stored, hash)
      if (verifier.iterations > HASH_LIMITS.pbkdf2Rounds) {
        throw new InvalidHash(
          `${name} needs ${verifier.iterations} iterations, the limit is ${HASH_LIMITS.pbkdf2Rounds}`,
        )
      }
      const keys = await hashQueue.run(() =>
        deriveScramKeys(hash, password.reveal(), verifier.salt, verifier.iterations),
      )
      return timingSafeEqual(keys.storedKey, verifier.storedKey)
    },
    async generate(password) {
      const salt = randomBytes(NEW_SALT_BYTES)
      const keys = await hashQueue.run(() => deriveScramKeys(hash, password.reveal(), salt, NEW_ITERATIONS))
      return Buffer.from(formatScramVerifier({ ...keys, salt, iterations: NEW_ITERATIONS }))
    },
  }
}

function parse(stored: Buffer, hash: ScramHash): ReturnType<typeof parseScramVerifier> {
  try {
    return parseScramVerifier(stored.toString('latin1'), hash)
  } catch (error) {
    throw error instanceof InvalidScramVerifier ? new InvalidHash(error.message) : error
  }
}
