import type { FormatRecord } from '../formats/format.ts'

/**
 * Messages of a mailbox by UID, between two expunges. New messages are added to every snapshot that somebody still looks
 * at, so views share them however old they are.
 */
export class Snapshot {
  readonly records: FormatRecord[]
  /** How many views number by it. */
  views = 0
  /** MODSEQ of the first message that went away after it was made. */
  firstExpunge = Number.POSITIVE_INFINITY

  constructor(records: FormatRecord[]) {
    this.records = records
  }

  /** Index of the first record, below `count`, with this UID or a larger one. */
  indexFrom(uid: number, count = this.records.length): number {
    // As in a mailbox from which nothing was removed.
    if (uid <= count && this.records[uid - 1]?.uid === uid) return uid - 1
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.records[middle]?.uid ?? 0) < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  find(uid: number): FormatRecord | undefined {
    const record = this.records[this.indexFrom(uid)]
    return record?.uid === uid ? record : undefined
  }
}
