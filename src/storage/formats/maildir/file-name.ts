// Names of message files in a Maildir: `<base>:2,<letters>`. Held as latin1, one character a byte, as they may be any bytes.

import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../flags.ts'

/** Begins the changing part of a file name. */
export const INFO_SEPARATOR = ':'
/** The changing part of a message without flags. */
export const NO_FLAGS = ':2,'
/** Keywords that letters can stand for: `a` to `z`. */
export const MAX_LETTERS = 26

const SMALL_A = 97
const SMALL_Z = 122

/** Flags by letter, as their characters are ordered. */
const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['D', DRAFT],
  ['F', FLAGGED],
  ['R', ANSWERED],
  ['S', SEEN],
  ['T', DELETED],
]
const BIT_OF: ReadonlyMap<string, number> = new Map(LETTERS)

/** The part of a name that stays: up to the first `:`. */
export function baseOf(name: string): string {
  const end = name.indexOf(INFO_SEPARATOR)
  return end < 0 ? name : name.slice(0, end)
}

/** What an info part (`:2,FSa`, from the first `:` on, or empty) says. */
export interface Info {
  readonly bits: number
  /** Keyword numbers, ascending: `a` is 0. */
  readonly letters: readonly number[]
}

/** Reads the flags of an info part; letters without meaning are passed over. */
export function parseInfo(info: string): Info {
  const flags = flagsPart(info)
  let bits = 0
  const letters: number[] = []
  for (const letter of flags ?? '') {
    if (letter === ',') break
    const code = letter.charCodeAt(0)
    if (code >= SMALL_A && code <= SMALL_Z) letters.push(code - SMALL_A)
    else bits |= BIT_OF.get(letter) ?? 0
  }
  return { bits, letters: letters.length < 2 ? letters : [...new Set(letters)].sort((one, other) => one - other) }
}

/**
 * The info part with other flags. Letters without meaning to us and anything behind a comma stay where they are; letters are
 * in the order of their codes, as the Maildir specification has it.
 */
export function withInfo(info: string, { bits, letters }: Info): string {
  const old = flagsPart(info) ?? ''
  const comma = old.indexOf(',')
  const kept = Array.from(comma < 0 ? old : old.slice(0, comma)).filter((letter) => !isOurs(letter))
  const system = LETTERS.filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter)
  const keywords = letters.map((letter) => String.fromCharCode(SMALL_A + letter))
  const all = [...kept, ...system, ...keywords].sort(byCode)
  return NO_FLAGS + all.join('') + (comma < 0 ? '' : old.slice(comma))
}

/** The number behind `,S=` (bytes on disk) or `,W=` (bytes with lines ending in CRLF); `undefined` when it is not there. */
export function sizeInName(name: string, key: 'S' | 'W'): number | undefined {
  const at = name.indexOf(`,${key}=`)
  if (at < 0) return undefined
  let end = at + 3
  let size = 0
  for (; end < name.length; end++) {
    const digit = name.charCodeAt(end) - 48
    if (digit < 0 || digit > 9) break
    size = size * 10 + digit
  }
  const next = name[end]
  const ended = next === undefined || next === ':' || next === ','
  return end > at + 3 && ended && Number.isSafeInteger(size) ? size : undefined
}

/** The order in which new files get their UIDs: by seconds, then microseconds (`M…`), then the rest of the base name. */
export function compareArrival(one: string, other: string): number {
  const [secondsOne, restOne] = leadingNumber(one)
  const [secondsOther, restOther] = leadingNumber(other)
  if (secondsOne !== secondsOther) return secondsOne - secondsOther
  const microsOne = microseconds(restOne)
  const microsOther = microseconds(restOther)
  if (microsOne !== undefined && microsOther !== undefined && microsOne !== microsOther) return microsOne - microsOther
  return byCode(baseOf(restOne), baseOf(restOther))
}

/** What `compareArrival` looks at first. */
export function arrivalSeconds(base: string): number {
  return leadingNumber(base)[0]
}

function flagsPart(info: string): string | undefined {
  const at = info.lastIndexOf(INFO_SEPARATOR)
  return at >= 0 && info.startsWith(NO_FLAGS, at) ? info.slice(at + NO_FLAGS.length) : undefined
}

function isOurs(letter: string): boolean {
  const code = letter.charCodeAt(0)
  return BIT_OF.has(letter) || (code >= SMALL_A && code <= SMALL_Z)
}

function leadingNumber(name: string): [number: number, rest: string] {
  let end = 0
  while (end < name.length && isDigit(name, end)) end++
  return [end === 0 ? 0 : Number(name.slice(0, end)), name.slice(end)]
}

/** From `.M123P4.host`, the rest of a name behind its seconds. */
function microseconds(rest: string): number | undefined {
  if (rest[0] !== '.') return undefined
  const found = /^\.[^.:M]*M(\d*)/.exec(rest)
  return found === null ? undefined : Number(found[1])
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

function byCode(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
