import { spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import type { LogLevel } from './events.ts'
import type { LogWriter } from './log-writer.ts'

/** RFC 5424 §6.2.1 severities. */
const SEVERITY = { panic: 2, fatal: 2, error: 3, warning: 4, info: 6, debug: 7 } as const satisfies Record<
  LogLevel,
  number
>

/** RFC 5424 §6.2.1 facilities, with the names `syslog_facility` knows. */
export const FACILITIES: ReadonlyMap<string, number> = new Map([
  ['kern', 0],
  ['user', 1],
  ['mail', 2],
  ['daemon', 3],
  ['auth', 4],
  ['syslog', 5],
  ['lpr', 6],
  ['news', 7],
  ['uucp', 8],
  ['cron', 9],
  ['authpriv', 10],
  ['ftp', 11],
  ['local0', 16],
  ['local1', 17],
  ['local2', 18],
  ['local3', 19],
  ['local4', 20],
  ['local5', 21],
  ['local6', 22],
  ['local7', 23],
])

const MAIL = 2
/** So many lines wait for the system log at most. */
const QUEUE_LINES = 10_000
/** A line that takes longer than this will not go soon. */
const STUCK_MS = 1_000

/** The system log: through libc when koffi is there (it is an optional dependency), else through `logger(1)`. */
export function openSyslog(facilityName: string, ident: string): LogWriter {
  const facility = FACILITIES.get(facilityName) ?? MAIL
  return openLibc(facility, ident) ?? new LoggerCommand(facilityName, ident)
}

interface Koffi {
  load(path: string): {
    func(signature: string): ((...args: unknown[]) => unknown) & { async(...args: unknown[]): void }
  }
}

function openLibc(facility: number, ident: string): LogWriter | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const libc = koffi.load('libc.so.6')
    const openlog = libc.func('void openlog(const char *ident, int option, int facility)')
    const syslog = libc.func('void syslog(int priority, const char *format, const char *text)')
    // openlog keeps the pointer it is given: the buffer must live as long as the process.
    identBuffer = Buffer.from(`${ident}\0`)
    openlog(identBuffer, 0, facility * 8)
    return new LibcSyslog(facility, {
      send: (priority, line, done) => syslog.async(priority, '%s', line, done),
      sendSync: (priority, line) => syslog(priority, '%s', line),
    })
  } catch {
    return undefined
  }
}

let identBuffer: Buffer | undefined

/** The call of libc: it waits when the system log is slow, hence on a thread. */
export interface SyslogCall {
  send(priority: number, line: string, done: () => void): void
  sendSync(priority: number, line: string): void
}

/** Sends one line after the other, so that they stay in order; lines that come too fast are dropped and counted. */
export class LibcSyslog implements LogWriter {
  readonly isSyslog = true
  readonly #facility: number
  readonly #call: SyslogCall
  #waiting: { readonly priority: number; readonly line: string }[] = []
  /** How many of `#waiting` went out. */
  #sent = 0
  #busySince: number | undefined
  #dropped = 0

  constructor(facility: number, call: SyslogCall) {
    this.#facility = facility
    this.#call = call
  }

  write(level: LogLevel, line: string): void {
    if (this.#waiting.length - this.#sent >= QUEUE_LINES) {
      this.#dropped++
      return
    }
    this.#add(level, line)
    if (this.#busySince === undefined) this.#next()
  }

  reopen(): void {}

  flushSync(): void {
    // Whoever ends must not wait for a system log that stands still.
    if (this.#busySince !== undefined && performance.now() - this.#busySince > STUCK_MS) return
    for (const { priority, line } of this.#waiting.splice(this.#sent)) this.#call.sendSync(priority, line)
  }

  close(): void {
    this.flushSync()
  }

  #add(level: LogLevel, line: string): void {
    this.#waiting.push({ priority: this.#facility * 8 + SEVERITY[level], line })
  }

  #next(): void {
    const next = this.#waiting[this.#sent]
    if (next === undefined) {
      this.#waiting = []
      this.#sent = 0
      this.#busySince = undefined
      if (this.#dropped === 0) return
      this.#add('warning', `log: Warning: ${this.#dropped} lines were dropped because syslog did not take them in time`)
      this.#dropped = 0
      return this.#next()
    }
    this.#sent++
    this.#busySince = performance.now()
    this.#call.send(next.priority, next.line, () => this.#next())
  }
}

/** `logger(1)` reads lines with a priority prefix (`--prio-prefix`) from its input. */
class LoggerCommand implements LogWriter {
  readonly isSyslog = true
  readonly #facility: number
  readonly #child: ChildProcess | undefined

  constructor(facilityName: string, ident: string) {
    this.#facility = FACILITIES.get(facilityName) ?? MAIL
    this.#child = spawn('logger', ['--prio-prefix', '-t', ident], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.#child.on('error', () => undefined)
    this.#child.stdin?.on('error', () => undefined)
    this.#child.unref()
  }

  write(level: LogLevel, line: string): void {
    const input = this.#child?.stdin
    if (input?.writable === true && input.writableLength < 1024 * 1024) {
      input.write(`<${this.#facility * 8 + SEVERITY[level]}>${line}\n`)
    }
  }

  reopen(): void {}

  flushSync(): void {}

  close(): void {
    this.#child?.stdin?.end()
  }
}
