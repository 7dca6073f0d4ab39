import { ALL_SYSTEM_FLAGS, DELETED, type FlagChange } from '../flags.ts'
import type { FormatRecord } from '../formats/format.ts'
import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import type { QuotaHook } from '../quota-hook.ts'
import { StoreRefusal } from '../refusal.ts'
import type { Scratch } from '../scratch.ts'
import type {
  CopiedUids,
  Mailbox,
  MessageIdentity,
  MessageRecord,
  OnlyKnown,
  StoredMessage,
  UidRanges,
  ViewChanges,
} from '../store.ts'
import { amountOf, refusalOfGone, removed } from './copy.ts'
import { checkKeywords, type KeywordLimits } from './keyword-limits.ts'
import { readDates } from './read-dates.ts'
import { readHeaders, readSizes, readSummaries } from './read-summaries.ts'
import type { Onlooker, SharedMailbox } from './shared-mailbox.ts'
import type { Snapshot } from './snapshot.ts'
import { inRanges, rangesOf, listed } from './uid-ranges.ts'

export interface ViewNeeds {
  readonly name: string
  readonly readOnly: boolean
  readonly shared: SharedMailbox
  readonly keywordLimits: KeywordLimits
  /** Puts messages of this mailbox into another; answers what became of those that were still there. */
  copy(records: readonly FormatRecord[], to: string, options: { readonly moves: boolean }): Promise<CopiedUids>
  readonly quota: QuotaHook | undefined
  /** Called once, when the view is closed. */
  release(): void
}

/** One session's view of a shared mailbox. */
export class MailboxView implements Mailbox, Onlooker {
  readonly #needs: ViewNeeds
  readonly #shared: SharedMailbox
  #snapshot: Snapshot
  #count = 0
  #position: number
  #uidNext = 0
  #highestModSeq = 0
  #keywords = 0
  #recent: UidRanges = []
  #recentCount = 0
  /** A sync would have something to say. */
  #behind = false
  #listeners: Set<() => void> | undefined
  #unwatch: (() => void) | undefined
  #closed = false

  constructor(needs: ViewNeeds) {
    this.#needs = needs
    this.#shared = needs.shared
    this.#snapshot = needs.shared.current
    this.#position = needs.shared.journal.end
    needs.shared.attach(this)
    this.#catchUp(true)
  }

  get name(): string {
    return this.#needs.name
  }

  get readOnly(): boolean {
    return this.#needs.readOnly || this.#shared.format.readOnly
  }

  get uidValidity(): number {
    return this.#shared.uidValidity
  }

  get uidNext(): number {
    return this.#uidNext
  }

  get highestModSeq(): number {
    return this.#highestModSeq
  }

  get guid(): string {
    return this.#shared.format.guid
  }

  get keywords(): readonly string[] {
    return this.#shared.keywords
  }

  get permanent(): Mailbox['permanent'] {
    return this.readOnly ? { bits: 0, keywords: 'none' } : { bits: ALL_SYSTEM_FLAGS, keywords: 'new' }
  }

  get count(): number {
    return this.#count
  }

  get recent(): number {
    return this.#recentCount
  }

  get position(): number {
    return this.#position
  }

  message(sequence: number): MessageRecord {
    const record = sequence <= this.#count ? this.#snapshot.records[sequence - 1] : undefined
    if (record === undefined) throw new RangeError(`no message has sequence number ${sequence}`)
    return record
  }

  sequenceOf(uid: number): number {
    const index = this.#snapshot.indexFrom(uid, this.#count)
    return index < this.#count && this.#snapshot.records[index]?.uid === uid ? index + 1 : 0
  }

  sequenceFrom(uid: number): number {
    return this.#snapshot.indexFrom(uid, this.#count) + 1
  }

  isRecent(uid: number): boolean {
    return this.#recentCount > 0 && inRanges(this.#recent, uid)
  }

  sync({ expunge, look }: { expunge: boolean; look: 'now' | 'cached' }): ViewChanges | Promise<ViewChanges> {
    const looking = this.#shared.look(look)
    return looking === undefined ? this.#catchUp(expunge) : looking.then(() => this.#catchUp(expunge))
  }

  onChange(listener: () => void): () => void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    this.#unwatch ??= this.#shared.watch()
    if (this.#behind) queueMicrotask(listener)
    return () => {
      this.#listeners?.delete(listener)
      if (this.#listeners?.size !== 0) return
      this.#unwatch?.()
      this.#unwatch = undefined
      this.#listeners = undefined
    }
  }

  changed(): void {
    this.#behind = true
    if (this.#listeners) for (const listener of this.#listeners) listener()
  }

  openMessage(uid: number, scratch?: Scratch): StoredMessage | Promise<StoredMessage> {
    const record = this.#record(uid)
    if (record === undefined || record.expunged) throw new StoreRefusal('expunged', 'Message was expunged')
    return this.#shared.format.openMessage(record, scratch)
  }

  summaries(uids: readonly number[], options?: OnlyKnown): AsyncIterable<ReadonlyMap<number, MessageSummary>> {
    return readSummaries(this.#shared, this.#there(uids), options?.known)
  }

  headers(uids: readonly number[]): AsyncIterable<ReadonlyMap<number, HeaderSummary>> {
    return readHeaders(this.#shared, this.#there(uids))
  }

  sizes(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return readSizes(this.#shared, this.#there(uids))
  }

  identity(uid: number): MessageIdentity | undefined {
    const record = this.#record(uid)
    return record === undefined || record.expunged ? undefined : this.#shared.format.identity(record)
  }

  async keepPop3Uidls(uidls: ReadonlyMap<number, string>): Promise<void> {
    this.#refuseReadOnly()
    const there = this.#there([...uidls.keys()])
    await this.#shared.keepPop3Uidls(new Map(there.map((record) => [record, uidls.get(record.uid) ?? ''])))
  }

  internalDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return readDates(this.#shared, this.#there(uids))
  }

  savedDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return readDates(this.#shared, this.#there(uids), 'saved')
  }

  async store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }> {
    this.#refuseReadOnly()
    if (change.mode !== 'remove') checkKeywords(change.keywords, this.keywords, this.#needs.keywordLimits)
    const { silent, ...rest } = options
    const modified = await this.#shared.changeFlags(this.#there(uids), change, {
      ...rest,
      silentFor: silent ? this : undefined,
    })
    return { modified: modified.map(({ uid }) => uid) }
  }

  async expunge(uids?: readonly number[]): Promise<void> {
    this.#refuseReadOnly()
    const records = uids === undefined ? this.#snapshot.records.slice(0, this.#count) : this.#there(uids)
    await this.#remove(records, ({ flags }) => (flags.bits & DELETED) !== 0)
  }

  async remove(uids: readonly number[]): Promise<void> {
    this.#refuseReadOnly()
    await this.#remove(this.#there(uids), () => true)
  }

  copy(uids: readonly number[], to: string): Promise<CopiedUids> {
    return this.#needs.copy(this.#allThere(uids), to, { moves: false })
  }

  async move(uids: readonly number[], to: string): Promise<CopiedUids> {
    this.#refuseReadOnly()
    const records = this.#allThere(uids)
    const copied = await this.#needs.copy(records, to, { moves: true })
    const moved = new Set(copied.source)
    await this.#remove(records, ({ uid }) => moved.has(uid))
    return copied
  }

  vanishedSince(modSeq: number): Promise<UidRanges> {
    return Promise.resolve(this.#shared.index.vanishedSince(modSeq) ?? this.#absent())
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#unwatch?.()
      this.#listeners = undefined
      this.#shared.detach(this, this.#snapshot)
      this.#needs.release()
    }
    return Promise.resolve()
  }

  /** Without a log every UID that is not there may have been, once. */
  #absent(): UidRanges {
    const ranges: [first: number, last: number][] = []
    let next = 1
    for (let index = 0; index < this.#count; index += 1) {
      const uid = this.#snapshot.records[index]?.uid ?? next
      if (uid > next) ranges.push([next, uid - 1])
      next = uid + 1
    }
    if (this.#uidNext > next) ranges.push([next, this.#uidNext - 1])
    return ranges
  }

  #record(uid: number): FormatRecord | undefined {
    const sequence = this.sequenceOf(uid)
    return sequence === 0 ? undefined : this.#snapshot.records[sequence - 1]
  }

  /** Messages of the view that are not gone. */
  #there(uids: readonly number[]): FormatRecord[] {
    const records: FormatRecord[] = []
    for (const uid of uids) {
      const record = this.#record(uid)
      if (record !== undefined && !record.expunged) records.push(record)
    }
    return records
  }

  /** Messages of the view, or a refusal when some are gone. */
  #allThere(uids: readonly number[]): FormatRecord[] {
    const records = uids.map((uid) => this.#record(uid)).filter((record) => record !== undefined)
    if (records.some(({ expunged }) => expunged)) throw refusalOfGone()
    return records
  }

  async #remove(records: readonly FormatRecord[], condition: (record: FormatRecord) => boolean): Promise<void> {
    const { quota, name } = this.#needs
    const doomed = quota === undefined ? [] : records.filter((record) => !record.expunged && condition(record))
    const amount = quota && (await amountOf(this.#shared, doomed, quota))
    await this.#shared.expunge(records, condition)
    if (amount) await quota?.changed(name, removed(amount))
  }

  #refuseReadOnly(): void {
    if (this.readOnly) throw new StoreRefusal('read-only', 'Mailbox is read-only')
  }

  #catchUp(expunge: boolean): ViewChanges {
    if (this.#shared.gone) throw this.#shared.gone
    this.#behind = false
    const changed = this.#changedRecords()
    const gone = expunge ? this.#dropExpunged() : NOBODY
    const before = this.#count
    this.#count = this.#snapshot.records.length
    this.#uidNext = this.#shared.format.uidNext
    const keywords = this.#shared.keywords.length
    const newKeywords = keywords > this.#keywords
    this.#keywords = keywords
    const recent = this.#claimRecent(gone.uids)
    this.#highestModSeq = this.#vouched()
    return {
      expunged: gone.sequences,
      expungedUids: gone.uids,
      exists: this.#count === before ? undefined : this.#count,
      recent,
      flags: this.#sequencesOf(changed, before),
      newKeywords,
    }
  }

  /** Records whose flags others changed since the last sync. */
  #changedRecords(): Iterable<FormatRecord> {
    const { journal } = this.#shared
    const entries = journal.from(this.#position)
    this.#position = journal.end
    if (entries?.length === 0) return []
    if (entries === undefined) {
      const since = this.#highestModSeq
      return this.#snapshot.records.filter(({ modSeq }, index) => index < this.#count && modSeq > since)
    }
    const changed = new Set<FormatRecord>()
    for (const { record, silentFor } of entries) if (silentFor !== this) changed.add(record)
    return changed
  }

  /** Sequence numbers of those that were in the view before and still are. */
  #sequencesOf(records: Iterable<FormatRecord>, before: number): readonly number[] {
    const sequences: number[] = []
    for (const { uid, expunged } of records) {
      const sequence = expunged ? 0 : this.sequenceOf(uid)
      if (sequence > 0 && sequence <= before) sequences.push(sequence)
    }
    return sequences.sort((a, b) => a - b)
  }

  #dropExpunged(): Gone {
    const { current } = this.#shared
    const old = this.#snapshot
    if (old === current) return NOBODY
    const sequences: number[] = []
    const uids: number[] = []
    let kept = 0
    for (let index = 0; index < this.#count; index += 1) {
      const record = old.records[index]
      // A format may mark what it did not report yet: that still has its place.
      if (record === undefined || record === current.records[kept]) {
        kept += 1
        continue
      }
      sequences.push(index + 1)
      uids.push(record.uid)
    }
    this.#count -= uids.length
    this.#snapshot = current
    this.#shared.moveOn(old)
    // From the end, as Dovecot does: each number is that of the old view.
    return { sequences: sequences.reverse(), uids }
  }

  #claimRecent(gone: readonly number[]): number | undefined {
    const before = this.#recentCount
    const { unclaimed } = this.#shared
    if (unclaimed.size > 0 || (gone.length > 0 && before > 0)) {
      const dropped = new Set(gone)
      const uids = [...listed(this.#recent)].filter((uid) => !dropped.has(uid))
      const claimed = this.#unclaimed()
      if (!this.readOnly && unclaimed.size > 0) {
        if (claimed.length === unclaimed.size) unclaimed.clear()
        else for (const uid of claimed) unclaimed.delete(uid)
        this.#shared.saveRecent()
      }
      for (const uid of claimed) if (!inRanges(this.#recent, uid)) uids.push(uid)
      this.#recent = rangesOf(uids.sort((a, b) => a - b))
      this.#recentCount = uids.length
    }
    return this.#recentCount === before ? undefined : this.#recentCount
  }

  /** Messages of the view that no session was told of. */
  #unclaimed(): readonly number[] {
    const uids: number[] = []
    for (const uid of this.#shared.unclaimed) if (this.sequenceOf(uid) > 0) uids.push(uid)
    return uids
  }

  /** While messages that are gone keep their numbers, what went away after them was not told either. */
  #vouched(): number {
    return Math.min(this.#shared.highestModSeq, this.#snapshot.firstExpunge - 1)
  }
}

interface Gone {
  readonly sequences: readonly number[]
  readonly uids: readonly number[]
}

const NOBODY: Gone = { sequences: [], uids: [] }
