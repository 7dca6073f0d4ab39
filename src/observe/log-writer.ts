import { closeSync, fstatSync, openSync, write, writeSync } from 'node:fs'
import { openSyslog } from './syslog.ts'
import type { LogLevel } from './events.ts'

/** Lines go out together: one write for all that came within this time. Each wakes a thread, which costs as much as a line does. */
const BATCH_MS = 100
/** More waiting text than this is written at once. */
const BATCH_BYTES = 64 * 1024
/** A log that cannot be written may hold this much; further lines are dropped and counted. */
const QUEUE_BYTES = 8 * 1024 * 1024
/** A full pipe is tried again after this. */
const RETRY_MS = 50

/** Where lines of a log end up. `write` never blocks and never throws. */
export interface LogWriter {
  /** The system log has times of its own, and no word for Info. */
  readonly isSyslog: boolean
  /** `line` has no newline. The level matters to syslog only. */
  write(level: LogLevel, line: string): void
  /** Opens the file anew, after log rotation (SIGUSR1). */
  reopen(): void
  /** Writes what waits, now; for the end of the process. */
  flushSync(): void
  close(): void
}

export type LogTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'syslog'; readonly facility: string; readonly ident: string }

/** Reads `log_path` and its sisters: `syslog`, `/dev/stderr`, or a file. */
export function parseLogPath(path: string, facility: string, ident: string): LogTarget {
  if (path === 'syslog' || path === '') return { kind: 'syslog', facility, ident }
  if (path === '/dev/stderr') return { kind: 'stderr' }
  return { kind: 'file', path }
}

export function openLogWriter(target: LogTarget): LogWriter {
  return target.kind === 'syslog' ? openSyslog(target.facility, target.ident) : new FileWriter(target)
}

class FileWriter implements LogWriter {
  readonly isSyslog = false
  readonly #path: string | undefined
  #fd: number
  #waiting: string[] = []
  #waitingBytes = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined
  /** The batch being written, and how much of it is done: `flushSync` finishes it. */
  #current: Buffer | undefined
  #done = 0

  constructor(target: { kind: 'file'; path: string } | { kind: 'stderr' }) {
    this.#path = target.kind === 'file' ? target.path : undefined
    this.#fd = this.#open()
  }

  write(_level: LogLevel, line: string): void {
    if (this.#waitingBytes > QUEUE_BYTES) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length + 1
    if (this.#waitingBytes >= BATCH_BYTES) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS).unref()
  }

  reopen(): void {
    if (this.#path === undefined) return
    this.flushSync()
    const old = this.#fd
    try {
      this.#fd = this.#open()
      closeSync(old)
    } catch {
      this.#fd = old
    }
  }

  flushSync(): void {
    this.#takeBatch()
    while (this.#current !== undefined) {
      try {
        this.#done += writeSync(this.#fd, this.#current, this.#done)
        if (this.#done >= this.#current.length) {
          this.#current = undefined
          this.#takeBatch()
        }
      } catch {
        // A log that cannot be written must not keep the process from ending.
        this.#current = undefined
      }
    }
  }

  close(): void {
    this.flushSync()
    if (this.#path !== undefined) closeSync(this.#fd)
  }

  #open(): number {
    return this.#path === undefined ? 2 : openSync(this.#path, 'a', 0o600)
  }

  #takeBatch(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#current !== undefined || this.#waiting.length === 0) return
    if (this.#dropped > 0) {
      this.#waiting.push(
        `log: Warning: ${this.#dropped} lines were dropped because the log could not be written in time`,
      )
      this.#dropped = 0
    }
    this.#current = Buffer.from(`${this.#waiting.join('\n')}\n`, 'utf8')
    this.#done = 0
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #flush(): void {
    const busy = this.#current !== undefined
    this.#takeBatch()
    if (!busy && this.#current !== undefined) this.#writeOn(this.#current)
  }

  #writeOn(batch: Buffer): void {
    write(this.#fd, batch, this.#done, (error, count) => {
      if (this.#current !== batch) return
      if (error !== null) {
        if (error.code === 'EAGAIN') {
          setTimeout(() => this.#current === batch && this.#writeOn(batch), RETRY_MS).unref()
          return
        }
        this.#dropped++
        this.#done = batch.length
      } else this.#done += count
      if (this.#done < batch.length) return this.#writeOn(batch)
      this.#current = undefined
      if (this.#waitingBytes >= BATCH_BYTES) this.#flush()
      else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS).unref()
    })
  }
}

/** True when the file of this path can be opened for appending; for `doctor`. */
export function logFileProblem(path: string): string | undefined {
  try {
    const fd = openSync(path, 'a', 0o600)
    const isDirectory = fstatSync(fd).isDirectory()
    closeSync(fd)
    return isDirectory ? 'Is a directory' : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
