import { closeSync, fstatSync, openSync } from 'node:fs'
import { LogFile } from './log-file.ts'
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
  #file: LogFile
  #waiting: string[] = []
  #waitingBytes = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined
  /** What is being written: the rest of a batch, of which the file may have some under way. */
  #current: Buffer | undefined

  constructor(target: { kind: 'file'; path: string } | { kind: 'stderr' }) {
    this.#path = target.kind === 'file' ? target.path : undefined
    this.#file = this.#open()
  }

  write(_level: LogLevel, line: string): void {
    if (this.#waitingBytes > QUEUE_BYTES) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length + 1
    if (this.#waitingBytes >= BATCH_BYTES) this.#flush()
    else this.#flushSoon()
  }

  reopen(): void {
    if (this.#path === undefined) return
    try {
      const next = this.#open()
      if (!this.#file.busy) this.flushSync()
      this.#file.close()
      this.#file = next
    } catch {
      // The old one goes on.
    }
  }

  flushSync(): void {
    // What is under way is the kernel's: to write it again would write it twice.
    if (this.#file.busy) this.#current = undefined
    const isNext = this.#file.awaitWrite()
    this.#takeBatch()
    while (this.#current !== undefined) {
      const rest = this.#current
      this.#current = undefined
      // The process waits for its threads when it ends.
      if (!isNext) return this.#file.write(rest, () => this.#goOn())
      // A log that cannot be written must not keep it from ending.
      if (this.#file.writeNow(rest)) this.#takeBatch()
    }
  }

  close(): void {
    this.flushSync()
    this.#file.close()
  }

  #open(): LogFile {
    return this.#path === undefined ? LogFile.stderr() : LogFile.open(this.#path)
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
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Whatever is under way comes here again when it is done.
    if (this.#current !== undefined || this.#file.busy) return
    this.#takeBatch()
    if (this.#current !== undefined) this.#writeOn(this.#current)
  }

  #writeOn(rest: Buffer): void {
    this.#current = rest
    this.#file.write(rest, (taken) => {
      if (this.#current !== rest) return this.#goOn()
      if (taken === 0) {
        setTimeout(() => this.#current === rest && this.#writeOn(rest), RETRY_MS).unref()
        return
      }
      if (taken === undefined) this.#dropped++
      if (taken !== undefined && taken < rest.length) return this.#writeOn(rest.subarray(taken))
      this.#current = undefined
      this.#goOn()
    })
  }

  #goOn(): void {
    if (this.#waitingBytes >= BATCH_BYTES) this.#flush()
    else if (this.#waiting.length > 0) this.#flushSoon()
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
