// One user's own \Seen in a mailbox that others use too: INDEXPVT. Rules:
// - nobody has seen a message before he says so; what others say does not count;
// - a change takes a MODSEQ of the mailbox, so that clients that compare MODSEQs miss nothing, and gives it to its user alone;
// - sessions of one process share this, those of other processes meet in the file.
import { setImmediate } from 'node:timers/promises'
import { InternedFlags } from '../flag-table.ts'
import { type Flags, SEEN } from '../flags.ts'
import { type IndexLog, messageOf } from '../index/index-file.ts'
import type { SharedMailbox } from '../mailbox/shared-mailbox.ts'
import type { MessageRecord } from '../store.ts'
import type { DovecotSeen } from './dovecot-seen.ts'
import type { PrivateRows } from './private-rows.ts'

/** Messages marked at once. */
const SLICE = 1000

/** Who is told of changes. */
export interface SeenOnlooker {
  seenChanged(uids: readonly number[]): void
}

export interface PrivateSeenNeeds {
  readonly shared: Pick<
    SharedMailbox,
    'current' | 'format' | 'highestModSeq' | 'index' | 'look' | 'uidValidity' | 'vouch'
  >
  /** `undefined`: it is kept in memory, for as long as the mailbox is open. */
  readonly rows: PrivateRows | undefined
  /** What the user had seen with Dovecot; `undefined`: nothing is known of that. Asked when nothing was kept here yet. */
  readonly before?: () => DovecotSeen | undefined
  readonly log: IndexLog
}

export class PrivateSeen {
  readonly #shared: PrivateSeenNeeds['shared']
  readonly #log: IndexLog
  #rows: PrivateRows | undefined
  /** MODSEQs of changes; negative for messages that were marked and are not any more. */
  readonly #marks = new Map<number, number>()
  #highestModSeq = 0
  #onlookers: readonly SeenOnlooker[] = []
  readonly #flags = new InternedFlags()
  readonly #shown = new WeakMap<Flags, readonly [unseen: Flags, seen: Flags]>()

  constructor({ shared, rows, before, log }: PrivateSeenNeeds) {
    this.#shared = shared
    this.#rows = rows
    this.#log = log
    if (before !== undefined) this.#begin(before)
    this.refresh()
    this.#dropAbsent()
  }

  has(uid: number): boolean {
    return (this.#marks.get(uid) ?? 0) > 0
  }

  /** Of the newest change to the user's own mark; 0: there was none. */
  modSeq(uid: number): number {
    return Math.abs(this.#marks.get(uid) ?? 0)
  }

  /** Flags of a message as the user sees them: equal ones are one object. */
  flagsOf({ uid, flags }: MessageRecord): Flags {
    let shown = this.#shown.get(flags)
    if (shown === undefined) {
      const { bits, keywords } = flags
      shown = [this.#flags.flags(bits & ~SEEN, keywords), this.#flags.flags(bits | SEEN, keywords)]
      this.#shown.set(flags, shown)
    }
    return shown[this.has(uid) ? 1 : 0]
  }

  /** How many messages of the mailbox the user has not seen. */
  countUnseen(): number {
    let unseen = 0
    for (const { uid } of this.#shared.current.records) if (!this.has(uid)) unseen += 1
    return unseen
  }

  attach(onlooker: SeenOnlooker): void {
    this.#onlookers = [...this.#onlookers, onlooker]
  }

  detach(onlooker: SeenOnlooker): void {
    this.#onlookers = this.#onlookers.filter((one) => one !== onlooker)
  }

  /** Learns what other processes wrote. */
  refresh(): void {
    const news = this.#try((rows) => rows.changedSince(this.#highestModSeq))
    if (news === undefined) return
    this.#highestModSeq = news.modSeq
    const changed: number[] = []
    for (const { uid, modSeq, isSeen } of news.rows) {
      const mark = isSeen ? modSeq : -modSeq
      if (this.#marks.get(uid) === mark) continue
      this.#marks.set(uid, mark)
      changed.push(uid)
    }
    if (changed.length > 0) this.#tell(changed)
  }

  /** The same, and sees to it that the mailbox's MODSEQ is no smaller than those of the marks. */
  meet(): Promise<void> | undefined {
    this.refresh()
    return this.#highestModSeq > this.#shared.highestModSeq ? this.#raise() : undefined
  }

  /** Marks messages, on disk when it resolves. `silentFor` need not be told. */
  async mark(uids: readonly number[], isSeen: boolean, silentFor?: SeenOnlooker): Promise<void> {
    this.refresh()
    const changed = uids.filter((uid) => this.has(uid) !== isSeen)
    for (let at = 0; at < changed.length; at += SLICE) {
      // Other sessions of the process have their turn in between.
      if (at > 0) await setImmediate()
      this.#markSome(changed.slice(at, at + SLICE), isSeen, silentFor)
    }
  }

  /** Messages are gone. */
  drop(uids: readonly number[]): void {
    const known = uids.filter((uid) => this.#marks.delete(uid))
    if (known.length > 0) this.#try((rows) => rows.drop(known))
  }

  /** Keeps the number of unseen messages for files with this signature. */
  keepUnseen(signature: string, unseen: number): void {
    this.#try((rows) => rows.keepUnseen(signature, unseen, this.#highestModSeq))
  }

  /** Whoever comes from Dovecot has seen what he has seen there. */
  #begin(before: () => DovecotSeen | undefined): void {
    const found = this.#try((rows) => rows.isKnown()) === false ? before() : undefined
    if (found === undefined) return
    const { current, uidValidity } = this.#shared
    if (found.uidValidity !== uidValidity) return
    const seen = found.seen.filter((uid) => current.find(uid) !== undefined)
    const isFirst = this.#try((rows) => rows.begin(seen, () => this.#reserve()))
    if (isFirst === true) this.#log('info', `INDEXPVT: took \\Seen of ${seen.length} messages from Dovecot`)
  }

  #reserve(): number {
    const given = this.#shared.index.reserve(this.#highestModSeq + 1)
    this.#shared.vouch(given)
    return given.after
  }

  async #raise(): Promise<void> {
    const shared = this.#shared
    // What happened to the mailbox before the marks must be known before their MODSEQs are told.
    shared.vouch({ before: Number.POSITIVE_INFINITY, after: 0 })
    await shared.look('now')
    if (this.#highestModSeq > shared.highestModSeq) shared.vouch(shared.index.reserve(this.#highestModSeq))
  }

  #markSome(uids: readonly number[], isSeen: boolean, silentFor: SeenOnlooker | undefined): void {
    const reserve = (): number => this.#reserve()
    const modSeq = this.#try((rows) => rows.mark(uids, isSeen, reserve)) ?? reserve()
    for (const uid of uids) this.#marks.set(uid, isSeen ? modSeq : -modSeq)
    this.#tell(uids, silentFor)
    // Another process may have written since the look before this: its marks are older than these.
    this.refresh()
    this.#highestModSeq = Math.max(this.#highestModSeq, modSeq)
  }

  /** Marks of messages that went while nobody looked. */
  #dropAbsent(): void {
    const { current, format } = this.#shared
    const absent = [...this.#marks.keys()].filter((uid) => uid < format.uidNext && current.find(uid) === undefined)
    this.drop(absent)
  }

  #tell(uids: readonly number[], silentFor?: SeenOnlooker): void {
    for (const onlooker of this.#onlookers) if (onlooker !== silentFor) onlooker.seenChanged(uids)
  }

  #try<T>(work: (rows: PrivateRows) => T): T | undefined {
    if (this.#rows === undefined) return undefined
    try {
      return work(this.#rows)
    } catch (error) {
      this.#log('error', `INDEXPVT: \\Seen is kept in memory until the mailbox is closed: ${messageOf(error)}`)
      this.#rows = undefined
      return undefined
    }
  }
}
