import type { Flags } from '../../flags.ts'
import type { FormatChanges } from '../format.ts'
import type { MaildirRecord } from './record.ts'

/** What is known to have changed and was not told yet. */
export class PendingChanges {
  readonly #added = new Set<MaildirRecord>()
  readonly #expunged = new Set<MaildirRecord>()
  readonly #flags = new Set<MaildirRecord>()
  readonly #recent = new Set<number>()

  get isEmpty(): boolean {
    return this.#added.size + this.#expunged.size + this.#flags.size === 0
  }

  add(record: MaildirRecord, recent: boolean): void {
    this.#added.add(record)
    if (recent) this.#recent.add(record.uid)
  }

  /** A message that comes and goes between two syncs was never there. */
  expunge(record: MaildirRecord): void {
    record.expunged = true
    if (!this.#added.delete(record)) this.#expunged.add(record)
  }

  /** Its owner learns otherwise what became of it. */
  forget(record: MaildirRecord): void {
    this.#expunged.delete(record)
    this.#flags.delete(record)
    this.#recent.delete(record.uid)
  }

  /** Its owner was not told of it yet. */
  isNew(record: MaildirRecord): boolean {
    return this.#added.has(record)
  }

  /** Its flags on disk are others than the owner knows. */
  changeFlags(record: MaildirRecord): void {
    this.#flags.add(record)
  }

  markRecent(record: MaildirRecord): void {
    this.#recent.add(record.uid)
  }

  /** Everything since the last time. `flagsOf`: those on disk now. */
  drain(flagsOf: (record: MaildirRecord) => Flags): FormatChanges {
    const changes: FormatChanges = {
      added: [...this.#added].sort(byUid),
      expunged: [...this.#expunged].sort(byUid),
      flags: [...this.#flags]
        .sort(byUid)
        .map((record) => ({ record, flags: flagsOf(record) }))
        .filter(({ record, flags }) => record.flags !== flags),
      recent: [...this.#recent].sort((one, other) => one - other),
    }
    for (const set of [this.#added, this.#expunged, this.#flags, this.#recent]) set.clear()
    return changes
  }
}

function byUid(one: MaildirRecord, other: MaildirRecord): number {
  return one.uid - other.uid
}
