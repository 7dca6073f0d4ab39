import type { FormatRecord } from '../formats/format.ts'
import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import type { UidRanges } from '../store.ts'

/**
 * What is remembered of a mailbox while nobody has it open, and what several processes that have it open must agree on:
 * MODSEQs. A cache: losing it costs time, and clients a full resynchronisation.
 */
export interface MailboxIndex {
  /** What was known when it was last written; nothing after UIDVALIDITY changed. */
  load(): IndexedMailbox
  /** As of now, with what other processes recorded. */
  highestModSeq(): number
  /**
   * Records changes that are on disk and gives `modSeq` to the records: a new one, the same for all; or the one that another
   * process gave to the same change. Answers what `highestModSeq` was before.
   */
  record(changes: IndexChanges): GivenModSeqs
  /**
   * Records all messages of a mailbox of which none was recorded before, as `record` does; where they are many, on disk a little
   * later.
   */
  recordNew(messages: readonly FormatRecord[], uidNext: number): GivenModSeqs
  /**
   * Takes a MODSEQ for a change that is not about the mailbox's own flags: larger than all before it, and no smaller than
   * `atLeast`. Answers like `record`.
   */
  reserve(atLeast: number): GivenModSeqs
  /** Messages whose newest recorded change came after this MODSEQ. */
  changedSince(modSeq: number): readonly RecordedChange[]
  /** Messages from this UID on are \Recent for whoever selects the mailbox next. */
  setRecentFrom(uid: number): void
  /** Messages from this UID to below `uidNext` were put here while nobody looked: they are \Recent, too. */
  appended(firstUid: number, uidNext: number): void
  /** UIDs recorded as gone after this MODSEQ; `undefined` when the log does not reach back. */
  vanishedSince(modSeq: number): UidRanges | undefined
  /** Summaries that are known, by UID; each must belong to the key of its record. */
  summaries(records: readonly KeyedRecord[]): ReadonlyMap<number, MessageSummary>
  /** The same of headers, be it as part of a whole summary. */
  headers(records: readonly KeyedRecord[]): ReadonlyMap<number, HeaderSummary>
  /** Known from now on; on disk a little later. */
  addSummary(of: KeyedRecord, summary: HeaderSummary): void
  close(): void
}

/** `highestModSeq` before and after a change. */
export interface GivenModSeqs {
  readonly before: number
  readonly after: number
}

export interface IndexedMailbox {
  /** No message was recorded yet. */
  readonly isNew: boolean
  readonly highestModSeq: number
  /** Messages below it were there when the index was written. */
  readonly uidNext: number
  readonly recentFrom: number
}

export interface IndexChanges {
  /** New to this process, or with changed flags. */
  readonly changed: readonly FormatRecord[]
  readonly expunged: readonly FormatRecord[]
  /** All messages there are: any other in the index is gone. Given when a mailbox is opened. */
  readonly everything?: boolean
  readonly uidNext: number
}

export interface RecordedChange {
  readonly uid: number
  readonly modSeq: number
  /** `Flags.text` at that time. */
  readonly flags: string
}

export interface KeyedRecord {
  readonly uid: number
  readonly key: string
}
