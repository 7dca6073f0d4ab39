// A selected mailbox, with the rights its session has now.
import { DELETED, type FlagChange } from '../../storage/flags.ts'
import type { HeaderSummary, MessageSummary } from '../../storage/message/message-summary.ts'
import type { Scratch } from '../../storage/scratch.ts'
import { MailboxAround } from '../../storage/mailbox/mailbox-around.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { CopiedUids, Mailbox, MessageRecord, StoredMessage, UidRanges, ViewChanges } from '../../storage/store.ts'
import { hasLetter, type Rights } from '../rights.ts'
import { allowedChanges, flagRights } from './flag-rights.ts'

export interface AclMailboxNeeds {
  readonly mailbox: Mailbox
  /** As of opening it. */
  readonly rights: Rights
  /** As they are now; cached as `cache_secs` says. At once when they are at hand. */
  readonly currentRights: () => Rights | Promise<Rights>
  /** Copies into a mailbox that may not take all flags. `undefined`: the mailbox can do it itself. */
  readonly copyInto: (uids: readonly number[], to: string, move: boolean) => Promise<CopiedUids>
}

/** Rights are asked again with every operation; somebody who may no longer read is told so at the next one. */
export class AclMailbox extends MailboxAround {
  readonly #needs: AclMailboxNeeds
  #rights: Rights
  /** Rights were asked for in this turn of the event loop: a command may look at thousands of messages. */
  #isAsked = false

  constructor(needs: AclMailboxNeeds) {
    super(needs.mailbox)
    this.#needs = needs
    this.#rights = needs.rights
  }

  override get permanent(): Mailbox['permanent'] {
    const { bits, keywords } = this.inner.permanent
    const allowed = flagRights(this.#rights)
    return { bits: bits & allowed.bits, keywords: allowed.keywords ? keywords : 'none' }
  }

  /** What is known of messages without a look at the disk is told only to who may read. */
  override message(sequence: number): MessageRecord {
    if (!this.#isAsked) this.#ask()
    return this.inner.message(sequence)
  }

  override sync(options: {
    readonly expunge: boolean
    readonly look: 'now' | 'cached'
  }): ViewChanges | Promise<ViewChanges> {
    const readable = this.#readable()
    return readable instanceof Promise ? readable.then(() => this.inner.sync(options)) : this.inner.sync(options)
  }

  override async openMessage(uid: number, scratch?: Scratch): Promise<StoredMessage> {
    await this.#readable()
    return await this.inner.openMessage(uid, scratch)
  }

  override async *summaries(
    uids: readonly number[],
    options?: { readonly known: boolean },
  ): AsyncIterable<ReadonlyMap<number, MessageSummary>> {
    await this.#readable()
    yield* this.inner.summaries(uids, options)
  }

  override async *headers(uids: readonly number[]): AsyncIterable<ReadonlyMap<number, HeaderSummary>> {
    await this.#readable()
    yield* this.inner.headers(uids)
  }

  override async sizes(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    await this.#readable()
    return await this.inner.sizes(uids)
  }

  override async internalDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    await this.#readable()
    return await this.inner.internalDates(uids)
  }

  override async savedDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    await this.#readable()
    return await this.inner.savedDates(uids)
  }

  /** What is not allowed is left out without a word: clients set flags on their own, and must not be nagged for it. */
  override async store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }> {
    const steps = allowedChanges(change, flagRights(await this.#readable()), this.keywords)
    let rest = uids
    let modified: readonly number[] = []
    for (const [at, step] of steps.entries()) {
      // The first step changes MODSEQs: what it left alone is left alone by the second one too.
      const result = await this.inner.store(rest, step, at === 0 ? options : { silent: options.silent })
      if (at > 0) continue
      modified = result.modified
      const left = new Set(modified)
      rest = uids.filter((uid) => !left.has(uid))
    }
    return { modified }
  }

  override async expunge(uids?: readonly number[]): Promise<void> {
    if (hasLetter(await this.#readable(), 'e')) return await this.inner.expunge(uids)
    if (this.#hasDeleted(uids)) throw new StoreRefusal('no-permission', 'Permission denied')
  }

  override async remove(uids: readonly number[]): Promise<void> {
    if (hasLetter(await this.#readable(), 'e')) return await this.inner.remove(uids)
    throw new StoreRefusal('no-permission', 'Permission denied')
  }

  override async copy(uids: readonly number[], to: string): Promise<CopiedUids> {
    await this.#readable()
    return await this.#needs.copyInto(uids, to, false)
  }

  override async move(uids: readonly number[], to: string): Promise<CopiedUids> {
    if (!hasLetter(await this.#readable(), 'e')) throw new StoreRefusal('no-permission', 'Permission denied')
    return await this.#needs.copyInto(uids, to, true)
  }

  override async vanishedSince(modSeq: number): Promise<UidRanges> {
    await this.#readable()
    return await this.inner.vanishedSince(modSeq)
  }

  #readable(): Rights | Promise<Rights> {
    const rights = this.#needs.currentRights()
    return rights instanceof Promise ? rights.then((found) => this.#take(found)) : this.#take(rights)
  }

  #take(rights: Rights): Rights {
    this.#rights = rights
    if (hasLetter(rights, 'r')) return rights
    throw new StoreRefusal('no-permission', 'Permission denied: This mailbox may no longer be read')
  }

  /** Rights that are not at hand are asked for by whatever the command does next. */
  #ask(): void {
    const rights = this.#needs.currentRights()
    if (rights instanceof Promise) return
    this.#take(rights)
    this.#isAsked = true
    setImmediate(() => {
      this.#isAsked = false
    })
  }

  #hasDeleted(uids: readonly number[] | undefined): boolean {
    if (this.readOnly) return false
    const wanted = uids && new Set(uids)
    for (let sequence = 1; sequence <= this.count; sequence += 1) {
      const { uid, flags, expunged } = this.message(sequence)
      if (!expunged && (flags.bits & DELETED) !== 0 && wanted?.has(uid) !== false) return true
    }
    return false
  }
}
