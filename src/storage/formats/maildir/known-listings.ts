import { type Stats, statSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { FormatEntry } from '../format.ts'

/** Mail roots whose mailboxes a process remembers; users with many mailboxes count for more. */
const MAX_MAILBOXES = 500_000
/** A directory that changed so lately may change again without looking newer. File systems keep time in ticks of up to 10 ms. */
const SETTLED_MS = 50

interface Listing {
  readonly stamp: string
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
  const stamp = stats === undefined ? '' : stampOf(stats)
  const name = `${path}\0${key}`
  const found = known.get(name)
  if (found !== undefined && found.stamp === stamp) return found.entries
  const { entries, isSettled } = read()
  if (stats !== undefined && isSettled && Date.now() - stats.ctimeMs > SETTLED_MS) known.set(name, { stamp, entries })
  else known.delete(name)
  return entries
}

function stampOf({ dev, ino, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${mtimeMs} ${ctimeMs}`
}
