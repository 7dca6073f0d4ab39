import { LiveList } from '../util/live-list.ts'
import type { Clock } from './needs.ts'

/** Lets a bounded number of things run at once; the others wait for their turn, for a while. */
export class Turns {
  readonly #clock: Clock
  readonly #count: number
  readonly #waitMs: number
  readonly #waiting = new LiveList<() => void>()
  #running = 0

  constructor(clock: Clock, count: number, waitMs: number) {
    this.#clock = clock
    this.#count = count
    this.#waitMs = waitMs
  }

  /** Rejects with what `late` makes when no turn comes in time. */
  async run<T>(work: () => Promise<T>, late: (secs: number) => Error): Promise<T> {
    await this.#take(late)
    try {
      return await work()
    } finally {
      // Whoever ends hands the turn on.
      const next = this.#waiting.oldest
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  async #take(late: (secs: number) => Error): Promise<void> {
    if (this.#running < this.#count) {
      this.#running += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const place = this.#waiting.add(() => {
        cancel()
        this.#waiting.remove(place)
        resolve()
      })
      const cancel = this.#clock.timer(this.#waitMs, () => {
        this.#waiting.remove(place)
        reject(late(this.#waitMs / 1000))
      })
    })
  }
}
