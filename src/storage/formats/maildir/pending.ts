import type { Flags } from '../../flags.ts'
import type { FormatChanges } from '../format.ts'
import type { MaildirRecord } from './record.ts'

/**
 * What is known to have changed and was not told yet. A mailbox of many messages begins with all of them being new, so what is new
 * and recent is marked in the records themselves.
 */
export class PendingChanges {
  /** With those that went away before they were told. */
  #added: MaildirRecord[] = []
  #untold = 0
  /** With those that are not recent any more. */
  #recent: MaildirRecord[] = []
  #expunged = new Set<MaildirRecord>()
  #flags = new Set<MaildirRecord>()

  get isEmpty(): boolean {
    return this.#untold + this.#expunged.size + this.#flags.size === 0
  }

  add(record: MaildirRecord, recent: boolean): void {
    record.isUntold = true
    this.#untold++
    this.#added.push(record)
    if (recent) this.markRecent(record)
  }

  /** A message that comes and goes between two syncs was never there. */
  expunge(record: MaildirRecord): void {
    record.expunged = true
    if (!record.isUntold) this.#expunged.add(record)
    else this.#told(record)
  }

  /** Its owner learns otherwise what became of it. */
  forget(record: MaildirRecord): void {
    this.#expunged.delete(record)
    this.#flags.delete(record)
    record.isRecent = false
  }

  /** Its owner was not told of it yet. */
  isNew(record: MaildirRecord): boolean {
    return record.isUntold
  }

  /** Its flags on disk are others than the owner knows. */
  changeFlags(record: MaildirRecord): void {
    this.#flags.add(record)
  }

  markRecent(record: MaildirRecord): void {
    if (record.isRecent) return
    record.isRecent = true
    this.#recent.push(record)
  }

  /** Everything since the last time. `flagsOf`: those on disk now. */
  drain(flagsOf: (record: MaildirRecord) => Flags): FormatChanges {
    const changes: FormatChanges = {
      added: this.#drainAdded(),
      expunged: [...this.#expunged].sort(byUid),
      flags: [...this.#flags]
        .sort(byUid)
        .map((record) => ({ record, flags: flagsOf(record) }))
        .filter(({ record, flags }) => record.flags !== flags),
      recent: this.#drainRecent(),
    }
    if (this.#expunged.size > 0) this.#expunged = new Set()
    if (this.#flags.size > 0) this.#flags = new Set()
    return changes
  }

  #drainAdded(): MaildirRecord[] {
    const all = this.#added
    const added = all.length === this.#untold ? all : all.filter(({ isUntold }) => isUntold)
    this.#added = []
    for (const record of added) this.#told(record)
    return added.sort(byUid)
  }

  #drainRecent(): number[] {
    const recent = this.#recent.filter(({ isRecent }) => isRecent)
    this.#recent = []
    for (const record of recent) record.isRecent = false
    return recent.map(({ uid }) => uid).sort((one, other) => one - other)
  }

  #told(record: MaildirRecord): void {
    record.isUntold = false
    this.#untold--
  }
}

function byUid(one: MaildirRecord, other: MaildirRecord): number {
  return one.uid - other.uid
}
