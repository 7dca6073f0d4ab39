import { type Stats, statSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { FormatEntry } from '../format.ts'

/** Mail roots whose mailboxes a process remembers; users with many mailboxes count for more. */
const MAX_MAILBOXES = 500_000
/** A directory that changed so lately may change again without looking newer. File systems keep time in ticks of up to 10 ms. */
const SETTLED_MS = 50

/** What a directory held, and what it looked like then. */
interface Listing {
  /** `undefined`: it was not there. */
  readonly stats: Stats | undefined
  readonly entries: readonly FormatEntry[]
}

const known = new LRUCache<string, Listing>({ maxSize: MAX_MAILBOXES, sizeCalculation: listingSize })

function listingSize({ entries }: Listing): number {
  return entries.length + 1
}

/**
 * The mailboxes below a directory, read anew whenever it changed: making, removing and renaming mailboxes changes it. `key` is
 * whatever else decides how it is read. The same array comes as long as nothing changed. `read` says whether what it found depends
 * on the directory alone.
 */
export function listUnlessKnown(
  { path, key }: { readonly path: string; readonly key: string },
  read: () => { readonly entries: readonly FormatEntry[]; readonly isSettled: boolean },
): readonly FormatEntry[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  const name = `${path}\0${key}`
  const found = known.get(name)
  if (found !== undefined && looksSame(found.stats, stats)) return found.entries
  const { entries, isSettled } = read()
  if (stats !== undefined && isSettled && Date.now() - stats.ctimeMs > SETTLED_MS) known.set(name, { stats, entries })
  else known.delete(name)
  return entries
}

function looksSame(one: Stats | undefined, other: Stats | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs && one.ino === other.ino && one.dev === other.dev
  )
}
