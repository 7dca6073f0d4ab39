import { UINT_MAX } from './number.ts'
import { type Read, readable, unreadable } from './read.ts'

/** A unit is any prefix of one of its words. The order decides what a short one means: `m` is minutes. */
const UNITS: readonly { readonly words: readonly string[]; readonly ms: number }[] = [
  { words: ['seconds', 'secs'], ms: 1000 },
  { words: ['minutes', 'mins'], ms: 60_000 },
  { words: ['hours'], ms: 3_600_000 },
  { words: ['days'], ms: 86_400_000 },
  { words: ['weeks'], ms: 7 * 86_400_000 },
  { words: ['milliseconds', 'msecs'], ms: 1 },
]

const PRINTED_UNITS = [
  { name: 'weeks', ms: 7 * 86_400_000 },
  { name: 'days', ms: 86_400_000 },
  { name: 'hours', ms: 3_600_000 },
  { name: 'mins', ms: 60_000 },
  { name: 'secs', ms: 1000 },
] as const

/** A time in whole seconds, up to 32 bits of them; the value is in milliseconds, Infinity for the largest number. */
export function parseDuration(text: string): Read<number> {
  const ms = parseMilliseconds(text)
  if (!ms.ok) return ms
  if (ms.value % 1000 !== 0) return unreadable(`Milliseconds not supported for this setting: ${text}`)
  if (ms.value > UINT_MAX * 1000) return unreadable(`Time interval is too large: ${text}`)
  return readable(ms.value === UINT_MAX * 1000 ? Infinity : ms.value, printDuration(ms.value))
}

/** A time in milliseconds, up to 32 bits of them. */
export function parseDurationMs(text: string): Read<number> {
  const ms = parseMilliseconds(text)
  if (!ms.ok) return ms
  if (ms.value > UINT_MAX) return unreadable(`Time interval is too large: ${text}`)
  return readable(ms.value, printDuration(ms.value))
}

/** The largest unit that divides evenly, as `doveconf` prints a time. */
export function printDuration(ms: number): string {
  if (ms === 0) return '0'
  // Infinity is how a value of 4294967295 seconds is kept.
  if (ms === Infinity) return `${UINT_MAX} secs`
  const largest = ms === UINT_MAX * 1000 ? PRINTED_UNITS[4] : PRINTED_UNITS.find((unit) => ms % unit.ms === 0)
  return largest === undefined ? `${ms} ms` : `${ms / largest.ms} ${largest.name}`
}

function parseMilliseconds(text: string): { ok: true; value: number } | { ok: false; error: string } {
  const invalid = unreadable(`Invalid time interval: ${text}`)
  const [, digits, unitText] = /^([0-9]+)[ \t]*(.*)$/.exec(text) ?? []
  if (digits === undefined || unitText === undefined || BigInt(digits) >= 2n ** 64n) return invalid
  if (unitText === '') {
    if (Number(digits) === 0) return { ok: true, value: 0 }
    return unreadable(`Time interval '${text}' is missing units (add e.g. 's' for seconds)`)
  }
  const wanted = unitText.toLowerCase()
  const unit = UNITS.find(({ words }) => words.some((word) => word.startsWith(wanted)))
  return unit === undefined ? invalid : { ok: true, value: Number(digits) * unit.ms }
}
