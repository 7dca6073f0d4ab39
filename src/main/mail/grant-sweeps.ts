import { LRUCache } from 'lru-cache'

/** A session is busy when it begins. */
const DELAY_MS = 5_000
const INTERVAL_MS = 24 * 3_600_000
/** Users whose last sweep is remembered. */
const MAX_USERS = 100_000

/** A sweep that waits, runs or is not needed. */
export interface GrantSweep {
  /** The session ends: what has not begun does not begin, what runs is waited for. */
  end(): Promise<void>
}

/**
 * Takes grants that have ended out of users' files, once a day and user while one of his sessions is open: for Postern they count
 * for nothing anyway, but Dovecot and people read the files too.
 */
export class GrantSweeps {
  readonly #done = new LRUCache<string, true>({ max: MAX_USERS, ttl: INTERVAL_MS })

  /** `expire` does it; its faults are for `complain`. */
  begin(user: string, expire: () => Promise<unknown>, complain: (error: unknown) => void): GrantSweep {
    if (this.#done.has(user)) return { end: () => Promise.resolve() }
    let running: Promise<void> | undefined
    const timer = setTimeout(() => {
      if (this.#done.has(user)) return
      this.#done.set(user, true)
      running = expire().then(() => undefined, complain)
    }, DELAY_MS)
    timer.unref()
    return {
      async end() {
        clearTimeout(timer)
        await running
      },
    }
  }
}
