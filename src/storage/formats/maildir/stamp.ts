import { statSync, type Stats } from 'node:fs'

/**
 * Dovecot's MAILDIR_SYNC_SECS: two changes may have one timestamp, so a directory that was looked at within this time after
 * its last change is looked at once more when the time is over.
 */
const SAME_TIME_MS = 1_000

/** What is known of a directory since it was read last. */
export class DirectoryStamp {
  readonly path: string
  #inode = -1
  #mtimeMs = 0
  #checkedAt = 0

  constructor(path: string) {
    this.path = path
  }

  /** Its state now; `undefined` when it is gone. */
  stat(): Stats | undefined {
    return statSync(this.path, { throwIfNoEntry: false })
  }

  /** It may hold something else than when it was read. */
  isDue(stat: Stats, nowMs: number): boolean {
    if (stat.mtimeMs !== this.#mtimeMs || stat.ino !== this.#inode) return true
    return this.isUncertain && nowMs > this.#mtimeMs + SAME_TIME_MS
  }

  /** It was read so soon after its last change that another one may have been missed. */
  get isUncertain(): boolean {
    return this.#checkedAt <= this.#mtimeMs + SAME_TIME_MS
  }

  /** Takes note that everything in the directory, as of `stat`, is known. */
  remember(stat: Stats, nowMs: number): void {
    this.#inode = stat.ino
    this.#mtimeMs = stat.mtimeMs
    this.#checkedAt = nowMs
  }

  /** The directory is to be read at the next look. */
  forget(): void {
    this.#mtimeMs = 0
  }

  /** As `remember`, after changes of our own. */
  rememberNow(nowMs: number): void {
    const stat = this.stat()
    if (stat !== undefined) this.remember(stat, nowMs)
  }
}
