import type { Flags } from '../flags.ts'
import type { OwnerServer } from './imapc.ts'
import type { Scratch } from '../scratch.ts'
import type { Appending, CreateOptions, MessageIdentity, MessageRecord, StoredMessage } from '../store.ts'

/**
 * What a mailbox format is. The store above it (namespaces, views, change logs, caches) is the same for all formats; a format
 * knows files. Names here are storage names: Unicode, levels joined with `/`, no namespace prefix, `INBOX` for the inbox.
 */
export interface MailFormat {
  readonly name: string
  open(location: MailLocation, context: FormatContext): FormatStore
}

/** `mail_location`, parsed and expanded. Paths are absolute. */
export interface MailLocation {
  readonly format: string
  /** maildir: the root. */
  readonly path: string
  /** `maildir++`, `fs`, `index`. */
  readonly layout: string
  readonly inboxPath: string | undefined
  readonly indexPath: string | undefined
  readonly indexPrivatePath: string | undefined
  readonly controlPath: string | undefined
  /** Every `KEY=value` as written: SUBSCRIPTIONS, DIRNAME, MAILBOXDIR, UTF-8, NO-NOSELECT, LISTINDEX, VOLATILEDIR, ALT, BROKENCHAR ... */
  readonly options: ReadonlyMap<string, string>
  /** imapc: the server of this owner, where the databases name it; otherwise `imapc_host`. */
  readonly server?: OwnerServer
}

export interface FormatContext {
  readonly user: string
  readonly hostname: string
  /** The namespace's separator, for texts. */
  readonly separator: string
  readonly settings: FormatSettings
  /** Whether INBOX is the inbox here, and not a mailbox as any other: false for namespaces without it. */
  readonly inbox?: boolean
  /** Milliseconds since 1970. */
  now(): number
  log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void
}

/** Settings formats look at. */
export interface FormatSettings {
  readonly maildir_copy_with_hardlinks: boolean
  readonly mail_save_crlf: boolean
  /** With `zlib` messages may be compressed. */
  readonly mail_plugins?: readonly string[]
  /** `S=` and `W=` in names of files mean nothing. */
  readonly maildir_broken_filename_sizes?: boolean
  readonly mail_fsync: 'optimized' | 'always' | 'never'
  /** Milliseconds; 0 is what Dovecot waits. */
  readonly mail_max_lock_timeout: number
}

/** All mailboxes under one location. */
export interface FormatStore {
  /** At once when it is at hand. The same array says that nothing changed. */
  list(): readonly FormatEntry[] | Promise<readonly FormatEntry[]>
  subscriptions(): Promise<readonly string[]>
  /** Keeps the order and what it does not understand. */
  subscribe(name: string, subscribed: boolean): Promise<void>
  create(name: string, options: CreateOptions): Promise<void>
  delete(name: string): Promise<void>
  /** Renames a mailbox and those below it; `into`: they lie in that store then. Refuses where that cannot be. */
  rename(from: string, to: string, into?: FormatStore): Promise<void>
  /** Where the format keeps such things by itself. */
  update?(name: string, changes: HeaderChanges): Promise<void>
  /** Identity of the mailbox among all users and workers: real path of its directory. */
  directories(name: string): MailboxDirectories
  /**
   * A text that changes whenever files of the mailbox do, got without opening it; `undefined` when there is none, or when a change
   * happened so lately that another one might not show.
   */
  signature?(name: string): string | undefined
  /** `not-found` unless it exists. Flags of all records are made by `flags`, so that equal ones are one object. */
  open(name: string, flags: FlagTable): Promise<FormatMailbox>
}

/** What is kept of a mailbox as such. */
export interface HeaderChanges {
  readonly uidValidity?: number
  /** New messages get this UID or a larger one. */
  readonly minNextUid?: number
  /** 32 hexadecimal digits. */
  readonly guid?: string
}

export interface FormatEntry {
  readonly name: string
  readonly selectable: boolean
  /** False when there is nothing of this name, only mailboxes below it. */
  readonly existing?: false
  readonly noInferiors: boolean
}

/** Where a mailbox keeps what. `dovecot-acl` lies in `mail`. */
export interface MailboxDirectories {
  readonly mail: string
  readonly control: string
  readonly index: string | undefined
  /** Below `INDEXPVT`, where Dovecot keeps what is one user's own. */
  readonly indexPrivate?: string
}

/** A message as a format keeps it: the record all views share, and whatever the format adds to find it. */
export interface FormatRecord extends MessageRecord {
  flags: Flags
  modSeq: number
  expunged: boolean
}

/**
 * One open mailbox. Its owner calls one method at a time, except `openMessage` and `internalDate`, which may run beside
 * anything, and `commit` of what it began, which may run beside others of its kind. It is other programs that change the files
 * meanwhile.
 */
export interface FormatMailbox {
  readonly uidValidity: number
  readonly uidNext: number
  readonly guid: string
  readonly readOnly: boolean
  readonly keywords: readonly string[]
  /** It is read as soon as it is opened. */
  readonly isSmall?: boolean
  /** Cheap: whether `sync` would find a change, by mtimes and sizes alone. */
  changed(): boolean | Promise<boolean>
  /**
   * Brings files and records together: new mail gets UIDs, gone files are reported. The first call reports everything as added.
   * With `keepNew`, mail stays new to whoever comes next (Maildir: in `new`): for STATUS, EXAMINE and deliveries.
   */
  sync(options?: { readonly keepNew?: boolean }): Promise<FormatChanges>
  /** Makes flags so on disk; `flags` of the records are still the old ones. Records whose file is gone come back. */
  setFlags(changes: readonly ChangedFlags[]): Promise<readonly FormatRecord[]>
  /** Removes files. Resolves with those that are gone now, also when somebody else was first. */
  expunge(records: readonly FormatRecord[]): Promise<readonly FormatRecord[]>
  /** Its bytes may lie in the scratch that is lent. */
  openMessage(record: FormatRecord, scratch?: Scratch): StoredMessage | Promise<StoredMessage>
  /**
   * Reads the beginning of a message at once, where that costs less than to open it: as many bytes as there is room, fewer only
   * when it has no more. Answers how many.
   */
  readonly readHead?: ((record: FormatRecord, into: Buffer) => number) | undefined
  internalDate(record: FormatRecord): number | Promise<number>
  /** When it was put here, milliseconds since 1970, where that is another time: `autoexpunge` counts from it. */
  savedDate?(record: FormatRecord): number
  /** Virtual size when the format knows it without reading (`W=` in a Maildir name). */
  sizeOf(record: FormatRecord): number | undefined
  /** Bytes on disk when the format knows them without looking (`S=` in a Maildir name). */
  storedSizeOf?(record: FormatRecord): number | undefined
  /** Same content, same key, for as long as the message lives: the cache is keyed by it (Maildir: file name up to `:`). */
  keyOf(record: FormatRecord): string
  identity(record: FormatRecord): MessageIdentity
  /** Keeps POP3 UIDLs with messages; those that are gone are passed over. */
  keepPop3Uidls?(uidls: ReadonlyMap<FormatRecord, string>): Promise<void>
  beginAppend(): Promise<FormatAppending>
  /** Whether it is still there, and more messages may be put there without opening it again and reading what others changed. */
  takesMore?(): boolean
  /** Calls, soon and at least once, after files changed by anybody. Returns what stops it. */
  watch(listener: () => void): () => void
  close(): Promise<void>
}

export interface FormatChanges {
  /** Ascending by UID. */
  readonly added: readonly FormatRecord[]
  readonly expunged: readonly FormatRecord[]
  /** Their `flags` are still the old ones: the owner changes them when it knows the MODSEQ. */
  readonly flags: readonly ChangedFlags[]
  /** UIDs that are recent: given for the first time in this sync. */
  readonly recent: readonly number[]
}

export interface ChangedFlags {
  readonly record: FormatRecord
  readonly flags: Flags
}

export interface FormatAppending extends Omit<Appending, 'mailbox'> {
  /** Resolves when all that can be done before `commit` is done: what takes long without touching the mailbox. */
  settle?(): Promise<void>
  /**
   * Takes a message over from another mailbox of the same format without reading it (a hard link); `undefined` when that cannot
   * be, and its bytes must be written instead.
   */
  link(
    from: FormatMailbox,
    record: FormatRecord,
    flags: { bits: number; keywords: readonly string[] },
  ): Promise<true | undefined>
}

/** Makes interned flags; one per open mailbox, given to its format. */
export interface FlagTable {
  flags(bits: number, keywords: readonly string[]): Flags
}
