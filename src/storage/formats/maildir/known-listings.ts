import { type Stats, statSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { FormatEntry } from '../format.ts'

/** Mail roots whose mailboxes a process remembers; users with many mailboxes count for more. */
const MAX_MAILBOXES = 500_000
/** A directory that changed so lately may change again without looking newer. File systems keep time in ticks of up to 10 ms. */
const SETTLED_MS = 50

/** What a directory held, and what it looked like then. */
interface Listing {
  readonly stats: Stats
  readonly entries: readonly FormatEntry[]
}

const known = new LRUCache<string, Listing>({ maxSize: MAX_MAILBOXES, sizeCalculation: listingSize })

function listingSize({ entries }: Listing): number {
  return entries.length + 1
}

/** What is found, and whether it depends on the directory alone. */
export interface FoundMailboxes {
  readonly entries: readonly FormatEntry[]
  readonly isSettled: boolean
}

/**
 * The mailboxes below one directory, read anew whenever it changed: making, removing and renaming mailboxes changes it. The same
 * array comes as long as nothing changed. What one session read others need not read again.
 */
export class DirectoryListing {
  readonly #path: string
  /** What this session was told last, and what else decided how it was read then. */
  #last: { readonly listing: Listing; readonly key: string } | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** `key` is whatever else decides how it is read. */
  list(key: string, read: () => FoundMailboxes): readonly FormatEntry[] {
    const stats = statSync(this.#path, LOOK)
    const last = this.#last
    if (last?.key === key && looksSame(last.listing.stats, stats)) return last.listing.entries
    const name = `${this.#path}\0${key}`
    const others = known.get(name)
    if (others !== undefined && looksSame(others.stats, stats)) {
      this.#last = { listing: others, key }
      return others.entries
    }
    const { entries, isSettled } = read()
    const listing = stats !== undefined && isSettled && !mayChangeUnseen(stats) ? { stats, entries } : undefined
    this.#last = listing && { listing, key }
    if (listing === undefined) known.delete(name)
    else known.set(name, listing)
    return entries
  }
}

const LOOK = { throwIfNoEntry: false } as const

function mayChangeUnseen({ ctimeMs }: Stats): boolean {
  return Date.now() - ctimeMs <= SETTLED_MS
}

function looksSame(one: Stats, other: Stats | undefined): boolean {
  return (
    other !== undefined &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs &&
    one.ino === other.ino &&
    one.dev === other.dev
  )
}
