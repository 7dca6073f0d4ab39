import type { Flags } from '../../flags.ts'
import type { FormatRecord } from '../format.ts'
import type { UidlistRecord } from './uidlist-text.ts'

/** A message of an open Maildir: its record and its file. */
export class MaildirRecord implements FormatRecord {
  flags: Flags
  modSeq = 0
  expunged = false
  /** Its line in the uidlist. */
  entry: UidlistRecord
  /** The end of its file name: `:2,S`, or empty. */
  info: string
  /** It lies in `new`, not in `cur`. */
  isNew: boolean
  /** Its owner was not told of it yet: set by `PendingChanges`, as is the next. */
  isUntold = false
  /** Its owner is to be told that it is recent. */
  isRecent = false
  /** Number of the last scan that saw its file. */
  scan = 0

  constructor(entry: UidlistRecord, info: string, isNew: boolean, flags: Flags) {
    this.entry = entry
    this.info = info
    this.isNew = isNew
    this.flags = flags
  }

  get uid(): number {
    return this.entry.uid
  }

  get base(): string {
    return this.entry.base
  }

  get fileName(): string {
    return this.entry.base + this.info
  }
}
