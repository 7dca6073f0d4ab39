import type { Clock } from '../needs.ts'

/** A clock that stands still until it is moved. For tests. */
export class FakeClock implements Clock {
  #now: number
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  timer(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run }
    this.#timers.add(entry)
    return () => this.#timers.delete(entry)
  }

  /** Timers that have not run yet. */
  get timers(): number {
    return this.#timers.size
  }

  /** Moves on by `ms`, running what is due in order; what follows from it runs before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
      await settled()
    }
    this.#now = end
  }
}

/** Lets everything that is ready run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
