import { randomBytes } from 'node:crypto'

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The `./0-9A-Za-z` text of crypt hashes: groups of bytes, each as a number written from its low bits up. */
export function cryptBase64(digest: Buffer, groups: readonly (readonly number[])[]): string {
  return groups.map((group) => encodeGroup(group.map((index) => digest[index] ?? 0))).join('')
}

/** Characters that a group of 1, 2 or 3 bytes takes. */
const lengths = [0, 2, 3, 4] as const

function encodeGroup(bytes: readonly number[]): string {
  let value = bytes.reduce((sum, byte) => (sum << 8) | byte, 0)
  let text = ''
  for (let i = 0; i < (lengths[bytes.length] ?? 0); i++) {
    text += alphabet[value & 63] ?? ''
    value >>= 6
  }
  return text
}

/** A random salt of that alphabet. */
export function cryptSalt(length: number): string {
  return [...randomBytes(length)].map((byte) => alphabet[byte & 63]).join('')
}
