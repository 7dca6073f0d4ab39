// Replaces a file under Dovecot's lock: FILE.lock is the lock and the new content, until it takes the file's place.
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './acl-files.ts'

export const DOTLOCK_LIMITS = {
  /** Whoever has the lock is given this long. Dovecot waits as long. */
  waitMs: 30_000,
  /** A lock this old was left behind. As in Dovecot. */
  staleMs: 120_000,
  lookAgainMs: 25,
} as const

/** Somebody else has the lock, or the directory cannot be written. The file is as it was; the message names it. */
export class NotReplaced extends Error {
  override readonly name = 'NotReplaced'
}

export interface DotlockOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal?: AbortSignal
  /** The bits of a new file when its directory does not say: without it they follow the directory. */
  readonly mode?: number
}

/** Who waits for which file in this process: they take turns here first, in the order they came. */
const queues = new Map<string, Promise<unknown>>()

/**
 * Replaces `path` with what `edit` makes; `edit` runs under the lock and reads for itself. `undefined` from it leaves the
 * file alone. Rejects with NotReplaced, and with what `edit` throws. Resolves with whether the file was replaced.
 */
export async function replaceUnderDotlock(
  path: string,
  edit: () => Promise<Buffer | undefined>,
  options: DotlockOptions,
): Promise<boolean> {
  const before = queues.get(path) ?? Promise.resolve()
  const turn = before.then(() => lockAndReplace(path, edit, options))
  const settled = turn.catch(() => undefined)
  queues.set(path, settled)
  try {
    return await turn
  } finally {
    if (queues.get(path) === settled) queues.delete(path)
  }
}

async function lockAndReplace(
  path: string,
  edit: () => Promise<Buffer | undefined>,
  options: DotlockOptions,
): Promise<boolean> {
  const lockPath = `${path}.lock`
  const lock = await takeLock(lockPath, options)
  let isReplaced = false
  try {
    const content = await edit()
    if (content === undefined) return false
    await writeLike(lock, content, await stat(dirname(path)), options.mode)
    await rename(lockPath, path)
    isReplaced = true
    await syncDirectory(dirname(path))
    return true
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new NotReplaced(`${path}: ${error.message}`, { cause: error })
    throw error
  } finally {
    await lock.close()
    if (!isReplaced) await unlink(lockPath).catch(() => undefined)
  }
}

async function takeLock(path: string, { now, signal }: DotlockOptions): Promise<FileHandle> {
  const latest = performance.now() + DOTLOCK_LIMITS.waitMs
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  for (;;) {
    signal?.throwIfAborted()
    try {
      return await open(path, flags, 0o600)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') await makeDirectory(dirname(path), error)
      else if (codeOf(error) !== 'EEXIST') throw failure(path, error)
    }
    if (await removeStale(path, now())) continue
    if (performance.now() >= latest) throw new NotReplaced(`${path} exists: somebody else is writing`)
    await sleep(DOTLOCK_LIMITS.lookAgainMs, undefined, signal === undefined ? {} : { signal })
  }
}

/** mbox has a control directory for each mailbox, which nobody else makes. */
async function makeDirectory(path: string, why: unknown): Promise<void> {
  const parent = await stat(dirname(dirname(path))).catch(() => undefined)
  if (parent === undefined) throw failure(path, why)
  await mkdir(path, { recursive: true, mode: parent.mode & 0o7777 }).catch((error: unknown) => {
    throw failure(path, error)
  })
}

async function removeStale(path: string, nowMs: number): Promise<boolean> {
  const first = await lstat(path).catch(() => undefined)
  if (first === undefined) return true
  if (nowMs - first.mtimeMs < DOTLOCK_LIMITS.staleMs) return false
  const again = await lstat(path).catch(() => undefined)
  if (again?.ino === first.ino && again.mtimeMs === first.mtimeMs) await unlink(path).catch(() => undefined)
  return true
}

/** Owner, group and mode follow the directory: one that a group shares has files that the group shares. */
async function writeLike(file: FileHandle, content: Buffer, directory: Stats, mode: number | undefined): Promise<void> {
  await file.writeFile(content)
  const own = await file.stat()
  const uid = process.getuid?.() === 0 ? directory.uid : own.uid
  const isChanged = await changeOwner(file, own, uid, directory.gid)
  // A group that is not the directory's must not read what the directory's group may.
  await file.chmod((mode ?? directory.mode) & (isChanged ? 0o666 : 0o606))
  await file.sync()
}

async function changeOwner(file: FileHandle, own: Stats, uid: number, gid: number): Promise<boolean> {
  if (own.uid === uid && own.gid === gid) return true
  try {
    await file.chown(uid, gid)
    return true
  } catch (error) {
    if (codeOf(error) === 'EPERM') return false
    throw error
  }
}

/** The new name survives a power failure too. Not every file system can. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync().catch(() => undefined)
  await directory.close()
}

function failure(path: string, error: unknown): NotReplaced {
  return new NotReplaced(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
