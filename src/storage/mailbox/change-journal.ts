import type { FormatRecord } from '../formats/format.ts'

/** Entries kept for views that do not sync; whoever is further behind compares MODSEQs instead. */
export const JOURNAL_ENTRIES = 4096

export interface JournalEntry {
  readonly record: FormatRecord
  /** The view that need not be told, because it made the change itself, silently. */
  readonly silentFor: object | undefined
}

/** Flag changes in the order they came. Positions count from the opening of the mailbox. */
export class ChangeJournal {
  #entries: JournalEntry[] = []
  #first = 0

  /** The position behind the newest entry. */
  get end(): number {
    return this.#first + this.#entries.length
  }

  add(record: FormatRecord, silentFor: object | undefined): void {
    this.#entries.push({ record, silentFor })
    if (this.#entries.length > JOURNAL_ENTRIES * 2) this.forget(this.end - JOURNAL_ENTRIES)
  }

  /** Entries from a position on; `undefined` when some of them were forgotten. */
  from(position: number): readonly JournalEntry[] | undefined {
    if (position < this.#first) return undefined
    return position === this.end ? [] : this.#entries.slice(position - this.#first)
  }

  /** Everything before a position is no longer asked for. */
  forget(position: number): void {
    if (position <= this.#first) return
    this.#entries = this.#entries.slice(position - this.#first)
    this.#first = position
  }
}
