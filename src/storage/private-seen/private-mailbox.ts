// A mailbox of which only \Seen is the user's own.
import { type FlagChange, type Flags, SEEN } from '../flags.ts'
import { MailboxAround } from '../mailbox/mailbox-around.ts'
import { StoreRefusal } from '../refusal.ts'
import type { Mailbox, MessageRecord, ViewChanges } from '../store.ts'
import type { PrivateSeen, SeenOnlooker } from './private-seen.ts'

export interface PrivateMailboxNeeds {
  /** As everybody sees it. */
  readonly view: Mailbox
  readonly seen: PrivateSeen
  /** How often it is asked for marks of other processes while somebody waits for changes. */
  readonly rescanMs: number
}

export class PrivateMailbox extends MailboxAround implements SeenOnlooker {
  readonly #seen: PrivateSeen
  readonly #rescanMs: number
  /** Messages whose marks changed since the last sync. */
  #changed = new Set<number>()
  readonly #listeners = new Set<() => void>()

  constructor({ view, seen, rescanMs }: PrivateMailboxNeeds) {
    super(view)
    this.#seen = seen
    this.#rescanMs = rescanMs
    seen.attach(this)
  }

  override message(sequence: number): MessageRecord {
    return new PrivateRecord(this.inner.message(sequence), this.#seen)
  }

  override sync(options: {
    readonly expunge: boolean
    readonly look: 'now' | 'cached'
  }): ViewChanges | Promise<ViewChanges> {
    const meeting = options.look === 'now' ? this.#seen.meet() : undefined
    return meeting === undefined ? this.#syncView(options) : meeting.then(() => this.#syncView(options))
  }

  override onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (this.#changed.size > 0) queueMicrotask(listener)
    const stop = this.inner.onChange(listener)
    const timer = setInterval(() => this.#seen.refresh(), this.#rescanMs).unref()
    return () => {
      this.#listeners.delete(listener)
      clearInterval(timer)
      stop()
    }
  }

  seenChanged(uids: readonly number[]): void {
    for (const uid of uids) this.#changed.add(uid)
    for (const listener of this.#listeners) listener()
  }

  /** What is everybody's first: when that fails nothing is marked. */
  override async store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }> {
    if (this.readOnly) throw new StoreRefusal('read-only', 'Mailbox is read-only')
    const { silent, unchangedSince = Number.POSITIVE_INFINITY } = options
    const mine = unchangedSince === Number.POSITIVE_INFINITY ? [] : await this.#changedAfter(uids, unchangedSince)
    const left = new Set(mine)
    const rest = left.size === 0 ? uids : uids.filter((uid) => !left.has(uid))
    const common = commonPart(change)
    if (common !== undefined) for (const uid of (await this.inner.store(rest, common, options)).modified) left.add(uid)
    const isSeen = markOf(change)
    const there = rest.filter((uid) => !left.has(uid) && this.#isThere(uid))
    if (isSeen !== undefined) await this.#seen.mark(there, isSeen, silent ? this : undefined)
    return { modified: uids.filter((uid) => left.has(uid)) }
  }

  override async close(): Promise<void> {
    this.#seen.detach(this)
    await this.inner.close()
  }

  async #syncView(options: { readonly expunge: boolean; readonly look: 'now' | 'cached' }): Promise<ViewChanges> {
    const before = this.inner.count
    return this.#withMarks(await this.inner.sync(options), before)
  }

  /** Flags of messages that were in the view before: those that others changed, and those whose marks did. */
  #withMarks(changes: ViewChanges, before: number): ViewChanges {
    this.#seen.drop(changes.expungedUids)
    if (this.#changed.size === 0) return changes
    const known = before - changes.expunged.length
    const sequences = new Set(changes.flags)
    for (const uid of this.#changed) {
      const sequence = this.#isThere(uid) ? this.inner.sequenceOf(uid) : 0
      if (sequence > 0 && sequence <= known) sequences.add(sequence)
    }
    this.#changed = new Set()
    return { ...changes, flags: [...sequences].sort((one, other) => one - other) }
  }

  /** Looks first: another process may have marked some. */
  async #changedAfter(uids: readonly number[], modSeq: number): Promise<readonly number[]> {
    await this.#seen.meet()
    return uids.filter((uid) => this.#isThere(uid) && this.#seen.modSeq(uid) > modSeq)
  }

  #isThere(uid: number): boolean {
    const sequence = this.inner.sequenceOf(uid)
    return sequence > 0 && !this.inner.message(sequence).expunged
  }
}

/** A message with the user's own mark, current like the one it stands for. */
class PrivateRecord implements MessageRecord {
  readonly uid: number
  readonly #record: MessageRecord
  readonly #seen: PrivateSeen

  constructor(record: MessageRecord, seen: PrivateSeen) {
    this.uid = record.uid
    this.#record = record
    this.#seen = seen
  }

  get flags(): Flags {
    return this.#seen.flagsOf(this.#record)
  }

  get modSeq(): number {
    return Math.max(this.#record.modSeq, this.#seen.modSeq(this.uid))
  }

  get expunged(): boolean {
    return this.#record.expunged
  }
}

/** What of a change everybody sees; `undefined`: nothing. */
function commonPart(change: FlagChange): FlagChange | undefined {
  const bits = change.bits & ~SEEN
  if (change.mode === 'replace') return { ...change, bits, keeps: (change.keeps ?? 0) | SEEN }
  return bits === 0 && change.keywords.length === 0 ? undefined : { ...change, bits }
}

/** Whether a change marks messages, or takes marks away; `undefined`: neither. */
function markOf({ mode, bits, keeps = 0 }: FlagChange): boolean | undefined {
  const names = (bits & SEEN) !== 0
  if (mode !== 'replace') return names ? mode === 'add' : undefined
  return (keeps & SEEN) === 0 ? names : undefined
}
