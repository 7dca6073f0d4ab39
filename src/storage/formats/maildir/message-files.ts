import { statSync } from 'node:fs'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatRecord } from '../format.ts'
import { hasCode, pathOf } from './disk.ts'
import { baseOf } from './file-name.ts'
import type { MailboxState } from './mailbox-state.ts'
import { MaildirRecord } from './record.ts'
import { fileNamesNow, foundFile } from './scan.ts'

/** A file that is renamed all the time is not looked for more often. */
const LOOKUPS = 10
/** Changes within this time may have one timestamp. */
const TIMESTAMP_MS = 20

/** The files of a mailbox's messages, which other programs rename at any time. */
export class MessageFiles {
  readonly #state: MailboxState
  readonly #listings = new Map<string, Listing>()

  constructor(state: MailboxState) {
    this.#state = state
  }

  /**
   * Does something with a message's file; when that fails because it was renamed meanwhile, does it with the renamed one.
   * False when the file is gone.
   */
  use(record: FormatRecord, work: (directory: string, name: string) => void): boolean {
    const known = own(record)
    if (known.expunged) return false
    for (let attempt = 0; attempt < LOOKUPS; attempt++) {
      try {
        work(`${this.#state.place.mail}/${known.isNew ? 'new' : 'cur'}`, known.fileName)
        return true
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error
      }
      if (!this.#find(known)) return false
    }
    return false
  }

  /** What `work` makes of a message's file. Refuses when it is gone. */
  read<T>(record: FormatRecord, work: (path: string | Buffer, name: string) => T): T {
    let result: { readonly value: T } | undefined
    const there = this.use(record, (directory, name) => {
      result = { value: work(pathOf(directory, name), name) }
    })
    if (!there || result === undefined) throw new StoreRefusal('expunged', 'Message was expunged')
    return result.value
  }

  /** Lets go of what was read to look for files. */
  forgetListings(): void {
    this.#listings.clear()
  }

  /** Looks for the file in both directories; it may move from `new` to `cur` meanwhile. */
  #find(record: MaildirRecord): boolean {
    for (const isNew of [true, false]) {
      const name = this.#names(isNew).get(record.base)
      if (name === undefined) continue
      this.#state.located(record, foundFile(name, isNew))
      this.#state.doubtful.add(record)
      return true
    }
    return false
  }

  /** File names by base name. Whoever looks for thousands of messages that are gone reads the directory once. */
  #names(isNew: boolean): ReadonlyMap<string, string> {
    const { path } = isNew ? this.#state.newStamp : this.#state.curStamp
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    const known = this.#listings.get(path)
    if (known !== undefined && known.mtimeMs === mtimeMs && known.readAt > mtimeMs + TIMESTAMP_MS) return known.names
    const readAt = Date.now()
    const names = new Map(namesIn(path).map((name) => [baseOf(name), name]))
    this.#listings.set(path, { mtimeMs, readAt, names })
    return names
  }
}

interface Listing {
  readonly mtimeMs: number
  readonly readAt: number
  readonly names: ReadonlyMap<string, string>
}

function namesIn(path: string): readonly string[] {
  try {
    return fileNamesNow(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The record as ours. */
export function own(record: FormatRecord): MaildirRecord {
  if (record instanceof MaildirRecord) return record
  throw new Error('a record of another format')
}
