import { createHash } from 'node:crypto'
import { ExpandError } from './error.ts'

/**
 * What stands between `%` and the name: width, offset and modifiers. Values are byte strings (a character a byte), so
 * that widths and hashes mean what they mean to Dovecot.
 */
export interface Format {
  readonly offset: number
  readonly width: number
  readonly zeroPadding: boolean
  readonly modifiers: string
}

export const FORMAT_LIMITS = {
  /** Dovecot takes ten modifier letters; an eleventh is a variable name. */
  modifiers: 10,
  /** Zeros are really written; a wider template is a typing mistake. */
  paddingBytes: 65_536,
} as const

const MAX_INT = 2 ** 31 - 1
const modifierLetters = 'LUEXRHNMDT'

/** Reads a format at `start`; `next` is where the name begins. `undefined` when there is nothing but the name. */
export function parseFormat(
  text: string,
  start: number,
): { readonly format: Format | undefined; readonly next: number } {
  // `-` is not taken after `0`, as in "%0-3u", except behind the dot: Dovecot's order of sign and zero.
  const numbers = /(-?)(0?)(\d*)(\.(0?)(-?)(\d*))?/y
  numbers.lastIndex = start
  const [all = '', sign, zero, first = '', dot, zero2, sign2, second = ''] = numbers.exec(text) ?? []
  let next = start + all.length
  const namesAt = next
  while (next - namesAt < FORMAT_LIMITS.modifiers && modifierLetters.includes(text[next] ?? ' ')) next += 1
  if (next === start) return { format: undefined, next }
  const format = {
    // Without a dot the only number is the width, and its sign means nothing.
    offset: dot === undefined ? 0 : signed(sign, first),
    width: dot === undefined ? signed('', first) : signed(sign2, second),
    zeroPadding: (dot === undefined ? zero : zero2) === '0',
    modifiers: text.slice(namesAt, next),
  }
  if (format.zeroPadding && format.width > FORMAT_LIMITS.paddingBytes) {
    throw new ExpandError(`Zero padding to ${format.width} characters is too wide`)
  }
  return { format, next }
}

function signed(sign: string | undefined, digits: string): number {
  const number = Math.min(digits === '' ? 0 : Number(digits), MAX_INT)
  return sign === '-' && number !== 0 ? -number : number
}

/** Applies modifiers, offset and width to a byte string. */
export function applyFormat(value: string, format: Format): string {
  let { offset, width } = format
  let text = value
  for (const letter of format.modifiers) {
    if (letter === 'H' || letter === 'N') {
      // With a hash the numbers are its modulus and its padding, and are used up.
      text = foldHash(letter === 'H' ? oldHash(text) : newHash(text), offset, width)
      offset = 0
      width = 0
    } else {
      text = modify(text, letter)
    }
  }
  return cut(text, offset, width, format.zeroPadding)
}

function cut(value: string, offset: number, width: number, zeroPadding: boolean): string {
  const rest = offset < 0 && value.length <= -offset ? value : value.slice(offset)
  if (width === 0) return rest
  if (zeroPadding) return rest.padStart(width, '0')
  const end = width < 0 ? rest.length + width : width
  // Dropping more than there is drops nothing.
  return end < 0 ? rest : rest.slice(0, end)
}

function modify(value: string, letter: string): string {
  switch (letter) {
    case 'L':
      return value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    case 'U':
      return value.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
    case 'E':
      return value.replace(/[\\'"]/g, '\\$&')
    case 'X':
      return toHex(value)
    case 'R':
      return Buffer.from(value, 'latin1').reverse().toString('latin1')
    case 'M':
      return md5(value).toString('hex')
    case 'D':
      return value.replaceAll('.', ',dc=')
    default:
      return trimRight(value)
  }
}

const MAX_UINT64 = 2n ** 64n - 1n

function toHex(value: string): string {
  const number = /^\d{1,20}$/.test(value) ? BigInt(value) : 0n
  return number > MAX_UINT64 ? '0' : number.toString(16)
}

function trimRight(value: string): string {
  let end = value.length
  while (end > 0 && ' \t\n\v\f\r'.includes(value[end - 1] ?? 'x')) end -= 1
  return value.slice(0, end)
}

/** `%H`: the ELF hash, in Dovecot's variant. */
function oldHash(value: string): bigint {
  let hash = 0
  for (let i = 0; i < value.length; i++) {
    hash = ((hash << 4) + value.charCodeAt(i)) >>> 0
    const top = hash & 0xf0000000
    if (top !== 0) hash = (hash ^ (top >>> 24) ^ top) >>> 0
  }
  return BigInt(hash)
}

/** `%N`: the first eight bytes of MD5. */
function newHash(value: string): bigint {
  return md5(value).readBigUInt64BE(0)
}

function foldHash(hash: bigint, digits: number, modulus: number): string {
  const folded = modulus === 0 ? hash : hash % BigInt.asUintN(64, BigInt(modulus))
  return BigInt.asUintN(32, folded).toString(16).padStart(digits, '0')
}

function md5(value: string): Buffer {
  return createHash('md5').update(value, 'latin1').digest()
}
