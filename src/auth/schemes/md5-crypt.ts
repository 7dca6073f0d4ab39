import { createHash, hash } from 'node:crypto'
import { cryptBase64 } from './crypt-text.ts'

/**
 * The `$1$` crypt of FreeBSD, by hand, for systems without libcrypt. Takes a setting or a whole hash and returns the whole
 * hash; `undefined` when the setting is none of this kind.
 */
export function md5Crypt(password: Buffer, setting: string): string | undefined {
  const salt = /^\$1\$([^$]{0,8})/.exec(setting)?.[1]
  if (salt === undefined) return undefined
  const saltBytes = Buffer.from(salt, 'latin1')
  let digest = firstDigest(password, saltBytes)
  for (let round = 0; round < ROUNDS; round++) digest = nextDigest(round, digest, password, saltBytes)
  return `$1$${salt}$${cryptBase64(digest, groups)}`
}

const ROUNDS = 1000

function firstDigest(password: Buffer, salt: Buffer): Buffer {
  const inner = createHash('md5').update(password).update(salt).update(password).digest()
  const outer = createHash('md5').update(password).update('$1$').update(salt)
  for (let left = password.length; left > 0; left -= 16) outer.update(inner.subarray(0, Math.min(left, 16)))
  for (let bits = password.length; bits > 0; bits >>= 1)
    outer.update((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  return outer.digest()
}

function nextDigest(round: number, digest: Buffer, password: Buffer, salt: Buffer): Buffer {
  const isOdd = round % 2 === 1
  const parts = [isOdd ? password : digest]
  if (round % 3 !== 0) parts.push(salt)
  if (round % 7 !== 0) parts.push(password)
  parts.push(isOdd ? digest : password)
  return hash('md5', Buffer.concat(parts), 'buffer')
}

const groups = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]] as const
