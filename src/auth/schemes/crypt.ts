import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../util/secret.ts'
import { generateBcrypt, isBcrypt, verifyBcrypt } from './bcrypt.ts'
import { canCryptByHand } from './crypt-by-hand.ts'
import { checkCryptCost, isQuickCrypt } from './crypt-cost.ts'
import { cryptSalt } from './crypt-text.ts'
import { cryptThreads } from './crypt-threads.ts'
import { decodeData } from './encoding.ts'
import { hashQueue } from './hash-queue.ts'
import { openLibcrypt } from './libcrypt.ts'
import { HASH_LIMITS } from './limits.ts'
import { type GenerateOptions, HashUnavailable, InvalidHash, type PasswordScheme } from './scheme.ts'
import { clampRounds } from './sha-crypt.ts'

/** The crypt(3) family: the prefix of the hash, not the scheme's name, says which one it is. */
export const cryptSchemes: readonly PasswordScheme[] = [
  cryptScheme('CRYPT', verifyCrypt, (password, { rounds }) => generateBcrypt(password, rounds)),
  cryptScheme('DES-CRYPT', verifyCrypt, (password) => cryptOrThrow(password, cryptSalt(2))),
  cryptScheme('SHA256-CRYPT', verifyCrypt, (password, { rounds }) => cryptOrThrow(password, shaSetting('$5$', rounds))),
  cryptScheme('SHA512-CRYPT', verifyCrypt, (password, { rounds }) => cryptOrThrow(password, shaSetting('$6$', rounds))),
  cryptScheme('BLF-CRYPT', verifyBlowfish, (password, { rounds }) => generateBcrypt(password, rounds)),
  cryptScheme('MD5-CRYPT', verifyMd5Crypt, (password) => cryptOrThrow(password, `$1$${cryptSalt(8)}$`)),
  cryptScheme('MD5', verifyMd5, (password) => cryptOrThrow(password, `$1$${cryptSalt(8)}$`)),
]

type Verify = (stored: string, password: Secret) => Promise<boolean>
type Generate = (password: Buffer, options: GenerateOptions) => Promise<string>

function cryptScheme(name: string, verify: Verify, generate: Generate): PasswordScheme {
  return {
    name,
    encoding: 'none',
    slow: true,
    verify: (stored, password) => verify(stored.toString('latin1'), password),
    generate: async (password, options) => Buffer.from(await generate(password.reveal(), options), 'latin1'),
  }
}

async function verifyCrypt(stored: string, password: Secret): Promise<boolean> {
  const bytes = password.reveal()
  if (stored === '' || stored.includes('\0')) return false
  if (isBcrypt(stored)) return await verifyBcrypt(stored, bytes)
  const computed = await crypt(bytes, stored)
  return (
    computed?.length === stored.length &&
    timingSafeEqual(Buffer.from(computed, 'latin1'), Buffer.from(stored, 'latin1'))
  )
}

async function verifyBlowfish(stored: string, password: Secret): Promise<boolean> {
  if (!isBcrypt(stored)) throw new InvalidHash('Password is not blowfish password')
  return await verifyCrypt(stored, password)
}

async function verifyMd5Crypt(stored: string, password: Secret): Promise<boolean> {
  return stored.startsWith('$1$') && (await verifyCrypt(stored, password))
}

/** MD5: `$1$` crypt, or a bare digest in hex or base64. */
async function verifyMd5(stored: string, password: Secret): Promise<boolean> {
  if (stored.startsWith('$1$')) return await verifyCrypt(stored, password)
  const decoded = decodeData(stored, 'guess', 16)
  if (typeof decoded === 'string') throw new InvalidHash('Not a valid MD5-CRYPT or PLAIN-MD5 password')
  return timingSafeEqual(decoded, createHash('md5').update(password.reveal()).digest())
}

/** The whole hash for a setting or hash; `undefined` when there is no such kind of hash. */
async function crypt(password: Buffer, setting: string): Promise<string | undefined> {
  if (password.length > HASH_LIMITS.cryptPassphraseBytes) return undefined
  const memoryKiB = checkCryptCost(setting)
  const libcrypt = await openLibcrypt()
  if (libcrypt !== undefined) {
    if (isQuickCrypt(setting)) return libcrypt.crypt(password, setting)
    return await hashQueue.run(() => libcrypt.cryptAsync(password, setting), memoryKiB)
  }
  if (canCryptByHand(setting)) return await hashQueue.run(() => cryptThreads.crypt({ password, setting }))
  if (!looksLikeCrypt(setting)) return undefined
  throw new HashUnavailable('This kind of crypt password needs libcrypt and the npm package koffi')
}

/** Not for locked accounts (`!`, `*`, `x`). */
function looksLikeCrypt(setting: string): boolean {
  return /^(?:[$_]|[./0-9A-Za-z]{13}$)/.test(setting)
}

async function cryptOrThrow(password: Buffer, setting: string): Promise<string> {
  const computed = await crypt(password, setting)
  if (computed === undefined) throw new InvalidHash('crypt() failed: Invalid argument')
  return computed
}

function shaSetting(prefix: string, rounds: number | undefined): string {
  const isDefault = rounds === undefined || rounds === 0 || rounds === 5000
  return `${prefix}${isDefault ? '' : `rounds=${clampRounds(rounds)}$`}${cryptSalt(16)}$`
}
