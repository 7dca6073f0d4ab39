import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'

/**
 * Reports users while they are connected (`proxy_refresh` seconds apart) to whoever reads `login_proxy_notify_path`: a FIFO in
 * which each report is the name at the backend and a line end.
 */
export interface UserReports {
  /** Reports this user now and then, until the returned function is called. */
  begin(settings: Settings, user: string, everySecs: number): () => void
}

/** A FIFO that cannot be opened, as nobody reads it, is tried again after this long. */
const REOPEN_MS = 60_000

export function createUserReports(observer: Observer, now: () => number): UserReports {
  const fifos = new Map<string, Fifo>()
  return {
    begin(settings, user, everySecs) {
      const path = loginPath(settings, settings.login_proxy_notify_path)
      const fifo = fifos.get(path) ?? new Fifo(path, observer, now)
      fifos.set(path, fifo)
      const line = `${escapeTabs(user)}\n`
      const timer = setInterval(() => fifo.write(line), everySecs * 1000).unref()
      return () => clearInterval(timer)
    },
  }
}

/** Relative paths of login settings begin where Dovecot locks its login processes up. */
export function loginPath({ base_dir }: Settings, path: string): string {
  return resolve(base_dir, 'login', path)
}

class Fifo {
  readonly #path: string
  readonly #observer: Observer
  readonly #now: () => number
  #fd: number | undefined
  #closedUntilMs = 0

  constructor(path: string, observer: Observer, now: () => number) {
    this.#path = path
    this.#observer = observer
    this.#now = now
  }

  /** What does not fit is lost: the next report says the same. */
  write(line: string): void {
    if (this.#fd === undefined && !this.#open()) return
    try {
      writeSync(this.#fd ?? -1, line, null, 'latin1')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return
      this.#complain('write', error)
      this.#close()
    }
  }

  #open(): boolean {
    if (this.#now() < this.#closedUntilMs) return false
    try {
      this.#fd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK)
      return true
    } catch (error) {
      this.#complain('open', error)
      this.#closedUntilMs = this.#now() + REOPEN_MS
      return false
    }
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#closedUntilMs = this.#now() + REOPEN_MS
  }

  #complain(what: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#observer.log('error', 'proxy', `${what}(${this.#path}) failed: ${text}`)
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\0', '\x010'],
  ['\x01', '\x011'],
  ['\t', '\x01t'],
  ['\r', '\x01r'],
  ['\n', '\x01n'],
])

function escapeTabs(text: string): string {
  return text.replaceAll(/[\0\x01\t\r\n]/g, (character) => ESCAPES.get(character) ?? '')
}
