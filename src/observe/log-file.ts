import { close, closeSync, constants, fstatSync, openSync, readFileSync, write, writeSync } from 'node:fs'

/** The end of a process waits so long for a log that takes nothing more. */
const STUCK_MS = 2_000
const NAP_MS = 2
const MODE = 0o600
const APPENDING = constants.O_WRONLY | constants.O_APPEND

/**
 * How it is written: a pipe takes what it has room for and never makes us wait, a file may, so that a thread writes it, and of
 * anything else (a socket) nobody knows.
 */
type Kind = 'pipe' | 'file' | 'other'

/** An open log. It never waits outside of `writeNow` and `awaitWrite`, and throws nothing but `open`. */
export class LogFile {
  readonly #fd: number
  readonly #kind: Kind
  /** Writes of threads that are not done. */
  #underWay = 0
  #positionBefore: string | undefined
  #closed = false

  /** `fd` should be one that never makes a writer wait, where it can. */
  constructor(fd: number) {
    this.#fd = fd
    this.#kind = kindOf(fd)
  }

  /** Opens the file of this name for appending, and makes it. Throws when that cannot be. */
  static open(path: string): LogFile {
    const flags = APPENDING | constants.O_CREAT
    try {
      return new LogFile(openSync(path, flags | constants.O_NONBLOCK, MODE))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
      // A FIFO that nobody reads yet: it is waited for, this once.
      const waited = openSync(path, flags, MODE)
      return openAnew(waited, () => closeSync(waited))
    }
  }

  /** Standard error, opened anew: that it never makes us wait must be no business of other processes that write to it. */
  static stderr(): LogFile {
    return openAnew(2, () => undefined)
  }

  /** A write is under way: what it was given is the kernel's. */
  get busy(): boolean {
    return this.#underWay > 0
  }

  /** Tells how many bytes were taken, at once or later; 0: it is full for now, undefined: it cannot be written. */
  write(bytes: Buffer, done: (taken: number | undefined) => void): void {
    if (this.#kind === 'pipe') return done(this.#takeNow(bytes))
    this.#positionBefore = this.#position()
    this.#underWay++
    write(this.#fd, bytes, (error, count) => {
      this.#underWay--
      if (this.#closed && !this.busy) this.#closeNow()
      done(error === null ? count : takenDespite(error))
    })
  }

  /** Waits until the write that is under way is done, though its `done` is told only later. False when that cannot be seen. */
  awaitWrite(): boolean {
    const latest = performance.now() + STUCK_MS
    while (this.busy && this.#position() === this.#positionBefore) {
      if (this.#positionBefore === undefined || performance.now() > latest) return false
      nap()
    }
    return true
  }

  /** Writes all of it before it returns; false when the log does not take it. */
  writeNow(bytes: Buffer): boolean {
    let latest = performance.now() + STUCK_MS
    for (let left = bytes; left.length > 0; ) {
      const taken = this.#takeNow(left)
      if (taken === undefined || performance.now() > latest) return false
      if (taken === 0) nap()
      else latest = performance.now() + STUCK_MS
      left = left.subarray(taken)
    }
    return true
  }

  /** Closes it as soon as nothing is under way: a number that a thread still writes to must not become another file's. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.busy) this.#closeNow()
  }

  #closeNow(): void {
    if (this.#fd !== 2) close(this.#fd, () => undefined)
  }

  #takeNow(bytes: Buffer): number | undefined {
    try {
      return writeSync(this.#fd, bytes)
    } catch (error) {
      return takenDespite(error)
    }
  }

  /** Where the last write of this process ended; others may have written behind that. Linux only. */
  #position(): string | undefined {
    if (this.#kind !== 'file') return undefined
    try {
      return /^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${this.#fd}`, 'latin1'))?.[1]
    } catch {
      return undefined
    }
  }
}

/** The same file by another number, which never makes us wait; `leave` is called when the first is not needed any more. */
function openAnew(fd: number, leave: () => void): LogFile {
  try {
    const file = new LogFile(openSync(`/proc/self/fd/${fd}`, APPENDING | constants.O_NONBLOCK))
    leave()
    return file
  } catch {
    return new LogFile(fd)
  }
}

function kindOf(fd: number): Kind {
  const stat = fstatSync(fd)
  if (stat.isFile()) return 'file'
  return fd !== 2 && (stat.isFIFO() || stat.isCharacterDevice()) ? 'pipe' : 'other'
}

function takenDespite(error: unknown): number | undefined {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : undefined
}

function nap(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP_MS)
}
