/**
 * Sequence sets: `1:5,7,9:*`. RFC 3501 §9. Ranges are ascending, apart and inclusive; `*` is STAR, which is larger than
 * any number.
 */
export type SequenceSet = readonly (readonly [first: number, last: number])[]

/** The largest message number or UID there can be. */
export const LARGEST_NUMBER = 0xffffffff

/** `*` in a set. */
export const STAR = LARGEST_NUMBER + 1

/** sequence-set = (seq-number / seq-range) *("," ...). Dovecot takes a comma at the end. `undefined` for anything else, zero included. */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  const ranges: [number, number][] = []
  let at = 0
  let ascending = true
  for (;;) {
    const first = number(text, at)
    if (first === undefined) return undefined
    at += first.length
    let last = first.value
    if (text.charCodeAt(at) === COLON) {
      const second = number(text, at + 1)
      if (second === undefined) return undefined
      at += 1 + second.length
      last = second.value
    }
    const range: [number, number] = first.value <= last ? [first.value, last] : [last, first.value]
    const before = ranges.at(-1)
    if (before !== undefined && range[0] <= before[1] + 1) ascending = false
    ranges.push(range)
    if (at === text.length || (at === text.length - 1 && text.charCodeAt(at) === COMMA))
      return ascending ? ranges : merge(ranges)
    if (text.charCodeAt(at) !== COMMA) return undefined
    at++
  }
}

/** Ascending numbers as a set: `1:3,5`. */
export function writeSequenceSet(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i] ?? 0
    let last = first
    while (++i < numbers.length && numbers[i] === last + 1) last++
    parts.push(first === last ? String(first) : `${first}:${last}`)
  }
  return parts.join(',')
}

/** Ranges as a set; `1:*` is not written, its numbers are. */
export function writeRanges(ranges: SequenceSet): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}:${last}`)).join(',')
}

/** Whether a set names this number. `largest`: what `*` stands for. */
export function inSequenceSet(set: SequenceSet, value: number, largest: number): boolean {
  let low = 0
  let high = set.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const [first, last] = set[middle] ?? NOTHING
    // `999:*` names the last message too.
    if (value < (last === STAR ? Math.min(first, largest) : first)) high = middle - 1
    else if (value > last) low = middle + 1
    else return true
  }
  return false
}

const COMMA = 0x2c
const COLON = 0x3a
const ASTERISK = 0x2a
const NOTHING = [0, 0] as const

function number(text: string, from: number): { readonly value: number; readonly length: number } | undefined {
  if (text.charCodeAt(from) === ASTERISK) return { value: STAR, length: 1 }
  let value = 0
  let at = from
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    if (value > LARGEST_NUMBER) return undefined
  }
  return value === 0 ? undefined : { value, length: at - from }
}

function merge(ranges: [number, number][]): SequenceSet {
  ranges.sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [first, last] of ranges) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}
