import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { cryptSalt } from './crypt-text.ts'
import { hashQueue } from './hash-queue.ts'
import { HASH_LIMITS } from './limits.ts'
import { InvalidHash, type PasswordScheme } from './scheme.ts'

const pbkdf2Async = promisify(pbkdf2)

const HASH_BYTES = 20
const DEFAULT_ROUNDS = 5000

/** PBKDF2-HMAC-SHA1 (RFC 8018) as `$1$salt$rounds$hex`; the salt is the text itself, not something it encodes. */
export const pbkdf2Scheme: PasswordScheme = {
  name: 'PBKDF2',
  encoding: 'none',
  slow: true,
  async verify(stored, password) {
    const { salt, rounds, hash } = parse(stored.toString('latin1'))
    if (rounds === 0) return false
    return timingSafeEqual(await derive(password.reveal(), salt, rounds), hash)
  },
  async generate(password, options) {
    const salt = cryptSalt(16)
    const rounds = options.rounds === undefined || options.rounds === 0 ? DEFAULT_ROUNDS : options.rounds
    const hash = await derive(password.reveal(), salt, rounds)
    return Buffer.from(`$1$${salt}$${rounds}$${hash.toString('hex')}`)
  },
}

function parse(text: string): { readonly salt: string; readonly rounds: number; readonly hash: Buffer } {
  if (!text.startsWith('$1$')) throw new InvalidHash('Invalid PBKDF2 passdb entry prefix')
  const [salt = '', rounds = '', hex = '', ...more] = text.slice(3).split('$')
  if (more.length > 0 || hex === '' || !/^\d{1,10}$/.test(rounds))
    throw new InvalidHash('Invalid PBKDF2 passdb entry format')
  if (hex.length !== HASH_BYTES * 2 || !/^[0-9a-fA-F]+$/.test(hex))
    throw new InvalidHash('PBKDF2 hash not 160bit hex-encoded')
  return { salt, rounds: Number(rounds), hash: Buffer.from(hex, 'hex') }
}

async function derive(password: Buffer, salt: string, rounds: number): Promise<Buffer> {
  if (rounds > HASH_LIMITS.pbkdf2Rounds) {
    throw new InvalidHash(`PBKDF2 needs ${rounds} rounds, the limit is ${HASH_LIMITS.pbkdf2Rounds}`)
  }
  return await hashQueue.run(() => pbkdf2Async(password, Buffer.from(salt, 'latin1'), rounds, HASH_BYTES, 'sha1'))
}
