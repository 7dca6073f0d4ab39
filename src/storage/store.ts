import type { FlagChange, Flags } from './flags.ts'
import type { HeaderSummary, MessageSummary } from './message/message-summary.ts'
import type { Scratch } from './scratch.ts'

/**
 * The mail of one user, as protocols, delivery and tools see it. Mailbox names are virtual names: Unicode, with the
 * namespace's prefix and separator; `INBOX` in this spelling. Refusals are thrown as `StoreRefusal`, faults as what they
 * are. Answers that are at hand come at once, not as promises: a caller awaits only a promise.
 */
export interface MailStore {
  readonly user: string
  /** In configuration order. */
  readonly namespaces: readonly StoreNamespace[]
  /**
   * Every mailbox the user can see that may match one of the patterns (`*` and `%`, RFC 3501 §6.3.8), and the directories
   * above them that are no mailboxes; it may hold more. A namespace with `list=no` answers only patterns that name its prefix.
   * No order is promised.
   */
  list(patterns: readonly string[]): Promise<readonly MailboxEntry[]>
  /** Subscribed names, existing or not. */
  subscriptions(): Promise<readonly string[]>
  subscribe(name: string, subscribed: boolean): Promise<void>
  create(name: string, options?: CreateOptions): Promise<void>
  delete(name: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  status(name: string): Promise<MailboxStatus>
  open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox>
  /** A transaction that puts messages into a mailbox. `not-found` where CREATE would help. */
  beginAppend(name: string): Promise<Appending>
  /** Limits on what a mailbox may hold, root by root; empty without the quota plugin. RFC 9208 §3. */
  quotaRoots(name: string): Promise<readonly QuotaRoot[]>
  /** Removes what `autoexpunge` lets nobody keep, once; resolves with how many messages. `close` does it too. */
  autoexpunge(): Promise<number>
  close(): Promise<void>
}

export interface StoreNamespace {
  /** The name of its section: `inbox`. */
  readonly name: string
  readonly type: 'private' | 'shared' | 'public'
  /** `shared/%%u/` is written `shared/` here. */
  readonly prefix: string
  readonly separator: string
  readonly inbox: boolean
  readonly hidden: boolean
  readonly list: 'yes' | 'no' | 'children'
  readonly subscriptions: boolean
  /** Its place in NAMESPACE; those of the same order are told as configured. */
  readonly order?: number
}

export interface MailboxEntry {
  readonly name: string
  readonly namespace: StoreNamespace
  /** False for a directory that is no mailbox itself: `\Noselect`. */
  readonly selectable: boolean
  readonly noInferiors: boolean
  /** `\Sent`, `\Trash` ... RFC 6154 §2. */
  readonly specialUse: readonly string[]
  /** False when only `subscribe` or a child speaks for it: `\NonExistent`. */
  readonly existing: boolean
}

export interface CreateOptions {
  /** RFC 6154 §3. */
  readonly specialUse?: readonly string[]
  /** The name ended with the separator: make a directory for others, not a mailbox. */
  readonly directory?: boolean
}

export interface MailboxStatus {
  readonly messages: number
  readonly recent: number
  readonly unseen: number
  readonly deleted: number
  readonly uidNext: number
  readonly uidValidity: number
  readonly highestModSeq: number
  /** Virtual size of all messages, lines ending with CRLF. */
  readonly sizeBytes: number
  /** 128-bit GUID in hex. */
  readonly guid: string
}

export interface QuotaRoot {
  readonly name: string
  readonly resources: readonly {
    readonly name: 'STORAGE' | 'MESSAGE'
    readonly usage: number
    readonly limit: number
  }[]
}

/**
 * A selected mailbox: one session's view of it. What others change shows only in `sync`, so that sequence numbers hold
 * still between. Flags are read as they are now.
 */
export interface Mailbox {
  readonly name: string
  readonly readOnly: boolean
  readonly uidValidity: number
  /** As of the last sync. */
  readonly uidNext: number
  readonly highestModSeq: number
  readonly guid: string
  /** All keywords in use here. */
  readonly keywords: readonly string[]
  /** What `store` may change for good: bits, and whether keywords may be set and made. */
  readonly permanent: { readonly bits: number; readonly keywords: 'new' | 'known' | 'none' }

  /** Messages in the view. */
  readonly count: number
  /** The message with this sequence number, 1 to `count`. */
  message(sequence: number): MessageRecord
  /** Sequence number of a UID; 0 when it is not in the view. */
  sequenceOf(uid: number): number
  /** Sequence number of the first message with this UID or a larger one; `count + 1` when there is none. */
  sequenceFrom(uid: number): number
  /** This session is the first to be told of it. */
  isRecent(uid: number): boolean
  readonly recent: number

  /**
   * Looks at the mailbox and brings the view up to date. Without `expunge` messages that are gone keep their numbers. With
   * `look: 'cached'` the disk is only looked at when it is known to have changed or the last look is old.
   */
  sync(options: { readonly expunge: boolean; readonly look: 'now' | 'cached' }): ViewChanges | Promise<ViewChanges>
  /** Calls when `sync` would have something to say. Returns what stops it. */
  onChange(listener: () => void): () => void

  /** Bytes of a message, which may lie in the scratch that is lent. `expunged` when it is gone. */
  openMessage(uid: number, scratch?: Scratch): StoredMessage | Promise<StoredMessage>
  /**
   * What FETCH and SEARCH want to know of messages without their bytes, in batches, cached; those that are gone are left out,
   * and with `known` those of which nothing is cached.
   */
  summaries(uids: readonly number[], options?: OnlyKnown): AsyncIterable<ReadonlyMap<number, MessageSummary>>
  /** The same of headers alone, which costs much less where nothing is known. */
  headers(uids: readonly number[]): AsyncIterable<ReadonlyMap<number, HeaderSummary>>
  /** Virtual sizes, lines ending with CRLF; those of messages that are gone are left out. */
  sizes(uids: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** What the format calls a message, for `pop3_uidl_format`; `undefined` when it is gone. */
  identity(uid: number): MessageIdentity | undefined
  /** Keeps these POP3 UIDLs, by UID, with the messages; where the format can. `pop3_save_uidl`. */
  keepPop3Uidls(uidls: ReadonlyMap<number, string>): Promise<void>
  /** When messages were received, milliseconds since 1970; those that are gone are left out. */
  internalDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** When messages came into this mailbox, milliseconds since 1970; those that are gone are left out. */
  savedDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>>

  /**
   * Changes flags, on disk when it resolves. `modified`: left alone because of `unchangedSince` (RFC 7162 §3.1.3). The next
   * sync reports the change to this session too, unless `silent`.
   */
  store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }>
  /** Removes messages marked \Deleted, all or those of `uids`; the next sync reports them. */
  expunge(uids?: readonly number[]): Promise<void>
  /** Removes these messages, marked \Deleted or not; the next sync reports them. */
  remove(uids: readonly number[]): Promise<void>
  /** All or nothing; `expunged` when one is gone. UIDs that are not in the view are left out. */
  copy(uids: readonly number[], to: string): Promise<CopiedUids>
  /** RFC 6851: copy, and remove here without \Deleted. */
  move(uids: readonly number[], to: string): Promise<CopiedUids>
  /** UIDs expunged after this MODSEQ, ascending; more when the log does not reach back. RFC 7162 §3.2.5. */
  vanishedSince(modSeq: number): Promise<UidRanges>
  close(): Promise<void>
}

/** Nothing is read to find out. */
export interface OnlyKnown {
  readonly known: boolean
}

export interface MessageIdentity {
  /** Maildir: the file name up to `:`. */
  readonly fileName: string
  readonly guid: string
  /** The POP3 UIDL that is kept with the message (uidlist `P`): it stands above `pop3_uidl_format`. */
  readonly pop3Uidl: string | undefined
}

/** Pairs first, last; ascending, apart. */
export type UidRanges = readonly (readonly [first: number, last: number])[]

/** One message; shared by all sessions that have the mailbox open, and kept current. */
export interface MessageRecord {
  readonly uid: number
  readonly flags: Flags
  readonly modSeq: number
  /** It is gone; views that were not synced still number it. */
  readonly expunged: boolean
}

export interface ViewChanges {
  /** For EXPUNGE, in the order to say them: each number is right after those before it were said. */
  readonly expunged: readonly number[]
  /** The same for VANISHED, ascending. */
  readonly expungedUids: readonly number[]
  /** The new `count`, when messages came or went by more than `expunged` says. */
  readonly exists: number | undefined
  readonly recent: number | undefined
  /** Sequence numbers (in the new view) of messages whose flags changed, ascending. */
  readonly flags: readonly number[]
  /** The keyword list grew: FLAGS and PERMANENTFLAGS are to be said again. */
  readonly newKeywords: boolean
}

/** Bytes of one message as they are stored: lines end with LF or CRLF. */
export interface StoredMessage {
  readonly sizeBytes: number
  /** The bytes from..to; fewer only when the file was cut. At most READ_CHUNK_BYTES at a time. */
  read(from: number, to: number): Buffer | Promise<Buffer>
  close(): void
}

/** What one `StoredMessage.read` may ask for. */
export const READ_CHUNK_BYTES = 1024 * 1024

export interface CopiedUids {
  readonly uidValidity: number
  /** In pairs: `source[i]` became `target[i]`. */
  readonly source: readonly number[]
  readonly target: readonly number[]
}

/** Messages on their way into a mailbox: seen by nobody before `commit`, all or none after it. */
export interface Appending {
  readonly mailbox: string
  /** What was ended so far, as it is stored; absent where that is what was written. */
  readonly ended?: StoredSizes | undefined
  /** Begins a message. The one before it must be finished. */
  begin(message: NewMessage): Promise<void>
  /** Bytes of the message begun last; resolves when more may come. */
  write(chunk: Uint8Array): void | Promise<void>
  /** Ends the message begun last. */
  end(): Promise<void>
  /** Everything is on disk, fsynced, when it resolves. UIDs in order of `begin`. */
  commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }>
  /** Leaves no trace. Does nothing after `commit`. */
  abort(): Promise<void>
}

/** Messages as they are stored. */
export interface StoredSizes {
  /** Lines ending with CRLF. */
  readonly sizeBytes: number
  readonly storedBytes: number
  /** What the format calls the last one: Maildir: the file name up to `:`. */
  readonly storageId: string
}

export interface NewMessage {
  readonly bits: number
  readonly keywords: readonly string[]
  /** Milliseconds since 1970; now when absent. */
  readonly internalDateMs?: number
  /** Known beforehand by APPEND, for the quota; LMTP learns it at the end. */
  readonly sizeBytes?: number
  /** LMTP and LDA: for the log and for duplicate suppression. */
  readonly envelopeSender?: string
}
