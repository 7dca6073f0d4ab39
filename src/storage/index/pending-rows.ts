import type { FormatRecord } from '../formats/format.ts'

/** Rows written at once: about a millisecond. */
const SLICE = 1000
/** So long the mailbox's first answers have the processor to themselves. */
const FIRST_MS = 50

/**
 * Messages of a new mailbox, all with one MODSEQ, that have no rows yet. To lose them makes whoever opens the mailbox next give
 * them a new MODSEQ, which costs clients a resynchronisation.
 */
export class PendingRows {
  readonly #write: (records: readonly FormatRecord[], modSeq: number) => void
  /** Ascending by UID; those before `#next` are written. */
  #records: readonly FormatRecord[] = []
  #next = 0
  #modSeq = 0
  #timer: NodeJS.Timeout | undefined

  constructor(write: (records: readonly FormatRecord[], modSeq: number) => void) {
    this.#write = write
  }

  /** Takes all messages of a mailbox. */
  set(records: readonly FormatRecord[], modSeq: number): void {
    this.#records = records
    this.#next = 0
    this.#modSeq = modSeq
    clearTimeout(this.#timer)
    this.#writeLater(FIRST_MS)
  }

  /** Writes those up to a UID now. */
  writeUpTo(uid: number): void {
    while ((this.#records[this.#next]?.uid ?? Number.POSITIVE_INFINITY) <= uid) this.#writeSome()
  }

  #writeLater(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#writeSome()
      if (this.#next < this.#records.length) this.#writeLater(0)
    }, ms).unref()
  }

  #writeSome(): void {
    const some = this.#records.slice(this.#next, this.#next + SLICE)
    this.#next += SLICE
    if (this.#next >= this.#records.length) this.#letGo()
    // What is gone was recorded as that, what was changed has its row.
    const same = some.filter(({ modSeq, expunged }) => modSeq === this.#modSeq && !expunged)
    if (same.length > 0) this.#write(same, this.#modSeq)
  }

  #letGo(): void {
    clearTimeout(this.#timer)
    this.#records = []
    this.#next = 0
  }
}
