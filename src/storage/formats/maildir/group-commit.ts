import { setImmediate as turn } from 'node:timers/promises'
import { asError } from '../../../util/as-error.ts'
import { Deferred } from '../../../util/deferred.ts'
import type { MailboxState } from './mailbox-state.ts'
import { type ComingMessage, placeMessages, type PlacedMessage, takeBack } from './placing.ts'
import type { FoundFile } from './scan.ts'
import type { UidlistRecord } from './uidlist-text.ts'

// Transactions that are ready at the same time are committed together: one lock, their files moved one after the other, one write
// to the uidlist, each file and directory synced once. Nobody waits for company: whoever comes while others are being committed
// goes with the next. Rules to keep:
// - a transaction gets its UIDs in one piece, in the order in which they became ready;
// - what fails for one of them fails for that one; what all have in common (lock, uidlist, directories) fails for all;
// - nobody is answered before all of it is on disk, and the lock is free.

/** Transactions committed under one lock; other programs want it, too. */
const MOST_TOGETHER = 64

/** The mailbox that messages are put into. */
export interface CommitTarget {
  readonly state: MailboxState
  /** Runs a commit with the lock, and with the uidlist as it is now. */
  appendLocked<T>(needs: CommitNeeds, work: () => Promise<T>): Promise<T>
  /** Takes note of messages that `work` put there. */
  appended(entries: readonly UidlistRecord[], files: readonly FoundFile[]): void
}

export interface CommitNeeds {
  /** All file names must be known. */
  readonly names: boolean
  /** The keywords must be known as they are now. */
  readonly keywords: boolean
}

interface Transaction {
  readonly messages: readonly ComingMessage[]
  readonly done: Deferred<readonly number[]>
}

interface PlacedTransaction {
  readonly transaction: Transaction
  readonly placed: readonly PlacedMessage[]
}

/** Commits the transactions of one mailbox. */
export class GroupCommit {
  readonly #target: CommitTarget
  #ready: Transaction[] = []
  #running = false

  constructor(target: CommitTarget) {
    this.#target = target
  }

  /** Puts messages, whose files are on disk, into the mailbox, all or none. Resolves with their UIDs. */
  commit(messages: readonly ComingMessage[]): Promise<readonly number[]> {
    const done = new Deferred<readonly number[]>()
    this.#ready.push({ messages, done })
    if (!this.#running) void this.#run()
    return done.promise
  }

  async #run(): Promise<void> {
    this.#running = true
    for (;;) {
      // The disk tells of several at once: those that became ready in the same turn go together.
      await turn()
      const together = this.#ready.splice(0, MOST_TOGETHER)
      if (together.length === 0) break
      await this.#commitTogether(together)
    }
    this.#running = false
  }

  async #commitTogether(transactions: readonly Transaction[]): Promise<void> {
    const messages = transactions.flatMap((transaction) => transaction.messages)
    const needs = {
      names: messages.some(({ linkedFrom }) => linkedFrom !== undefined),
      keywords: messages.some(({ keywords }) => keywords.length > 0),
    }
    try {
      const committed = await this.#target.appendLocked(needs, () => this.#put(transactions))
      for (const [{ done }, uids] of committed) done.resolve(uids)
    } catch (error) {
      for (const { done } of transactions) done.reject(asError(error))
    }
  }

  async #put(transactions: readonly Transaction[]): Promise<ReadonlyMap<Transaction, readonly number[]>> {
    const all: PlacedTransaction[] = []
    const taken = new Set<string>()
    for (const transaction of await this.#withKeywords(transactions)) {
      try {
        all.push({ transaction, placed: await placeMessages(this.#target.state, transaction.messages, taken) })
      } catch (error) {
        transaction.done.reject(asError(error))
      }
    }
    const placed = all.flatMap((one) => one.placed)
    if (placed.length === 0) return new Map(all.map(({ transaction }) => [transaction, []]))
    try {
      return shareOut(all, await this.#list(placed))
    } catch (error) {
      takeBack(placed)
      throw error
    }
  }

  /** A letter has its name before a file has it: those whose keywords cannot be written down fail. */
  async #withKeywords(transactions: readonly Transaction[]): Promise<readonly Transaction[]> {
    const { state } = this.#target
    const keywords = new Set(transactions.flatMap(keywordsOf))
    if (keywords.size === 0) return transactions
    try {
      state.lettersOf([...keywords])
      await state.keywords.commit()
      return transactions
    } catch (error) {
      state.refreshKeywords()
      for (const one of transactions) if (keywordsOf(one).length > 0) one.done.reject(asError(error))
      return transactions.filter((one) => keywordsOf(one).length === 0)
    }
  }

  /** Everything is on disk when it resolves. */
  async #list(placed: readonly PlacedMessage[]): Promise<readonly number[]> {
    const { state } = this.#target
    const { syncing, mail } = state.place
    const directories = new Set(placed.map(({ file }) => (file.isNew ? 'new' : 'cur')))
    const listing = state.addEntries(placed.map(({ file, extensions }) => ({ base: file.base, extensions })))
    // Nothing goes on once the lock is free, also when one of them fails.
    await allEnded([listing, ...[...directories].map((directory) => syncing.directory(`${mail}/${directory}`))])
    const entries = await listing
    this.#target.appended(
      entries,
      placed.map(({ file }) => file),
    )
    return entries.map(({ uid }) => uid)
  }
}

function keywordsOf({ messages }: Transaction): readonly string[] {
  return messages.flatMap(({ keywords }) => keywords)
}

async function allEnded(works: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) if (outcome.status === 'rejected') throw outcome.reason
}

/** Each transaction's own UIDs. */
function shareOut(
  all: readonly PlacedTransaction[],
  uids: readonly number[],
): ReadonlyMap<Transaction, readonly number[]> {
  let at = 0
  return new Map(all.map(({ transaction, placed }) => [transaction, uids.slice(at, (at += placed.length))]))
}
