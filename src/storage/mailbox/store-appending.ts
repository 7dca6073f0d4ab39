import { SEEN } from '../flags.ts'
import type { FormatAppending, FormatMailbox } from '../formats/format.ts'
import type { QuotaHook } from '../quota-hook.ts'
import type { Appending, NewMessage, StoredSizes } from '../store.ts'
import { checkKeywords, type KeywordLimits } from './keyword-limits.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

export interface AppendingNeeds {
  readonly target: AppendTarget
  readonly name: string
  readonly quota: QuotaHook | undefined
  readonly limits: KeywordLimits
  readonly appending: FormatAppending
  /** \Seen is the user's own in this mailbox: marks messages that are committed. */
  readonly markSeen: ((uids: readonly number[]) => Promise<void>) | undefined
}

/** What a commit gives. */
export interface Committed {
  readonly uidValidity: number
  readonly uids: readonly number[]
}

/** Where new messages go. */
export interface AppendTarget {
  readonly keywords: readonly string[]
  /** Runs the commit when nothing but other commits changes the mailbox here. `marked`: some of the messages have flags. */
  change(commit: () => Promise<Committed>, options: { readonly marked: boolean }): Promise<Committed>
  /** `trouble`: it had better be opened anew for the next. */
  release(outcome: 'fine' | 'trouble'): void
}

export interface OpenTarget extends AppendTarget {
  readonly format: FormatMailbox
}

/** A mailbox that somebody has open as one where messages go. */
export function targetOf(held: { readonly shared: SharedMailbox; readonly release: () => void }): OpenTarget {
  const { shared, release } = held
  return { format: shared.format, keywords: shared.keywords, release, change: (commit) => shared.add(commit) }
}

/** New messages of one transaction; the mailbox stays open for as long. */
export class StoreAppending implements Appending {
  readonly #needs: AppendingNeeds
  /** Bytes that the quota was asked for, and what came since. */
  #asked = 0
  #messages = 0
  #written = 0
  #marked = false
  /** Messages, from 0, that the user has seen. */
  readonly #seen = new Set<number>()
  #done = false

  constructor(needs: AppendingNeeds) {
    this.#needs = needs
  }

  get mailbox(): string {
    return this.#needs.name
  }

  get ended(): StoredSizes | undefined {
    return this.#needs.appending.ended
  }

  async begin(given: NewMessage): Promise<void> {
    const { appending, target, limits, markSeen } = this.#needs
    const isOwn = markSeen !== undefined && (given.bits & SEEN) !== 0
    const message = isOwn ? { ...given, bits: given.bits & ~SEEN } : given
    if (isOwn) this.#seen.add(this.#messages)
    checkKeywords(message.keywords, target.keywords, limits)
    this.#messages += 1
    this.#marked ||= message.bits !== 0 || message.keywords.length > 0
    if (message.sizeBytes !== undefined) await this.#ask(this.#written + message.sizeBytes)
    await appending.begin(message)
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#written += chunk.length
    return this.#needs.appending.write(chunk)
  }

  async end(): Promise<void> {
    await this.#needs.appending.end()
    if (this.#written > this.#asked) await this.#ask(this.#written)
  }

  async commit(): Promise<Committed> {
    const { appending, target, name, quota, markSeen } = this.#needs
    try {
      await appending.settle?.()
      const committed = await target.change(() => appending.commit(), { marked: this.#marked })
      await quota?.changed(name, { messages: this.#messages, sizeBytes: this.#written, ...appending.ended })
      if (this.#seen.size > 0) await markSeen?.(committed.uids.filter((_, at) => this.#seen.has(at)))
      this.#finish('fine')
      return committed
    } finally {
      this.#finish('trouble')
    }
  }

  async abort(): Promise<void> {
    if (this.#done) return
    try {
      await this.#needs.appending.abort()
    } finally {
      this.#finish('trouble')
    }
  }

  async #ask(sizeBytes: number): Promise<void> {
    this.#asked = sizeBytes
    await this.#needs.quota?.check(this.#needs.name, { messages: this.#messages, sizeBytes })
  }

  #finish(outcome: 'fine' | 'trouble'): void {
    if (!this.#done) this.#needs.target.release(outcome)
    this.#done = true
  }
}
