import { StoreRefusal } from '../../refusal.ts'
import type { FormatRecord } from '../format.ts'
import { hasCode, pathOf } from './disk.ts'
import { baseOf } from './file-name.ts'
import type { MailboxState } from './mailbox-state.ts'
import { MaildirRecord } from './record.ts'
import { fileNamesNow, foundFile } from './scan.ts'

/** A file that is renamed all the time is not looked for more often. */
const LOOKUPS = 10

/** The files of a mailbox's messages, which other programs rename at any time. */
export class MessageFiles {
  readonly #state: MailboxState

  constructor(state: MailboxState) {
    this.#state = state
  }

  /**
   * Does something with a message's file; when that fails because it was renamed meanwhile, does it with the renamed one.
   * False when the file is gone.
   */
  use(record: FormatRecord, work: (directory: string, name: string) => void): boolean {
    const known = own(record)
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

  /** Looks for the file in both directories; it may move from one to the other meanwhile. */
  #find(record: MaildirRecord): boolean {
    const { mail } = this.#state.place
    for (const directory of ['cur', 'new', 'cur']) {
      const name = fileNamesNow(`${mail}/${directory}`).find((one) => baseOf(one) === record.base)
      if (name === undefined) continue
      this.#state.located(record, foundFile(name, directory === 'new'))
      this.#state.doubtful.add(record)
      return true
    }
    return false
  }
}

/** The record as ours. */
export function own(record: FormatRecord): MaildirRecord {
  if (record instanceof MaildirRecord) return record
  throw new Error('a record of another format')
}
