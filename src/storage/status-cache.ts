import type { IndexFile } from './index/index-file.ts'
import type { Place } from './namespace.ts'
import type { MailboxStatus } from './store.ts'

/** What is kept of a status, and what it depends on besides files. */
interface Kept {
  readonly status: MailboxStatus
  readonly recentFrom: number
}

/**
 * Counts of mailboxes that are not open, kept in the index for as long as the files' signature is the same: STATUS of a
 * thousand mailboxes then costs a look at their directories.
 */
export class StatusCache {
  readonly #fileOf: (place: Place) => IndexFile | undefined

  constructor(fileOf: (place: Place) => IndexFile | undefined) {
    this.#fileOf = fileOf
  }

  /** The status kept for a mailbox whose files have this signature. */
  find(place: Place, storage: string, signature: string): MailboxStatus | undefined {
    return this.#quietly(place, (file) =>
      file.run((index) => {
        const sql = 'SELECT data FROM status WHERE name = ? AND signature = ?'
        const found = index.statement(sql).get(keyOf(place, storage), signature) as unknown as
          | readonly unknown[]
          | undefined
        if (typeof found?.[0] !== 'string') return undefined
        const { status, recentFrom } = JSON.parse(found[0]) as Kept
        const facts = index.statement('SELECT mod_seq, recent_from FROM mailbox WHERE guid = ?').get(status.guid)
        const [modSeq, recent] = (facts as unknown as readonly unknown[] | undefined) ?? []
        return modSeq === status.highestModSeq && recent === recentFrom ? status : undefined
      }),
    )
  }

  keep(place: Place, storage: string, signature: string, status: MailboxStatus): void {
    this.#quietly(place, (file) =>
      file.write((index) => {
        const facts = index.statement('SELECT recent_from FROM mailbox WHERE guid = ?').get(status.guid)
        const [recentFrom] = (facts as unknown as readonly unknown[] | undefined) ?? []
        const data = JSON.stringify({ status, recentFrom })
        index.statement('INSERT OR REPLACE INTO status VALUES (?, ?, ?)').run(keyOf(place, storage), signature, data)
      }),
    )
  }

  /** Without the file everything is counted; whoever opens the mailbox says why. */
  #quietly<T>(place: Place, work: (file: IndexFile) => T): T | undefined {
    try {
      const file = this.#fileOf(place)
      return file && work(file)
    } catch {
      return undefined
    }
  }
}

/** Several places may keep their indexes in one directory. */
function keyOf({ location }: Place, storage: string): string {
  return `${location.path} ${storage}`
}
