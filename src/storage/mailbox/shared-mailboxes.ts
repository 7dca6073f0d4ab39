import { LiveList, type Place } from '../../util/live-list.ts'
import { RenewedMap } from '../../util/renewed-map.ts'
import { StoreRefusal } from '../refusal.ts'
import { AppendTargets } from './append-targets.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

export interface SharedMailboxLimits {
  /** A mailbox nobody looks at stays open this long, for whoever selects it again. */
  readonly lingerMs: number
  /** That many of those at most. */
  readonly lingering: number
  /** Messages in all of those together; each takes a few hundred bytes. */
  readonly lingeringMessages: number
}

export const SHARED_MAILBOX_LIMITS: SharedMailboxLimits = {
  lingerMs: 30_000,
  lingering: 500,
  lingeringMessages: 300_000,
}

interface Entry {
  readonly key: string
  readonly opening: Promise<SharedMailbox>
  users: number
  shared: SharedMailbox | undefined
  /** Where it is among those without users, and since when. */
  lingering: Place<Entry> | undefined
  unusedSince: number
}

/** The mailboxes that are open in this process, each once, by the real path of its directory. */
export class SharedMailboxes {
  /** Those that are open only for messages that are put there. */
  readonly targets = new AppendTargets()
  readonly #limits: SharedMailboxLimits
  readonly #entries = new RenewedMap<Entry>()
  /** Without users, oldest first. */
  readonly #lingering = new LiveList<Entry>()
  #sweeper: NodeJS.Timeout | undefined

  constructor(limits: SharedMailboxLimits = SHARED_MAILBOX_LIMITS) {
    this.#limits = limits
  }

  /** The mailbox, opened by `open` unless it is open already; `release` must be called once when it is no longer used. */
  async acquire(
    key: string,
    open: () => Promise<SharedMailbox>,
  ): Promise<{ readonly shared: SharedMailbox; readonly release: () => void }> {
    const known = this.#entries.get(key)
    // One that is gone is still there for those who look at it, not for others.
    if (known?.shared?.gone) this.#drop(known)
    const entry = this.#entries.get(key) ?? this.#begin(key, open)
    entry.users += 1
    this.#stay(entry)
    let used = true
    const release = (): void => {
      if (used) this.#release(entry)
      used = false
    }
    try {
      const shared = entry.shared ?? (await entry.opening)
      entry.shared = shared
      return { shared, release }
    } catch (error) {
      release()
      this.#drop(entry)
      throw error
    }
  }

  /** The mailbox, if it is open and somebody may use it. Not counted as a user. */
  find(key: string): SharedMailbox | undefined {
    const shared = this.#entries.get(key)?.shared
    return shared?.gone ? undefined : shared
  }

  /** Ends mailboxes that are no more: whoever looks at them is told. */
  end(matches: (key: string) => boolean): void {
    this.targets.end(matches)
    for (const entry of this.#entries.values()) {
      if (!matches(entry.key)) continue
      this.#drop(entry)
      entry.shared?.end(new StoreRefusal('not-found', 'Mailbox was deleted under us'))
    }
  }

  /** Closes all mailboxes; those in use, too. */
  async close(): Promise<void> {
    this.targets.close()
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    const entries = this.#entries.values()
    for (const entry of entries) this.#drop(entry)
    await Promise.allSettled(entries.map(async ({ opening }) => (await opening).close()))
  }

  #begin(key: string, open: () => Promise<SharedMailbox>): Entry {
    const entry: Entry = { key, opening: open(), users: 0, shared: undefined, lingering: undefined, unusedSince: 0 }
    this.#entries.set(key, entry)
    return entry
  }

  #release(entry: Entry): void {
    entry.users -= 1
    if (entry.users > 0) return
    if (entry.shared === undefined || entry.shared.gone || this.#entries.get(entry.key) !== entry) {
      this.#close(entry)
      return
    }
    entry.lingering = this.#lingering.add(entry)
    entry.unusedSince = performance.now()
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.max(50, this.#limits.lingerMs / 4)).unref()
    this.#closeSurplus()
  }

  /** The oldest go first, the newest always stays. */
  #closeSurplus(): void {
    let messages = 0
    let count = 0
    for (const entry of this.#lingering.all().reverse()) {
      count += 1
      messages += entry.shared?.current.records.length ?? 0
      if (count > 1 && (count > this.#limits.lingering || messages > this.#limits.lingeringMessages)) this.#close(entry)
    }
  }

  #sweep(): void {
    const before = performance.now() - this.#limits.lingerMs
    for (const entry of this.#lingering.all()) {
      if (entry.unusedSince > before) break
      this.#close(entry)
    }
    if (this.#lingering.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #close(entry: Entry): void {
    this.#drop(entry)
    entry.shared?.close().catch(() => undefined)
  }

  /** It does not linger, or no longer. */
  #stay(entry: Entry): void {
    if (entry.lingering !== undefined) this.#lingering.remove(entry.lingering)
    entry.lingering = undefined
  }

  /** Nobody finds it any more. */
  #drop(entry: Entry): void {
    this.#stay(entry)
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
  }
}
