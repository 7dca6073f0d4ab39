import { RecentlyUsed } from '../../util/recently-used.ts'
import type { FormatMailbox } from '../formats/format.ts'
import { AppendedNotes } from './appended-notes.ts'

/** A mailbox nobody put messages into for this long is closed. */
const LINGER_MS = 5_000
/** So many of those at most; each takes a few kilobytes. */
const MOST_LINGERING = 500

interface Entry {
  readonly key: string
  readonly opening: Promise<FormatMailbox>
  format: FormatMailbox | undefined
  users: number
  usedAt: number
}

/** A mailbox for whoever puts messages there. */
export interface HeldFormat {
  readonly format: FormatMailbox
  /** Must be called once. A mailbox that gave trouble is opened anew for the next. */
  readonly release: (outcome: 'fine' | 'trouble') => void
}

/**
 * Mailboxes that messages are put into though nobody has them open: each once in this process, so that those who come at the same
 * time are committed together, and for a while longer, so that the next message finds it open. By the key of `SharedMailboxes`.
 */
export class AppendTargets {
  readonly notes = new AppendedNotes()
  readonly #entries = new RecentlyUsed<Entry>()
  #sweeper: NodeJS.Timeout | undefined

  async acquire(key: string, open: () => Promise<FormatMailbox>): Promise<HeldFormat> {
    const entry = this.#usable(key) ?? this.#begin(key, open)
    entry.users += 1
    try {
      const format = entry.format ?? (await entry.opening)
      entry.format = format
      return { format, release: (outcome) => this.#release(entry, outcome) }
    } catch (error) {
      this.#release(entry, 'trouble')
      throw error
    }
  }

  /** Mailboxes that are no more, or are to be opened anew. */
  end(matches: (key: string) => boolean): void {
    for (const entry of this.#entries.all()) if (matches(entry.key)) this.#drop(entry)
  }

  close(): void {
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    this.end(() => true)
  }

  #usable(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.format === undefined) return entry
    if (entry.format.takesMore?.() === true) return entry
    this.#drop(entry)
    return undefined
  }

  #begin(key: string, open: () => Promise<FormatMailbox>): Entry {
    const entry: Entry = { key, opening: open(), format: undefined, users: 0, usedAt: 0 }
    this.#entries.set(key, entry)
    return entry
  }

  #release(entry: Entry, outcome: 'fine' | 'trouble'): void {
    entry.users -= 1
    entry.usedAt = performance.now()
    const isKnown = this.#entries.get(entry.key) === entry
    if (outcome === 'trouble' && isKnown) this.#drop(entry)
    else if (!isKnown && entry.users === 0) close(entry)
    else if (isKnown) this.#linger(entry)
  }

  #linger({ key }: Entry): void {
    this.#entries.use(key)
    this.#sweeper ??= setInterval(() => this.#sweep(), LINGER_MS / 2).unref()
    const { oldest } = this.#entries
    if (this.#entries.size > MOST_LINGERING && oldest?.users === 0) this.#drop(oldest)
  }

  #sweep(): void {
    const before = performance.now() - LINGER_MS
    for (const entry of this.#entries.all()) if (entry.users === 0 && entry.usedAt < before) this.#drop(entry)
    if (this.#entries.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  /** Nobody finds it any more; the last who uses it closes it. */
  #drop(entry: Entry): void {
    this.#entries.delete(entry.key)
    if (entry.users === 0) close(entry)
  }
}

function close({ opening }: Entry): void {
  // Whoever opened it was told when that failed; closing is not his concern.
  opening.then(async (format) => await format.close()).catch(() => undefined)
}
