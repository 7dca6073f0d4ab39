import type { FormatRecord } from '../formats/format.ts'
import { type HeaderSummary, isWhole, type MessageSummary } from '../message/message-summary.ts'
import { rangesOf } from '../mailbox/uid-ranges.ts'
import type { UidRanges } from '../store.ts'
import type {
  GivenModSeqs,
  IndexChanges,
  IndexedMailbox,
  KeyedRecord,
  MailboxIndex,
  RecordedChange,
} from './mailbox-index.ts'
import { packSummary, unpackSummary } from './summary-codec.ts'

/** Expunges remembered for VANISHED. */
const EXPUNGE_LOG = 10_000

/** An index that is forgotten with its process: `INDEX=MEMORY`, and what is left when the disk fails. */
export class MemoryIndex implements MailboxIndex {
  readonly #known = new Map<number, { readonly flags: string; readonly modSeq: number }>()
  readonly #summaries = new Map<number, { readonly key: string; readonly summary: HeaderSummary }>()
  #expunged: { readonly uid: number; readonly modSeq: number }[] = []
  /** The log holds every expunge after this MODSEQ. */
  #complete: number
  #modSeq: number
  #uidNext = 0
  #recentFrom = 0

  readonly #now: () => number

  /** MODSEQs never fall behind `now`, milliseconds since 1970: so they go up when an index was lost. */
  constructor(now: () => number) {
    this.#now = now
    this.#modSeq = now()
    this.#complete = this.#modSeq
  }

  load(): IndexedMailbox {
    return {
      isNew: this.#known.size === 0,
      highestModSeq: this.#modSeq,
      uidNext: this.#uidNext,
      recentFrom: this.#recentFrom,
    }
  }

  highestModSeq(): number {
    return this.#modSeq
  }

  record({ changed, expunged, everything, uidNext }: IndexChanges): GivenModSeqs {
    const before = this.#modSeq
    const next = Math.max(before + 1, this.#now())
    this.#uidNext = Math.max(this.#uidNext, uidNext)
    for (const record of changed) this.#change(record, next)
    for (const record of expunged) this.#expunge(record.uid, next, record)
    if (everything) {
      const there = new Set(changed.map(({ uid }) => uid))
      for (const uid of this.#known.keys()) if (!there.has(uid)) this.#expunge(uid, next)
    }
    return { before, after: this.#modSeq }
  }

  recordNew(changed: readonly FormatRecord[], uidNext: number): GivenModSeqs {
    return this.record({ changed, expunged: [], uidNext })
  }

  reserve(atLeast: number): GivenModSeqs {
    const before = this.#modSeq
    this.#modSeq = Math.max(before + 1, this.#now(), atLeast)
    return { before, after: this.#modSeq }
  }

  changedSince(modSeq: number): readonly RecordedChange[] {
    const known = [...this.#known].map(([uid, { flags, modSeq: at }]) => ({ uid, flags, modSeq: at }))
    return known.filter((change) => change.modSeq > modSeq)
  }

  setRecentFrom(uid: number): void {
    this.#recentFrom = uid
  }

  appended(firstUid: number, uidNext: number): void {
    if (this.#uidNext === 0) this.#recentFrom = firstUid
    this.#uidNext = Math.max(this.#uidNext, uidNext)
  }

  vanishedSince(modSeq: number): UidRanges | undefined {
    if (modSeq < this.#complete) return undefined
    const uids = this.#expunged.filter((entry) => entry.modSeq > modSeq).map(({ uid }) => uid)
    return rangesOf(uids.sort((a, b) => a - b))
  }

  summaries(records: readonly KeyedRecord[]): ReadonlyMap<number, MessageSummary> {
    const found = new Map<number, MessageSummary>()
    for (const [uid, summary] of this.headers(records)) if (isWhole(summary)) found.set(uid, summary)
    return found
  }

  headers(records: readonly KeyedRecord[]): ReadonlyMap<number, HeaderSummary> {
    const found = new Map<number, HeaderSummary>()
    for (const { uid, key } of records) {
      const known = this.#summaries.get(uid)
      if (known?.key === key) found.set(uid, known.summary)
    }
    return found
  }

  addSummary(of: KeyedRecord, summary: HeaderSummary): void {
    this.addPacked(of, packSummary(summary))
  }

  /** Packed they take least. */
  addPacked({ uid, key }: KeyedRecord, packed: Buffer): void {
    const summary = unpackSummary(packed)
    if (summary !== undefined) this.#summaries.set(uid, { key, summary })
  }

  close(): void {
    // Nothing is open.
  }

  #change(record: FormatRecord, next: number): void {
    const known = this.#known.get(record.uid)
    if (known?.flags === record.flags.text) {
      record.modSeq = known.modSeq
      return
    }
    this.#modSeq = next
    record.modSeq = next
    this.#known.set(record.uid, { flags: record.flags.text, modSeq: next })
  }

  #expunge(uid: number, next: number, record?: FormatRecord): void {
    this.#known.delete(uid)
    this.#summaries.delete(uid)
    this.#modSeq = next
    if (record) record.modSeq = next
    this.#expunged.push({ uid, modSeq: next })
    if (this.#expunged.length <= EXPUNGE_LOG) return
    const dropped = this.#expunged.splice(0, EXPUNGE_LOG / 2)
    this.#complete = dropped.at(-1)?.modSeq ?? this.#complete
  }
}
