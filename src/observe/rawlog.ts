import { accessSync, constants, createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { getSystemErrorMessage } from 'node:util'

/** What one connection said and heard, as it goes into two files. Passwords are in them. */
export interface Rawlog {
  /** Bytes that came from the backend. */
  read(bytes: Uint8Array): void
  /** Bytes that went to it. */
  written(bytes: Uint8Array): void
  close(): void
}

/** `login_proxy_rawlog_dir`: a pair of files for each connection to a backend. */
export interface Rawlogs {
  /** Whether files can be made there; if not, says so once. */
  usable(dir: string): boolean
  open(dir: string): Rawlog
}

/** A disk that is slower than the session loses the rest of the transcript, not the session. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024

/** `complain` gets the operator's lines, at error level. `now` in milliseconds since 1970, with fractions. */
export function createRawlogs(complain: (text: string) => void, now: () => number): Rawlogs {
  const known = new Map<string, boolean>()
  let count = 0
  const usable = (dir: string): boolean => {
    const before = known.get(dir)
    if (before !== undefined) return before
    const isUsable = mayWrite(dir, complain)
    known.set(dir, isUsable)
    return isUsable
  }
  return {
    usable,
    open(dir) {
      const path = join(dir, `${timeName(new Date(now()))}.${process.pid}.${++count}`)
      const received = new LineFile(`${path}.in`, now, complain)
      const sent = new LineFile(`${path}.out`, now, complain)
      return {
        read: (bytes) => received.add(bytes),
        written: (bytes) => sent.add(bytes),
        close() {
          received.close()
          sent.close()
        },
      }
    },
  }
}

function mayWrite(dir: string, complain: (text: string) => void): boolean {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    complain(`access(${dir}, wx) failed: ${reasonOf(error)} - disabling rawlogs`)
    return false
  }
}

function reasonOf(error: unknown): string {
  const { errno } = error as NodeJS.ErrnoException
  return errno === undefined ? String(error) : getSystemErrorMessage(errno)
}

/** As Dovecot: `20261122-050917`. */
function timeName(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`
  return `${date}-${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}`
}

/** A file in which each line begins with the time its first byte came at: seconds since 1970. */
class LineFile {
  readonly #file: WriteStream
  readonly #now: () => number
  #atLineStart = true
  #broken = false

  constructor(path: string, now: () => number, complain: (text: string) => void) {
    this.#now = now
    this.#file = createWriteStream(path, { flags: 'ax', mode: 0o600 })
    this.#file.on('error', (error) => {
      this.#broken = true
      complain(`write(${path}) failed: ${error.message}`)
    })
  }

  add(bytes: Uint8Array): void {
    if (this.#broken || this.#file.writableLength > MAX_PENDING_BYTES) return
    const parts: Buffer[] = []
    const stamp = Buffer.from(`${(this.#now() / 1000).toFixed(6)} `)
    let from = 0
    while (from < bytes.length) {
      const newline = bytes.indexOf(10, from)
      const to = newline < 0 ? bytes.length : newline + 1
      if (this.#atLineStart) parts.push(stamp)
      // Copied: whoever reads next may get the same buffer.
      parts.push(Buffer.from(bytes.subarray(from, to)))
      this.#atLineStart = newline >= 0
      from = to
    }
    this.#file.write(Buffer.concat(parts))
  }

  close(): void {
    this.#file.end()
  }
}
