import { type Read, readable, unreadable } from './read.ts'

const LARGEST = 2n ** 64n - 1n
const UNITS = ['b', 'k', 'm', 'g', 't'] as const
const PRINTED_UNITS = ['T', 'G', 'M', 'k'] as const

/** A number with an optional unit of powers of 1024; the value is in bytes, Infinity for the largest 64-bit number. */
export function parseSize(text: string): Read<number> {
  const [, digits, unit] = /^([0-9]+)[ \t]*(b|[kmgt]i?b?|)$/i.exec(text) ?? []
  if (digits === undefined || unit === undefined || BigInt(digits) > LARGEST) return unreadable(`Invalid size: ${text}`)
  const power = UNITS.findIndex((letter) => letter === unit.slice(0, 1).toLowerCase())
  const bytes = BigInt(digits) << BigInt(10 * Math.max(0, power))
  if (bytes > LARGEST) return unreadable(`Size is too large: ${text}`)
  return readable(bytes === LARGEST ? Infinity : Number(bytes), printSize(bytes))
}

/** The largest unit that divides evenly, as `doveconf` prints a size. */
export function printSize(bytes: bigint): string {
  if (bytes === 0n) return '0'
  for (const [index, unit] of PRINTED_UNITS.entries()) {
    const shift = BigInt(10 * (PRINTED_UNITS.length - index))
    if (bytes % (1n << shift) === 0n) return `${bytes >> shift} ${unit}`
  }
  return `${bytes} B`
}
