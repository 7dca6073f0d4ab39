import { LiveList } from '../../util/live-list.ts'
import { HASH_LIMITS } from './limits.ts'
import { HashUnavailable } from './scheme.ts'

export interface HashQueueLimits {
  readonly running: number
  readonly waiting: number
  readonly waitMs: number
  readonly memoryKiB: number
}

interface Waiting {
  readonly memoryKiB: number
  start(): void
}

/**
 * Lets a few slow hashes run at once and a bounded number wait, in order of arrival. Refuses with HashUnavailable what does
 * not fit, so that a flood of logins is told "later" instead of piling up, and never "wrong password".
 */
export class HashQueue {
  readonly #limits: HashQueueLimits
  readonly #waiting = new LiveList<Waiting>()
  #running = 0
  #memoryKiB = 0

  constructor(limits: HashQueueLimits = HASH_LIMITS) {
    this.#limits = limits
  }

  /** Runs `job` when there is room. `memoryKiB` is what it will allocate. */
  async run<T>(job: () => Promise<T>, memoryKiB = 0): Promise<T> {
    if (this.#waiting.size === 0 && this.#hasRoom(memoryKiB)) this.#admit(memoryKiB)
    else await this.#wait(memoryKiB)
    try {
      return await job()
    } finally {
      this.#running -= 1
      this.#memoryKiB -= memoryKiB
      this.#startWaiting()
    }
  }

  #admit(memoryKiB: number): void {
    this.#running += 1
    this.#memoryKiB += memoryKiB
  }

  #hasRoom(memoryKiB: number): boolean {
    if (this.#running === 0) return true
    return this.#running < this.#limits.running && this.#memoryKiB + memoryKiB <= this.#limits.memoryKiB
  }

  #wait(memoryKiB: number): Promise<void> {
    const { waiting, waitMs } = this.#limits
    if (this.#waiting.size >= waiting) {
      return Promise.reject(new HashUnavailable(`Too many passwords are being verified (${waiting} waiting)`))
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.remove(place)
        reject(new HashUnavailable(`Password verification did not start within ${waitMs} msecs`))
      }, waitMs)
      const place = this.#waiting.add({
        memoryKiB,
        start: () => {
          clearTimeout(timer)
          resolve()
        },
      })
    })
  }

  #startWaiting(): void {
    for (;;) {
      const next = this.#waiting.oldest
      if (next === undefined || !this.#hasRoom(next.memoryKiB)) return
      this.#waiting.removeOldest()
      this.#admit(next.memoryKiB)
      next.start()
    }
  }
}

/** The queue that all slow hashes of this process go through. */
export const hashQueue = new HashQueue()
