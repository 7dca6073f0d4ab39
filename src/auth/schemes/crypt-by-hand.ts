import { md5Crypt } from './md5-crypt.ts'
import { shaCrypt } from './sha-crypt.ts'

/** The crypt hashes that need no libcrypt; `undefined` for all others. */
export function cryptByHand(password: Buffer, setting: string): string | undefined {
  return md5Crypt(password, setting) ?? shaCrypt(password, setting)
}

export function canCryptByHand(setting: string): boolean {
  return /^\$[156]\$/.test(setting)
}
