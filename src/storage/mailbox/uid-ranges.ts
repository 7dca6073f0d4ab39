import type { UidRanges } from '../store.ts'

/** Ascending UIDs as ranges. */
export function rangesOf(uids: Iterable<number>): UidRanges {
  const ranges: [first: number, last: number][] = []
  for (const uid of uids) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] + 1 >= uid) last[1] = uid
    else ranges.push([uid, uid])
  }
  return ranges
}

/** Whether a UID lies in one of the ranges. */
export function inRanges(ranges: UidRanges, uid: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    const range = ranges[middle]
    if (range === undefined) return false
    if (uid < range[0]) high = middle
    else if (uid > range[1]) low = middle + 1
    else return true
  }
  return false
}

/** The UIDs of ranges, ascending. */
export function* listed(ranges: UidRanges): Iterable<number> {
  for (const [first, last] of ranges) for (let uid = first; uid <= last; uid += 1) yield uid
}
