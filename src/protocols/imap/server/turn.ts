import { SERVER_LIMITS } from './limits.ts'

/** A long command's share of the event loop: it asks `over` in its loop, and gives way to others when its turn is over. */
export class Turn {
  #since = performance.now()
  #asked = 0

  /** Work begins now, after a wait. */
  begin(): void {
    this.#since = performance.now()
  }

  /** Cheap: looks at the clock now and then. */
  get over(): boolean {
    return (++this.#asked & 15) === 0 && performance.now() - this.#since > SERVER_LIMITS.turnMs
  }

  /** The same for steps that are long themselves. */
  get overNow(): boolean {
    return performance.now() - this.#since > SERVER_LIMITS.turnMs
  }

  /** Resolves after everybody else had a turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now()
        resolve()
      })
    })
  }
}
