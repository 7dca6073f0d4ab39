import { createHash, hash } from 'node:crypto'
import { cryptBase64 } from './crypt-text.ts'

/**
 * SHA-256 and SHA-512 crypt (`$5$`, `$6$`, Ulrich Drepper's description of 2008), by hand, for systems without libcrypt.
 * Takes a setting or a whole hash and returns the whole hash; `undefined` when the setting is none of these.
 * The numbered comments are the steps of that description.
 */
export function shaCrypt(password: Buffer, setting: string): string | undefined {
  const [, id, roundsText, salt] = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]{0,16})/.exec(setting) ?? []
  if (id === undefined || salt === undefined) return undefined
  const kind = id === '5' ? sha256 : sha512
  const rounds = roundsText === undefined ? DEFAULT_ROUNDS : clampRounds(Number(roundsText))
  const digest = stretch(kind, password, Buffer.from(salt, 'latin1'), rounds)
  const roundsPart = roundsText === undefined ? '' : `rounds=${rounds}$`
  return `$${id}$${roundsPart}${salt}$${cryptBase64(digest, kind.groups)}`
}

const DEFAULT_ROUNDS = 5000

export function clampRounds(rounds: number): number {
  return Math.min(Math.max(rounds, 1000), 999_999_999)
}

interface Kind {
  readonly name: 'sha256' | 'sha512'
  readonly bytes: number
  readonly groups: readonly (readonly number[])[]
}

const sha256: Kind = { name: 'sha256', bytes: 32, groups: rotatingGroups(10, [31, 30]) }
const sha512: Kind = { name: 'sha512', bytes: 64, groups: rotatingGroups(21, [63]) }

function stretch(kind: Kind, password: Buffer, salt: Buffer, rounds: number): Buffer {
  const p = repeated(digestP(kind, password), password.length)
  const start = digestA(kind, password, salt)
  const s = repeated(digestS(kind, salt, start), salt.length)
  let digest = start
  // Step 21.
  for (let round = 0; round < rounds; round++) {
    const isOdd = round % 2 === 1
    const parts = [isOdd ? p : digest]
    if (round % 3 !== 0) parts.push(s)
    if (round % 7 !== 0) parts.push(p)
    parts.push(isOdd ? digest : p)
    digest = hash(kind.name, Buffer.concat(parts), 'buffer')
  }
  return digest
}

/** Steps 1 to 12. */
function digestA(kind: Kind, password: Buffer, salt: Buffer): Buffer {
  const b = createHash(kind.name).update(password).update(salt).update(password).digest()
  const a = createHash(kind.name).update(password).update(salt).update(repeated(b, password.length))
  for (let bits = password.length; bits > 0; bits >>= 1) a.update((bits & 1) === 1 ? b : password)
  return a.digest()
}

/** Steps 13 to 16: the password as often as it has bytes. */
function digestP(kind: Kind, password: Buffer): Buffer {
  const digest = createHash(kind.name)
  for (let i = 0; i < password.length; i++) digest.update(password)
  return digest.digest()
}

/** Steps 17 to 20: the salt 16 times and as often as the first byte of A says. */
function digestS(kind: Kind, salt: Buffer, a: Buffer): Buffer {
  const digest = createHash(kind.name)
  for (let i = 0; i < 16 + (a[0] ?? 0); i++) digest.update(salt)
  return digest.digest()
}

/** The digest again and again, cut to a length. */
function repeated(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest)
}

/** Step 22: three bytes a third of the digest apart, their order turning with each group. */
function rotatingGroups(count: number, last: readonly number[]): readonly (readonly number[])[] {
  const isShort = count === 10
  const groups = Array.from({ length: count }, (_, i) => {
    const bytes = [i, i + count, i + 2 * count]
    // SHA-256 turns to the left from group to group, SHA-512 to the right.
    const turn = isShort ? (3 - (i % 3)) % 3 : i % 3
    return [...bytes.slice(turn), ...bytes.slice(0, turn)]
  })
  return [...groups, last]
}
