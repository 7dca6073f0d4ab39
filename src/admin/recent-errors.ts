import type { EventName, EventTable, LogLevel, Observer } from '../observe/events.ts'
import { sentence } from '../observe/sentences.ts'

/** A warning or worse that was logged. Plain data: it crosses a process boundary. */
export interface RecentError {
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** The process part of the log line: imap-login. */
  readonly prefix: string
  readonly level: LogLevel
  readonly text: string
}

/** Dovecot's log process keeps as many. */
const KEPT = 1000
const LEVELS: ReadonlySet<LogLevel> = new Set<LogLevel>(['warning', 'error', 'fatal', 'panic'])

/** The events whose sentence may be a warning or worse. Of all others, one a login, no sentence is made here. */
const LOUD_EVENTS: ReadonlySet<EventName> = new Set<EventName>([
  'proxy_session_failed',
  'backend_down',
  'config_rejected',
  'worker_died',
])

/** A log sink that remembers the newest warnings and errors of its process, for `doveadm log errors`. */
export class RecentErrors implements Observer {
  readonly #now: () => number
  readonly #ring: RecentError[] = []
  #next = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  emit<Name extends EventName>(name: Name, fields: EventTable[Name]): void {
    if (!this.hears(name)) return
    const line = sentence(name, fields)
    if (line !== undefined) this.log(line.level, line.service, line.text)
  }

  hears(name: EventName): boolean {
    return LOUD_EVENTS.has(name)
  }

  log(level: LogLevel, service: string, text: string): void {
    if (!LEVELS.has(level)) return
    this.#ring[this.#next++ % KEPT] = { timeMs: this.#now(), prefix: service, level, text }
  }

  /** Oldest first. */
  list(): readonly RecentError[] {
    const at = this.#next % KEPT
    return this.#ring.length < KEPT ? [...this.#ring] : [...this.#ring.slice(at), ...this.#ring.slice(0, at)]
  }
}
