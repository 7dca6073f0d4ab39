// One mailbox that is open in this process, for all sessions that look at it. Rules:
// - one format operation at a time (the queue); messages are read beside it;
// - files change first, then the index gives MODSEQs, then the views hear of it: all in one turn of the event loop;
// - records are shared: a flag that changed is changed for everybody, only sequence numbers are each view's own.
import { applyChange, type InternedFlags } from '../flag-table.ts'
import type { FlagChange, Flags } from '../flags.ts'
import type { ChangedFlags, FormatChanges, FormatMailbox, FormatRecord } from '../formats/format.ts'
import type { GivenModSeqs, MailboxIndex } from '../index/mailbox-index.ts'
import { StoreRefusal } from '../refusal.ts'
import { ChangeJournal } from './change-journal.ts'
import { JointCommits } from './joint-commits.ts'
import { Queue } from './queue.ts'
import { Snapshot } from './snapshot.ts'

/** What a shared mailbox tells the views of it. */
export interface Onlooker {
  /** The next position of the journal it wants to see. */
  readonly position: number
  /** A sync would have something to say, except perhaps to the one that caused it. */
  changed(): void
}

export interface SharedMailboxNeeds {
  readonly format: FormatMailbox
  readonly index: MailboxIndex
  readonly flags: InternedFlags
  /** How long a look at the disk is good for when only a cached one is asked for, and how often watched mailboxes are rescanned. */
  readonly rescanMs: number
  now(): number
}

export class SharedMailbox {
  readonly format: FormatMailbox
  readonly index: MailboxIndex
  readonly uidValidity: number
  readonly journal = new ChangeJournal()
  /** Messages no session was told of: \Recent for the next that may take them. */
  readonly unclaimed = new Set<number>()
  readonly #flags: InternedFlags
  readonly #needs: SharedMailboxNeeds
  readonly #queue = new Queue()
  readonly #commits = new JointCommits({
    exclusively: (work) => this.#exclusively(work),
    look: () => this.#sync(),
  })
  #onlookers: readonly Onlooker[] = []
  /** Snapshots that views number by, the current one always. */
  #snapshots: readonly Snapshot[]
  #current = new Snapshot([])
  #highestModSeq = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  /** Files may have changed since the last look. */
  #stale = false
  #gone: StoreRefusal | undefined
  #watchers = 0
  #unwatch: (() => void) | undefined

  constructor(needs: SharedMailboxNeeds) {
    this.#needs = needs
    this.format = needs.format
    this.index = needs.index
    this.#flags = needs.flags
    this.uidValidity = needs.format.uidValidity
    this.#snapshots = [this.#current]
  }

  /** The first look: everything is new. */
  async load(): Promise<void> {
    await this.#queue.run(async () => {
      const known = this.index.load()
      this.#highestModSeq = known.highestModSeq
      const { added, recent } = await this.format.sync()
      for (const record of added) this.#current.records.push(record)
      const { uidNext } = this.format
      const recorded = known.isNew
        ? this.index.recordNew(added, uidNext)
        : this.index.record({ changed: added, expunged: [], uidNext, everything: true })
      this.vouch(recorded)
      for (const uid of recent) this.unclaimed.add(uid)
      for (const { uid } of added) if (uid >= known.recentFrom && uid < known.uidNext) this.unclaimed.add(uid)
      this.saveRecent()
      this.#lookedAt = this.#needs.now()
    })
  }

  get current(): Snapshot {
    return this.#current
  }

  get highestModSeq(): number {
    return this.#highestModSeq
  }

  get keywords(): readonly string[] {
    return this.format.keywords
  }

  /** Why it cannot be used any longer. */
  get gone(): StoreRefusal | undefined {
    return this.#gone
  }

  attach(onlooker: Onlooker): void {
    this.#onlookers = [...this.#onlookers, onlooker]
    this.#current.views += 1
  }

  /** The onlooker numbers by another snapshot from now on. */
  moveOn(from: Snapshot): void {
    this.#release(from)
    this.#current.views += 1
  }

  detach(onlooker: Onlooker, snapshot: Snapshot): void {
    this.#onlookers = this.#onlookers.filter((one) => one !== onlooker)
    this.#release(snapshot)
    this.#trimJournal()
  }

  /** Ends it for everybody: it was deleted, renamed, or is another mailbox now. */
  end(why: StoreRefusal): void {
    this.#gone ??= why
    this.#tell()
  }

  /** Brings everything up to date with the disk; comes back at once when there is nothing to do. */
  look(mode: 'now' | 'cached'): void | Promise<void> {
    this.#refuseWhenGone()
    if (mode === 'cached' && !this.#stale && this.#needs.now() - this.#lookedAt < this.#needs.rescanMs) return
    if (this.#queue.busy) return this.#queue.run(() => this.#lookNow())
    const changed = this.#stale || this.#formatChanged()
    if (changed === false) {
      this.#lookedAt = this.#needs.now()
      return
    }
    return this.#queue.run(() => this.#lookNow())
  }

  /** Changes flags; answers records left alone because of `unchangedSince`. `silentFor` need not be told. */
  changeFlags(
    records: readonly FormatRecord[],
    change: FlagChange,
    options: { readonly unchangedSince?: number; readonly silentFor: object | undefined },
  ): Promise<readonly FormatRecord[]> {
    return this.#exclusively(async () => {
      await this.#lookNow()
      const { unchangedSince = Number.POSITIVE_INFINITY } = options
      const modified = records.filter(({ modSeq, expunged }) => !expunged && modSeq > unchangedSince)
      const changes = this.#changesOf(
        records.filter(({ modSeq, expunged }) => !expunged && modSeq <= unchangedSince),
        change,
      )
      if (changes.length > 0) await this.#writeFlags(changes, options.silentFor)
      return modified
    })
  }

  /** Where the format can; nobody need be told. */
  keepPop3Uidls(uidls: ReadonlyMap<FormatRecord, string>): Promise<void> {
    return this.#exclusively(async () => await this.format.keepPop3Uidls?.(uidls))
  }

  /** Removes those of the messages that are still there and meet the condition. */
  expunge(records: readonly FormatRecord[], condition: (record: FormatRecord) => boolean): Promise<void> {
    return this.#exclusively(async () => {
      await this.#lookNow()
      const doomed = records.filter((record) => !record.expunged && condition(record))
      if (doomed.length === 0) return
      const gone = await this.format.expunge(doomed)
      this.#remember({ added: [], expunged: gone, flags: [], recent: [] })
    })
  }

  /** Runs a commit of new messages behind the queue, together with others that wait there, and looks at what they did. */
  add<T>(commit: () => Promise<T>): Promise<T> {
    return this.#commits.add(commit)
  }

  /** Messages that were put here from outside, so lately that nobody was told of them. */
  noteRecent(uids: readonly number[]): void {
    for (const uid of uids) if (this.#current.find(uid)) this.unclaimed.add(uid)
    this.#tell()
  }

  /** Sees to it that changes by others are noticed while somebody waits for them. Returns what ends it. */
  watch(): () => void {
    this.#watchers += 1
    if (this.#watchers === 1) this.#startWatching()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#watchers -= 1
      if (this.#watchers === 0) this.#stopWatching()
    }
  }

  /** Closes files; nobody may look at it any more. */
  async close(): Promise<void> {
    this.#stopWatching()
    await this.#queue.run(async () => {
      this.saveRecent()
      this.index.close()
      await this.format.close()
    })
  }

  /** Writes down which messages nobody was told of. */
  saveRecent(): void {
    let first = this.format.uidNext
    for (const uid of this.unclaimed) if (uid < first) first = uid
    this.index.setRecentFrom(first)
  }

  /** Runs a change by itself. When it fails nobody knows how far it came: the disk is looked at next. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      this.#refuseWhenGone()
      try {
        return await work()
      } catch (error) {
        this.#stale = true
        throw error
      }
    })
  }

  async #lookNow(): Promise<void> {
    this.#refuseWhenGone()
    const changed = this.#stale || (await this.#formatChanged())
    if (changed) await this.#sync()
    else this.#lookedAt = this.#needs.now()
  }

  async #sync(): Promise<void> {
    this.#stale = false
    const unseen = this.index.highestModSeq()
    const changes = await this.#syncFormat()
    this.#lookedAt = this.#needs.now()
    if (this.format.uidValidity !== this.uidValidity) {
      this.end(new StoreRefusal('not-found', 'Mailbox UIDVALIDITY changed'))
      this.#refuseWhenGone()
    }
    const seen = this.#highestModSeq
    this.#highestModSeq = Math.max(seen, unseen)
    this.#remember(changes)
    if (unseen > seen) this.#takeModSeqs(seen, unseen)
  }

  /** Flags that another process changed and changed back look as before, but their MODSEQ is another. */
  #takeModSeqs(seen: number, unseen: number): void {
    let any = false
    for (const { uid, modSeq, flags } of this.index.changedSince(seen)) {
      const record = modSeq <= unseen ? this.#current.find(uid) : undefined
      if (record === undefined || record.modSeq >= modSeq || record.flags.text !== flags) continue
      record.modSeq = modSeq
      this.journal.add(record, undefined)
      any = true
    }
    if (any) this.#tell()
  }

  #formatChanged(): boolean | Promise<boolean> {
    try {
      const changed = this.format.changed()
      return typeof changed === 'boolean' ? changed : changed.catch((error: unknown) => this.#failed(error))
    } catch (error) {
      return this.#failed(error)
    }
  }

  #syncFormat(): Promise<FormatChanges> {
    return this.format.sync().catch((error: unknown) => this.#failed(error))
  }

  /** A mailbox that is not there any more is over, also when one of its name appears again. */
  #failed(error: unknown): never {
    if (error instanceof StoreRefusal && error.code === 'not-found') this.end(error)
    else this.#stale = true
    throw error
  }

  #changesOf(records: readonly FormatRecord[], change: FlagChange): ChangedFlags[] {
    // Most messages have the same flags before, and so the same after.
    const results = new Map<Flags, Flags>()
    const changes: ChangedFlags[] = []
    for (const record of records) {
      let flags = results.get(record.flags)
      if (flags === undefined) {
        flags = applyChange(this.#flags, record.flags, change, this.format.keywords)
        results.set(record.flags, flags)
      }
      if (flags !== record.flags) changes.push({ record, flags })
    }
    return changes
  }

  async #writeFlags(changes: readonly ChangedFlags[], silentFor: object | undefined): Promise<void> {
    const gone = await this.format.setFlags(changes)
    const lost = new Set(gone)
    const flags = changes.filter(({ record }) => !lost.has(record))
    this.#remember({ added: [], expunged: gone, flags, recent: [] }, silentFor)
  }

  /** What happened on disk becomes known: to the index, the snapshots, the journal, and whoever looks on. */
  #remember({ added, expunged: reported, flags: changes, recent }: FormatChanges, silentFor?: object): void {
    // A format may report again what it said when it could not change flags, and mark it itself.
    const expunged = [...new Set(reported)].filter((record) => this.#current.find(record.uid) === record)
    if (added.length + expunged.length + changes.length === 0) return
    for (const record of expunged) record.expunged = true
    for (const { record, flags } of changes) record.flags = flags
    const flagged = changes.map(({ record }) => record)
    const changed = added.length === 0 ? flagged : [...added, ...flagged]
    this.vouch(this.index.record({ changed, expunged, uidNext: this.format.uidNext }))
    this.#add(added)
    for (const uid of recent) this.unclaimed.add(uid)
    for (const record of flagged) this.journal.add(record, silentFor)
    if (expunged.length > 0) this.#dropExpunged(expunged)
    this.#tell()
  }

  /** The index gave MODSEQs. */
  vouch({ before, after }: GivenModSeqs): void {
    // Another process recorded something that was not seen yet: until a look began after that, MODSEQs are not vouched for.
    if (before <= this.#highestModSeq) this.#highestModSeq = Math.max(this.#highestModSeq, after)
    else this.#stale = true
  }

  #add(added: readonly FormatRecord[]): void {
    for (const record of added) {
      for (const { records } of this.#snapshots) {
        const last = records.at(-1)
        if (last !== undefined && last.uid >= record.uid) this.#refuseOrder(record.uid)
        records.push(record)
      }
    }
  }

  #refuseOrder(uid: number): never {
    this.end(new StoreRefusal('not-found', 'Mailbox UIDs changed'))
    throw new Error(`message came back with UID ${uid}, or it was given twice`)
  }

  #dropExpunged(expunged: readonly FormatRecord[]): void {
    const old = this.#current
    for (const { uid } of expunged) this.unclaimed.delete(uid)
    for (const { modSeq } of expunged) old.firstExpunge = Math.min(old.firstExpunge, modSeq)
    const gone = new Set(expunged) // Not by its mark: what the format did not report yet would never be recorded.
    this.#current = new Snapshot(old.records.filter((record) => !gone.has(record)))
    this.#snapshots = [...this.#snapshots.filter((one) => one !== old || old.views > 0), this.#current]
  }

  #release(snapshot: Snapshot): void {
    snapshot.views -= 1
    if (snapshot.views > 0 || snapshot === this.#current) return
    this.#snapshots = this.#snapshots.filter((one) => one !== snapshot)
  }

  #tell(): void {
    for (const onlooker of this.#onlookers) onlooker.changed()
    this.#trimJournal()
  }

  #trimJournal(): void {
    let first = this.journal.end
    for (const { position } of this.#onlookers) first = Math.min(first, position)
    this.journal.forget(first)
  }

  #startWatching(): void {
    const stop = this.format.watch(() => this.#lookAgain())
    const timer = setInterval(() => this.#lookAgain(), this.#needs.rescanMs).unref()
    this.#unwatch = () => {
      stop()
      clearInterval(timer)
    }
  }

  #stopWatching(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
  }

  #lookAgain(): void {
    if (this.#gone) return
    // A failure shows again, and to somebody, when a view syncs.
    Promise.resolve()
      .then(() => this.look('now'))
      .catch(() => {
        this.#stale = true
        this.#tell()
      })
  }

  #refuseWhenGone(): void {
    if (this.#gone) throw this.#gone
  }
}
