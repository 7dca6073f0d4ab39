import { closeSync, linkSync, lstatSync, readlinkSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hasCode, removeFile } from './disk.ts'
import { uniqueName } from './unique-name.ts'

// A lock file that is needed again soon is not removed but laid aside, in the mailbox's `tmp`, and linked into its place the next
// time. A link fails when the name is there, just as making a file does. Why: ext4 gives an inode to no other file for half a
// minute after it was freed, and looks through all such inodes whenever a file is made there. With a lock made and removed for
// every message that takes longer than all else that is done for it.

/** A lock file that is used again. Its descriptor stays open: it tells where the file is when somebody renames the mailbox. */
export interface SpareLock {
  readonly fd: number
  readonly inode: number
  /** Where it lies, in `tmp`. */
  readonly file: string
  held: boolean
  usedAt: number
}

/** A lock taken so often, each time within two seconds after the last, will be taken once more. */
const OFTEN = 8
const SOON_MS = 2_000
/** A spare that was not used for this long is removed. */
const IDLE_MS = 10_000
const MOST_SPARES = 256
const MOST_REMEMBERED = 4_096

/** By the path of the lock, the one used last at the end. */
const spares = new Map<string, SpareLock>()
/** How often locks without a spare were taken, and when last. */
let taken = new Map<string, { readonly times: number; readonly at: number }>()
let sweeper: NodeJS.Timeout | undefined
let cleansAtExit = false

/** Takes a lock with its spare. `taken`: somebody has it. `none`: there is no spare to take it with. */
export function linkSpare(path: string): SpareLock | 'taken' | 'none' {
  const spare = spares.get(path)
  if (spare === undefined) return 'none'
  if (spare.held) return 'taken'
  try {
    linkSync(spare.file, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'taken'
    // Somebody tidied up, or the mailbox has another name now.
    drop(path, spare)
    return 'none'
  }
  spare.held = true
  return spare
}

/** Removes a lock that a spare made. False when it is not ours any more. */
export function unlinkSpare(path: string, spare: SpareLock): boolean {
  const ours = whereIsLock(path, spare)
  if (ours !== undefined) removeFile(ours)
  const others = ours === undefined && lstatSync(path, { throwIfNoEntry: false }) !== undefined
  spare.held = false
  spare.usedAt = performance.now()
  spares.delete(path)
  spares.set(path, spare)
  return !others
}

/**
 * Lays a lock aside instead of removing it, if it is worth it. The caller has seen that the file is its own; what it is open as
 * belongs to the spare then.
 */
export function layAside(
  path: string,
  lock: { readonly fd: number; readonly inode: number },
  directory: string,
): boolean {
  if (spares.has(path) || !isTakenOften(path)) return false
  const file = `${directory}/${uniqueName('lock')}`
  try {
    renameSync(path, file)
  } catch {
    // Another file system, or no such directory.
    return false
  }
  taken.delete(path)
  spares.set(path, { ...lock, file, held: false, usedAt: performance.now() })
  keepFew()
  return true
}

function isTakenOften(path: string): boolean {
  const at = performance.now()
  const last = taken.get(path)
  const times = last !== undefined && at - last.at < SOON_MS ? last.times + 1 : 1
  if (taken.size >= MOST_REMEMBERED) taken = new Map()
  taken.set(path, { times, at })
  return times >= OFTEN
}

/** Another path than its own when somebody renamed the mailbox meanwhile. */
function whereIsLock(path: string, spare: SpareLock): string | undefined {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === spare.inode) return path
  const moved = whereIsFile(spare)
  if (moved === undefined || moved === spare.file) return undefined
  const renamed = join(dirname(dirname(moved)), basename(path))
  return lstatSync(renamed, { throwIfNoEntry: false })?.ino === spare.inode ? renamed : undefined
}

function whereIsFile({ fd, inode, file }: SpareLock): string | undefined {
  if (lstatSync(file, { throwIfNoEntry: false })?.ino === inode) return file
  try {
    const renamed = readlinkSync(`/proc/self/fd/${fd}`)
    return lstatSync(renamed, { throwIfNoEntry: false })?.ino === inode ? renamed : undefined
  } catch {
    // Not Linux: it is removed from `tmp` some day, as everything is that somebody left there.
    return undefined
  }
}

function keepFew(): void {
  if (spares.size > MOST_SPARES) dropWhere(() => spares.size > MOST_SPARES)
  sweeper ??= setInterval(sweep, IDLE_MS / 2).unref()
  if (!cleansAtExit) process.on('exit', () => dropWhere(() => true))
  cleansAtExit = true
}

function sweep(): void {
  const before = performance.now() - IDLE_MS
  dropWhere(({ usedAt }) => usedAt < before)
  if (spares.size > 0) return
  clearInterval(sweeper)
  sweeper = undefined
}

function dropWhere(condition: (spare: SpareLock) => boolean): void {
  for (const [path, spare] of spares) if (!spare.held && condition(spare)) drop(path, spare)
}

function drop(path: string, spare: SpareLock): void {
  spares.delete(path)
  try {
    const file = whereIsFile(spare)
    if (file !== undefined) removeFile(file)
  } catch {
    // It is removed from `tmp` some day.
  }
  closeSync(spare.fd)
}
