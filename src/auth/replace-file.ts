// Replaces a text file as a whole: readers see the old one or the new one, and writers take turns.
import { type FileHandle, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LIMITS = {
  /** Whoever has the lock is given this long. */
  lockMs: 10_000,
  lookAgainMs: 20,
} as const

/** Somebody else has the file, or it could not be written; it is as it was. The message names the file. */
export class FileNotReplaced extends Error {
  override readonly name = 'FileNotReplaced'
}

/**
 * Changes a file's content. Texts are latin1, so that bytes stay what they are; owner and mode stay too. `FILE.lock` is both
 * the lock and the new content until it takes the file's place; a file that somebody changes without the lock is left alone.
 * Rejects with FileNotReplaced, and with what `edit` throws.
 */
export async function replaceFile(path: string, edit: (content: string) => string, signal: AbortSignal): Promise<void> {
  const real = await realpath(path).catch((error: unknown) => fail(path, error))
  const lockPath = `${real}.lock`
  const lock = await takeLock(lockPath, signal)
  let isReplaced = false
  try {
    const before = await stat(real, { bigint: true })
    const content = edit(await readFile(real, 'latin1'))
    await writeLike(lock, content, { uid: Number(before.uid), gid: Number(before.gid), mode: Number(before.mode) })
    const now = await stat(real, { bigint: true })
    if (now.ino !== before.ino || now.size !== before.size || now.mtimeNs !== before.mtimeNs) {
      throw new FileNotReplaced(`${real} was changed by somebody else at the same moment`)
    }
    await rename(lockPath, real)
    isReplaced = true
    await syncDirectory(dirname(real))
  } catch (error) {
    // What the system says becomes one kind of error; the caller's own errors stay.
    if (error instanceof Error && 'syscall' in error) fail(real, error)
    throw error
  } finally {
    await lock.close()
    if (!isReplaced) await unlink(lockPath)
  }
}

async function takeLock(path: string, signal: AbortSignal): Promise<FileHandle> {
  const latest = performance.now() + LIMITS.lockMs
  for (;;) {
    try {
      return await open(path, 'wx', 0o600)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) fail(path, error)
      if (performance.now() >= latest) {
        throw new FileNotReplaced(`${path} exists: somebody else is writing (if nobody is, remove it)`)
      }
    }
    await sleep(LIMITS.lookAgainMs, undefined, { signal })
  }
}

async function writeLike(
  file: FileHandle,
  content: string,
  { uid, gid, mode }: { uid: number; gid: number; mode: number },
): Promise<void> {
  await file.writeFile(content, 'latin1')
  const own = await file.stat()
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid)
  await file.chmod(mode & 0o7777)
  await file.sync()
}

/** The new name survives a power failure too. Not every file system can. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync().catch(() => undefined)
  await directory.close()
}

function fail(path: string, error: unknown): never {
  throw new FileNotReplaced(`${path}: ${error instanceof Error ? error.message : String(error)}`)
}
