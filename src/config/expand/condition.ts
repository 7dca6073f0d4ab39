import { ExpandError } from './error.ts'
import { compilePosixRegex, type PosixRegex } from './posix-regex.ts'

type Comparator = (left: string, right: string) => boolean

/** Compares two byte strings as `%{if;left;operator;right;...}` does; throws ExpandError with Dovecot's text. */
export function compare(left: string, operator: string, right: string): boolean {
  const comparator = comparators.get(operator)
  if (comparator === undefined) throw new ExpandError(`if: Unsupported comparator '${operator}'`)
  return comparator(left, right)
}

const comparators: ReadonlyMap<string, Comparator> = new Map<string, Comparator>([
  ['==', numeric((a, b) => a === b)],
  ['<', numeric((a, b) => a < b)],
  ['<=', numeric((a, b) => a <= b)],
  ['>', numeric((a, b) => a > b)],
  ['>=', numeric((a, b) => a >= b)],
  ['!=', numeric((a, b) => a !== b)],
  ['eq', (a, b) => a === b],
  ['lt', (a, b) => a < b],
  ['le', (a, b) => a <= b],
  ['gt', (a, b) => a > b],
  ['ge', (a, b) => a >= b],
  ['ne', (a, b) => a !== b],
  ['*', matchesWildcard],
  ['!*', (a, b) => !matchesWildcard(a, b)],
  ['~', (a, b) => regex(b).matches(a)],
  ['!~', (a, b) => !regex(b).matches(a)],
])

function numeric(test: (left: bigint, right: bigint) => boolean): Comparator {
  return (left, right) => test(parseNumber(left, 'lhs'), parseNumber(right, 'rhs'))
}

function parseNumber(text: string, side: 'lhs' | 'rhs'): bigint {
  const number = /^-?\d{1,40}$/.test(text) ? BigInt(text) : undefined
  if (number !== undefined && BigInt.asIntN(64, number) === number) return number
  throw new ExpandError(`if: ${text} (${side}) is not a number`)
}

/** `*` is any number of bytes, `?` one. */
function matchesWildcard(text: string, mask: string): boolean {
  let at = 0
  let star = -1
  let resumeAt = 0
  let next = 0
  while (at < text.length) {
    if (mask[next] === '*') {
      star = next++
      resumeAt = at
    } else if (mask[next] === '?' || mask[next] === text[at]) {
      next += 1
      at += 1
    } else if (star >= 0) {
      next = star + 1
      at = ++resumeAt
    } else {
      return false
    }
  }
  return /^\**$/.test(mask.slice(next))
}

/** Patterns nearly always come from the configuration; a few are kept compiled. */
const REGEX_CACHE_ENTRIES = 64
const regexes = new Map<string, PosixRegex>()

function regex(pattern: string): PosixRegex {
  const known = regexes.get(pattern)
  if (known !== undefined) return known
  const compiled = compilePosixRegex(pattern)
  if (regexes.size >= REGEX_CACHE_ENTRIES) regexes.clear()
  regexes.set(pattern, compiled)
  return compiled
}
