import type { FormatEntry, MailboxDirectories } from '../format.ts'

/** How mailboxes lie in the file system below one location. Names are storage names; paths are only made of checked ones. */
export interface Layout {
  /** Between levels, in the old format of the subscriptions file. */
  readonly separator: string
  list(): readonly FormatEntry[]
  /** Where a mailbox keeps what, existing or not. Refuses names that cannot be. */
  directories(name: string): MailboxDirectories
  exists(name: string): boolean
  /** Makes a mailbox, or with `directory` only a place for others where the layout knows such. */
  create(name: string, directory: boolean): void
  delete(name: string): Promise<void>
  /** Renames a mailbox and those below it, into another location of the same layout when one is given. */
  rename(from: string, to: string, into?: Layout): void
}
