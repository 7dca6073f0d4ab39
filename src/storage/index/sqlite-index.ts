import type { FormatRecord } from '../formats/format.ts'
import { type HeaderSummary, isWhole, type MessageSummary } from '../message/message-summary.ts'
import { rangesOf } from '../mailbox/uid-ranges.ts'
import type { UidRanges } from '../store.ts'
import { type IndexFile, type IndexLog, messageOf, type OpenIndex } from './index-file.ts'
import { number, row, rows } from './index-query.ts'
import type {
  GivenModSeqs,
  IndexChanges,
  IndexedMailbox,
  KeyedRecord,
  MailboxIndex,
  RecordedChange,
} from './mailbox-index.ts'
import { MemoryIndex } from './memory-index.ts'
import { addRows, forget, hasMessages, recordAll, recordSome } from './message-rows.ts'
import { PendingRows } from './pending-rows.ts'
import { type PackedSummaryOf, type PendingBudget, PendingSummaries } from './pending-summaries.ts'
import type { SummaryMemories, SummaryMemory } from './summary-memory.ts'
import { unpackSummary } from './summary-codec.ts'
import { addSummaryRows, summaryRows } from './summary-rows.ts'

/** So many messages of a new mailbox are not written before the first answer. */
const WRITTEN_LATER = 1000

export interface SqliteIndexNeeds {
  /** The file, which may be another object after it was closed. */
  readonly file: () => IndexFile
  readonly mailbox: { readonly guid: string; readonly uidValidity: number }
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: IndexLog
  /** Of all mailboxes of this process. */
  readonly memories: SummaryMemories
  readonly pending: PendingBudget
}

/**
 * A mailbox in an index file. MODSEQs never fall behind the clock, so that they go up even when the file was lost. When the file
 * cannot be used, memory has to do until the mailbox is opened again.
 */
export class SqliteIndex implements MailboxIndex {
  readonly #needs: SqliteIndexNeeds
  readonly #memory: SummaryMemory
  readonly #pending: PendingSummaries
  readonly #rows = new PendingRows((records, modSeq) => this.#writeRows(records, modSeq))
  #row: { readonly file: IndexFile; readonly generation: number; readonly id: number } | undefined
  #highest = 0
  #instead: MemoryIndex | undefined

  constructor(needs: SqliteIndexNeeds) {
    this.#needs = needs
    this.#memory = needs.memories.open()
    this.#pending = new PendingSummaries(needs.pending, (summaries) => this.#writeSummaries(summaries))
  }

  load(): IndexedMailbox {
    return this.#try(
      (file) =>
        file.write((index) => {
          const id = this.#id(file, index)
          const [modSeq, uidNext, recentFrom] = row(
            index,
            'SELECT mod_seq, uid_next, recent_from FROM mailbox WHERE id = ?',
            id,
          )
          this.#highest = number(modSeq)
          const isNew = !hasMessages(index, id)
          return { isNew, highestModSeq: this.#highest, uidNext: number(uidNext), recentFrom: number(recentFrom) }
        }),
      (instead) => instead.load(),
    )
  }

  highestModSeq(): number {
    return this.#try(
      (file) =>
        file.run((index) => number(row(index, 'SELECT mod_seq FROM mailbox WHERE id = ?', this.#id(file, index))[0])),
      (instead) => instead.highestModSeq(),
    )
  }

  record(changes: IndexChanges): GivenModSeqs {
    for (const { uid } of changes.expunged) {
      this.#memory.forget(uid)
      this.#pending.forget(uid)
    }
    return this.#try(
      (file) => file.write((index) => this.#record(index, this.#id(file, index), changes)),
      (instead) => instead.record(changes),
    )
  }

  #record(index: OpenIndex, id: number, changes: IndexChanges): GivenModSeqs {
    const before = number(row(index, 'SELECT mod_seq FROM mailbox WHERE id = ?', id)[0])
    const next = Math.max(before + 1, this.#needs.now())
    const used = changes.everything ? recordAll(index, id, changes, next) : recordSome(index, id, changes, next)
    return this.#raise(index, id, { before, after: used ? next : before }, changes.uidNext)
  }

  #raise(index: OpenIndex, id: number, given: GivenModSeqs, uidNext: number): GivenModSeqs {
    const sql = 'UPDATE mailbox SET mod_seq = ?, uid_next = max(uid_next, ?) WHERE id = ?'
    index.statement(sql).run(given.after, uidNext, id)
    this.#highest = given.after
    return given
  }

  recordNew(messages: readonly FormatRecord[], uidNext: number): GivenModSeqs {
    return this.#try(
      (file) =>
        file.write((index) => {
          const id = this.#id(file, index)
          // Another process may have been faster.
          const everything = hasMessages(index, id)
          if (everything || messages.length < WRITTEN_LATER)
            return this.#record(index, id, { changed: messages, expunged: [], uidNext, everything })
          const before = number(row(index, 'SELECT mod_seq FROM mailbox WHERE id = ?', id)[0])
          const after = Math.max(before + 1, this.#needs.now())
          for (const record of messages) record.modSeq = after
          this.#rows.set(messages, after)
          return this.#raise(index, id, { before, after }, uidNext)
        }),
      (instead) => instead.recordNew(messages, uidNext),
    )
  }

  #writeRows(records: readonly FormatRecord[], modSeq: number): void {
    this.#try(
      (file) => file.write((index) => void addRows(index, this.#id(file, index), records, modSeq)),
      (instead) => void instead.record({ changed: records, expunged: [], uidNext: 0 }),
    )
  }

  reserve(atLeast: number): GivenModSeqs {
    return this.#try(
      (file) =>
        file.write((index) => {
          const id = this.#id(file, index)
          const before = number(row(index, 'SELECT mod_seq FROM mailbox WHERE id = ?', id)[0])
          const after = Math.max(before + 1, this.#needs.now(), atLeast)
          index.statement('UPDATE mailbox SET mod_seq = ? WHERE id = ?').run(after, id)
          this.#highest = after
          return { before, after }
        }),
      (instead) => instead.reserve(atLeast),
    )
  }

  changedSince(modSeq: number): readonly RecordedChange[] {
    return this.#try(
      (file) =>
        file.run((index) =>
          rows(
            index,
            'SELECT uid, mod_seq, flags FROM message WHERE mailbox = ? AND mod_seq > ?',
            this.#id(file, index),
            modSeq,
          ).map(([uid, at, flags]) => ({ uid: number(uid), modSeq: number(at), flags: String(flags) })),
        ),
      (instead) => instead.changedSince(modSeq),
    )
  }

  setRecentFrom(uid: number): void {
    this.#try(
      (file) =>
        file.write((index) => {
          index.statement('UPDATE mailbox SET recent_from = ? WHERE id = ?').run(uid, this.#id(file, index))
        }),
      (instead) => instead.setRecentFrom(uid),
    )
  }

  appended(firstUid: number, uidNext: number): void {
    const sql =
      'UPDATE mailbox SET recent_from = iif(uid_next = 0, ?, recent_from), uid_next = max(uid_next, ?) WHERE id = ?'
    this.#try(
      (file) =>
        file.write((index) => {
          index.statement(sql).run(firstUid, uidNext, this.#id(file, index))
        }),
      (instead) => instead.appended(firstUid, uidNext),
    )
  }

  vanishedSince(modSeq: number): UidRanges | undefined {
    return this.#try(
      (file) =>
        file.run((index) => {
          const id = this.#id(file, index)
          const [complete] = row(index, 'SELECT complete_after FROM mailbox WHERE id = ?', id)
          if (modSeq < number(complete)) return undefined
          const found = rows(index, 'SELECT uid FROM expunged WHERE mailbox = ? AND mod_seq > ?', id, modSeq)
          return rangesOf(found.map(([uid]) => number(uid)).sort((a, b) => a - b))
        }),
      (instead) => instead.vanishedSince(modSeq),
    )
  }

  summaries(records: readonly KeyedRecord[]): ReadonlyMap<number, MessageSummary> {
    return this.#find(records, isWhole)
  }

  headers(records: readonly KeyedRecord[]): ReadonlyMap<number, HeaderSummary> {
    return this.#find(records, (summary): summary is HeaderSummary => summary !== undefined)
  }

  #find<Wanted extends HeaderSummary>(
    records: readonly KeyedRecord[],
    isWanted: (summary: HeaderSummary) => summary is Wanted,
  ): ReadonlyMap<number, Wanted> {
    const found = new Map<number, Wanted>()
    const unknown: KeyedRecord[] = []
    for (const record of records) {
      const summary = this.#memory.find(record) ?? this.#pending.find(record)
      if (summary === undefined || !isWanted(summary)) unknown.push(record)
      else found.set(record.uid, summary)
    }
    if (unknown.length === 0) return found
    for (const [uid, summary] of this.#readSummaries(unknown)) if (isWanted(summary)) found.set(uid, summary)
    return found
  }

  #readSummaries(records: readonly KeyedRecord[]): ReadonlyMap<number, HeaderSummary> {
    const byUid = new Map(records.map((record) => [record.uid, record]))
    return this.#try(
      (file) =>
        file.run((index) => {
          const found = new Map<number, HeaderSummary>()
          for (const [uid, key, data] of summaryRows(index, this.#id(file, index), records)) {
            const record = byUid.get(number(uid))
            if (record === undefined || record.key !== key || !(data instanceof Uint8Array)) continue
            const summary = unpackSummary(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
            if (summary === undefined) continue
            found.set(record.uid, summary)
            this.#memory.add(record, summary, data.byteLength)
          }
          return found
        }),
      (instead) => instead.headers(records),
    )
  }

  addSummary(of: KeyedRecord, summary: HeaderSummary): void {
    this.#pending.add(of, summary)
  }

  #writeSummaries(summaries: readonly PackedSummaryOf[]): void {
    this.#rows.writeUpTo(summaries.reduce((most, { of }) => Math.max(most, of.uid), 0))
    this.#try(
      (file) => file.write((index) => addSummaryRows(index, this.#id(file, index), summaries)),
      (instead) => {
        for (const { of, packed } of summaries) instead.addPacked(of, packed)
      },
    )
  }

  close(): void {
    // The file is shared, and closes by itself.
    this.#rows.writeUpTo(Number.MAX_SAFE_INTEGER)
    this.#pending.flush()
    this.#memory.clear()
  }

  /** The mailbox's row, made when it is not there. A mailbox with another UIDVALIDITY is another mailbox. */
  #id(file: IndexFile, index: OpenIndex): number {
    if (this.#row?.file === file && this.#row.generation === index.generation) return this.#row.id
    const { guid, uidValidity } = this.#needs.mailbox
    const [known, validity] = row(index, 'SELECT id, uid_validity FROM mailbox WHERE guid = ?', guid)
    const id = known !== undefined && validity === uidValidity ? number(known) : this.#make(index, known)
    this.#row = { file, generation: index.generation, id }
    return id
  }

  #make(index: OpenIndex, old: unknown): number {
    const { guid, uidValidity } = this.#needs.mailbox
    if (old !== undefined) forget(index, number(old))
    // Whoever knows MODSEQs of an index that was lost knows smaller ones.
    const floor = Math.max(this.#highest, this.#needs.now())
    index.statement('INSERT INTO mailbox VALUES (NULL, ?, ?, 0, ?, 0, ?)').run(guid, uidValidity, floor, floor)
    return number(row(index, 'SELECT id FROM mailbox WHERE guid = ?', guid)[0])
  }

  #try<T>(work: (file: IndexFile) => T, instead: (index: MemoryIndex) => T): T {
    if (this.#instead === undefined) {
      try {
        return work(this.#needs.file())
      } catch (error) {
        const { log, now } = this.#needs
        log('error', `Index ${this.#needs.file().path} cannot be used, memory has to do: ${messageOf(error)}`)
        const highest = this.#highest
        this.#instead = new MemoryIndex(() => Math.max(highest + 1, now()))
      }
    }
    return instead(this.#instead)
  }
}
