import type { Mailbox, UidRanges } from '../../../storage/store.ts'
import { LARGEST_NUMBER, type SequenceSet } from '../wire/sequence-set.ts'

/**
 * UIDs of a set that are gone since a MODSEQ. None up to `agreed`, none at or above the next UID, and none that is there.
 */
export async function vanishedRanges(
  mailbox: Mailbox,
  set: SequenceSet,
  modSeq: number,
  agreed = 0,
): Promise<UidRanges> {
  const wanted: SequenceSet = set.map(([first, last]) => [first, Math.min(last, mailbox.uidNext - 1)])
  const gone = intersect(await mailbox.vanishedSince(modSeq), wanted)
  return intersect(gone, [[agreed + 1, LARGEST_NUMBER]])
}

function intersect(left: UidRanges, right: UidRanges): UidRanges {
  const both: [number, number][] = []
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [a, b] = left[i] ?? NOTHING
    const [c, d] = right[j] ?? NOTHING
    const first = Math.max(a, c)
    const last = Math.min(b, d)
    if (first <= last) both.push([first, last])
    if (b < d) i++
    else j++
  }
  return both
}

const NOTHING = [0, 0] as const
