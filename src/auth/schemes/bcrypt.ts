import { hash, verify } from '@node-rs/bcrypt'
import { hashQueue } from './hash-queue.ts'
import { openLibcrypt } from './libcrypt.ts'
import { HASH_LIMITS } from './limits.ts'
import { HashUnavailable, InvalidHash } from './scheme.ts'

const DEFAULT_COST = 5
const MIN_COST = 4

/** True for what Dovecot treats as bcrypt: `$2x$` with any letter. */
export function isBcrypt(stored: string): boolean {
  return /^\$2[a-z]\$/.test(stored)
}

/** Verifies `$2a$`, `$2b$`, `$2y$`, and `$2x$` (a historic error with 8-bit passwords, which only libcrypt still makes). */
export async function verifyBcrypt(stored: string, password: Buffer): Promise<boolean> {
  const [, letter, cost] = /^\$2([abxy])\$(\d\d)\$[./A-Za-z0-9]{22}/.exec(stored) ?? []
  if (letter === undefined || Number(cost) < MIN_COST || Number(cost) > 31) {
    throw new InvalidHash('crypt_blowfish_rn failed: Invalid argument')
  }
  checkCost(Number(cost))
  // A hash that was cut off, in a column too narrow for it.
  if (stored.length !== 60) return false
  if (letter === 'x' && password.some((byte) => byte > 0x7f)) return await verifyOldBcrypt(stored, password)
  return await hashQueue.run(() => verify(password, `$2y${stored.slice(3)}`))
}

async function verifyOldBcrypt(stored: string, password: Buffer): Promise<boolean> {
  const libcrypt = await openLibcrypt()
  if (libcrypt === undefined) throw new HashUnavailable('$2x$ passwords need libcrypt and the npm package koffi')
  return await hashQueue.run(async () => (await libcrypt.cryptAsync(password, stored)) === stored)
}

/** A new `$2y$` hash. */
export async function generateBcrypt(password: Buffer, rounds = 0): Promise<string> {
  const cost = rounds === 0 ? DEFAULT_COST : Math.max(rounds, MIN_COST)
  checkCost(cost)
  const text = await hashQueue.run(() => hash(password, cost))
  return `$2y${text.slice(3)}`
}

function checkCost(cost: number): void {
  if (cost <= HASH_LIMITS.bcryptCost) return
  throw new InvalidHash(`bcrypt cost ${cost} is above the limit of ${HASH_LIMITS.bcryptCost}`)
}
