import type { MailFormat, MailLocation } from './formats/format.ts'
import type { FormatSettings } from './formats/format.ts'
import type { IndexFile } from './index/index-file.ts'
import type { MailboxIndex } from './index/mailbox-index.ts'
import type { SharedMailboxes } from './mailbox/shared-mailboxes.ts'

/** What all stores of a process share. */
export interface StoreContext {
  /** By name: `maildir`. */
  readonly formats: ReadonlyMap<string, MailFormat>
  readonly mailboxes: SharedMailboxes
  readonly indexes: Indexes
  readonly hostname: string
  /** Milliseconds since 1970. */
  now(): number
}

/** Opens what is remembered of mailboxes. */
export interface Indexes {
  /** `storage`: the storage name. Never fails: without a disk it remembers in memory. */
  open(of: IndexedPlace): MailboxIndex
  /** The file of a location, for what is not about one mailbox; `undefined` when nothing is kept of it. */
  fileOf?(place: Pick<IndexedPlace, 'location' | 'log'>): IndexFile | undefined
  /** The file with the user's own \Seen of a location (`INDEXPVT`); without one he keeps them as long as the mailbox is open. */
  privateFileOf?(place: Pick<IndexedPlace, 'location' | 'log'>): IndexFile | undefined
}

export interface IndexedPlace {
  readonly location: MailLocation
  readonly storage: string
  readonly guid: string
  readonly uidValidity: number
  log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void
}

/** Settings of one user that the store looks at. */
export interface StoreSettings extends FormatSettings {
  /** Milliseconds. */
  readonly mailbox_idle_check_interval: number
  readonly mail_max_keyword_length: number
}
