import type { Clock } from './needs.ts'

/** Dovecot looks at the waiting failures this often. */
export const FAILURE_TICK_MS = 500

interface Waiting {
  readonly since: number
  readonly delayMs: number
  readonly release: () => void
}

/**
 * Holds failures back: each for at least `auth_failure_delay`, then until the next tick, in random order among those that
 * are due, so that the time and order of answers tell nothing.
 */
export class FailureDelay {
  readonly #clock: Clock
  readonly #random: (limit: number) => number
  #waiting: Waiting[] = []
  #cancelTick: (() => void) | undefined

  constructor(clock: Clock, random: (limit: number) => number) {
    this.#clock = clock
    this.#random = random
  }

  /** Resolves when the failure may be told, or at once when the client is gone. */
  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || delayMs === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const release = (): void => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      const entry = { since: this.#clock.now(), delayMs, release }
      const aborted = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
        release()
      }
      signal.addEventListener('abort', aborted)
      this.#waiting.push(entry)
      this.#cancelTick ??= this.#clock.timer(FAILURE_TICK_MS, () => this.#tick())
    })
  }

  /** Lets everybody go. */
  flush(): void {
    this.#cancelTick?.()
    this.#cancelTick = undefined
    const all = this.#waiting
    this.#waiting = []
    for (const { release } of all) release()
  }

  #tick(): void {
    const now = this.#clock.now()
    // A clock that was set back must not keep anybody waiting.
    const isDue = ({ since, delayMs }: Waiting): boolean => now - since >= delayMs || now < since
    const due = this.#waiting.filter(isDue)
    this.#waiting = this.#waiting.filter((entry) => !isDue(entry))
    for (const { release } of this.#shuffle(due)) release()
    this.#cancelTick = this.#waiting.length === 0 ? undefined : this.#clock.timer(FAILURE_TICK_MS, () => this.#tick())
  }

  #shuffle(entries: Waiting[]): Waiting[] {
    for (let last = entries.length - 1; last > 0; last--) {
      const other = this.#random(last + 1)
      const [a, b] = [entries[last], entries[other]]
      if (a === undefined || b === undefined) continue
      entries[last] = b
      entries[other] = a
    }
    return entries
  }
}
