import {
  closeSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RenewedMap } from '../../../util/renewed-map.ts'
import { hasCode, removeFile } from './disk.ts'
import { adjustFile, type Permissions } from './permissions.ts'
import { layAside, linkSpare, type SpareLock, unlinkSpare } from './spare-locks.ts'
import { hostInName } from './unique-name.ts'

// Dovecot's dotlocks: `FILE.lock`, made with O_EXCL, holding `pid:host`. Rules to keep:
// - who finds a lock of a process of this host that is gone takes it over;
// - an empty lock was left by somebody who died, once it is three seconds old;
// - any other lock is stale when neither it nor the file has changed for the stale timeout;
// - a lock is only removed while it is still ours.

export interface DotlockOptions {
  readonly hostname: string
  /** Give up after this long. */
  readonly timeoutMs: number
  /** Override a lock that has not changed for this long. */
  readonly staleMs: number
  readonly permissions: () => Permissions
  /** Where a lock file that is needed again and again lies meanwhile. */
  readonly spares?: string
}

export interface Dotlock {
  /** Open on the lock file, behind its `pid:host`. */
  readonly fd: number
  readonly path: string
  /** Shows that it is still held. */
  touch(): void
  /** Removes the lock. False when somebody took it from us. */
  release(): boolean
  /** Takes note that the lock file was renamed away over the file it guards. */
  replaced(): void
}

/** A younger lock is not looked into: its owner lives most likely. */
const YOUNG_MS = 50
/** An empty lock is of somebody who died between making it and writing into it, when it is older than this. */
const EMPTY_MS = 3_000
/** Between removing a stale lock and taking it: somebody else may be about to remove the same one. Dovecot waits as long. */
const OVERRIDE_MS = 100
/** How long to wait between looks; it doubles from the first to the second. */
const POLL_MS = { first: 1, longest: 64 } as const

/** Locks of this process, by path: a lock with our pid that is not here was left by an earlier process with this pid. */
const held = new RenewedMap<number>()

/** Locks `file`; `undefined` when the time is up. Throws what the file system says: ENOENT when the directory is gone. */
export async function lockFile(file: string, options: DotlockOptions): Promise<Dotlock | undefined> {
  const path = `${file}.lock`
  const first = tryLock(path, options)
  if (first !== undefined) return first
  const deadline = Date.now() + options.timeoutMs
  const watch = new StaleWatch(file, path, options)
  for (let pauseMs: number = POLL_MS.first; Date.now() < deadline; pauseMs = Math.min(pauseMs * 2, POLL_MS.longest)) {
    if (watch.isStale()) {
      removeFile(path)
      await sleep(OVERRIDE_MS * (1 + Math.random()))
    }
    const lock = tryLock(path, options)
    if (lock !== undefined) return lock
    // Not in step with others who wait for the same.
    await sleep(pauseMs * (0.5 + Math.random()))
  }
  return undefined
}

/** One attempt, without waiting or overriding. */
export function tryLock(path: string, options: DotlockOptions): Dotlock | undefined {
  const spare = options.spares === undefined ? 'none' : linkSpare(path)
  if (spare === 'taken') return undefined
  return spare === 'none' ? makeLock(path, options) : lockOfSpare(path, spare)
}

function lockOfSpare(path: string, spare: SpareLock): Dotlock {
  const { fd, inode } = spare
  held.set(path, inode)
  const release = (): boolean => {
    held.delete(path)
    return unlinkSpare(path, spare)
  }
  return { fd, path, touch: () => touch(fd), release, replaced: () => held.delete(path) }
}

function makeLock(path: string, { hostname, permissions, spares }: DotlockOptions): Dotlock | undefined {
  const wanted = permissions()
  let fd: number
  try {
    fd = openSync(path, 'wx+', 0o666 & wanted.fileMode)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined
    throw error
  }
  writeOwner(fd, hostname)
  adjustFile(fd, wanted)
  const inode = fstatSync(fd).ino
  held.set(path, inode)
  const done = (): boolean => release(fd, path, inode, spares)
  return { fd, path, touch: () => touch(fd), release: done, replaced: () => forget(fd, path) }
}

function touch(fd: number): void {
  futimesSync(fd, new Date(), new Date())
}

function writeOwner(fd: number, hostname: string): void {
  try {
    writeSync(fd, `${process.pid}:${hostInName(hostname)}`)
  } catch {
    // The disk is full: an empty lock file is as good, only its staleness is judged by its age.
    ftruncateSync(fd)
  }
}

function release(fd: number, path: string, inode: number, spares: string | undefined): boolean {
  const ours = whereIsNow(fd, path, inode)
  if (spares !== undefined && ours === path && layAside(path, { fd, inode }, spares)) {
    held.delete(path)
    return true
  }
  forget(fd, path)
  if (ours !== undefined) removeFile(ours)
  return ours !== undefined || lstatSync(path, { throwIfNoEntry: false }) === undefined
}

/** The lock file's path: another one when somebody renamed the mailbox meanwhile. `undefined` when it is not ours any more. */
function whereIsNow(fd: number, path: string, inode: number): string | undefined {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) return path
  try {
    const renamed = readlinkSync(`/proc/self/fd/${fd}`)
    return lstatSync(renamed, { throwIfNoEntry: false })?.ino === inode ? renamed : undefined
  } catch {
    // Not Linux: the lock becomes stale.
    return undefined
  }
}

function forget(fd: number, path: string): void {
  held.delete(path)
  closeSync(fd)
}

/** Watches a lock of somebody else for signs that nobody holds it. */
class StaleWatch {
  readonly #file: string
  readonly #path: string
  readonly #options: DotlockOptions
  #changedAt = 0
  #seen = ''

  constructor(file: string, path: string, options: DotlockOptions) {
    this.#file = file
    this.#path = path
    this.#options = options
  }

  isStale(): boolean {
    const lock = lstatSync(this.#path, { throwIfNoEntry: false })
    if (lock === undefined) return false
    const now = Date.now()
    this.#note(lock, statSync(this.#file, { throwIfNoEntry: false }), now)
    if (held.get(this.#path) === lock.ino) return false
    const owner = lock.mtimeMs > now - YOUNG_MS ? undefined : readOwner(this.#path, this.#options.hostname)
    if (owner !== undefined) return !this.#lives(owner, lock) && this.#unchanged(lock)
    if (lock.size === 0 && now > lock.mtimeMs + EMPTY_MS) return this.#unchanged(lock)
    return now > this.#changedAt + this.#options.staleMs
  }

  #note(lock: Stats, file: Stats | undefined, now: number): void {
    const seen = `${lock.ino} ${lock.mtimeMs} ${lock.ctimeMs} ${file?.mtimeMs} ${file?.size}`
    if (seen === this.#seen) return
    const first = this.#seen === ''
    this.#seen = seen
    this.#changedAt = first ? Math.min(now, Math.max(lock.mtimeMs, lock.ctimeMs, file?.mtimeMs ?? 0)) : now
  }

  /** A lock with our own pid that we do not hold is another thread's, or older than this process. */
  #lives(pid: number, lock: Stats): boolean {
    if (pid === process.pid) return lock.mtimeMs > performance.timeOrigin
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      return !hasCode(error, 'ESRCH')
    }
  }

  #unchanged(lock: Stats): boolean {
    const again = lstatSync(this.#path, { throwIfNoEntry: false })
    return again?.ino === lock.ino && again.ctimeMs === lock.ctimeMs
  }
}

/** The process of this host that a lock names. */
function readOwner(path: string, hostname: string): number | undefined {
  try {
    const [, pid, host] = /^(\d+):([^\n]*)\n?$/.exec(readFileSync(path, 'latin1')) ?? []
    return host === hostInName(hostname) && Number(pid) > 0 ? Number(pid) : undefined
  } catch {
    return undefined
  }
}
