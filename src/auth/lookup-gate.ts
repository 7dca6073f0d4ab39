import { LiveList } from '../util/live-list.ts'
import type { Clock } from './needs.ts'

export interface LookupLimits {
  /** Lookups that one database works on at once. */
  readonly running: number
  /** Lookups that wait for their turn; more fail at once. */
  readonly waiting: number
  readonly waitMs: number
  readonly lookupMs: number
}

export const LOOKUP_LIMITS: LookupLimits = {
  running: 256,
  waiting: 10_000,
  /** Dovecot: a lookup that has waited for a worker this long fails. */
  waitMs: 60_000,
  /** A database that has not answered by then has failed. */
  lookupMs: 60_000,
}

/** The database did not answer, or is asked too much; `message` is for the log. */
export class LookupTimeout extends Error {
  override readonly name = 'LookupTimeout'
}

/** Lets a bounded number of lookups run in one database, each with a deadline. */
export class LookupGate {
  readonly #clock: Clock
  readonly #limits: LookupLimits
  readonly #waiting = new LiveList<() => void>()
  #running = 0

  constructor(clock: Clock, limits = LOOKUP_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Runs a lookup. One that is answered at once costs nothing. Rejects with LookupTimeout, or as the lookup does. */
  run<T>(lookup: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): T | Promise<T> {
    if (signal.aborted) return Promise.reject(new LookupTimeout('Lookup was cancelled'))
    if (this.#running >= this.#limits.running) return this.#wait(signal).then(() => this.#startNext(lookup, signal))
    return this.#start(lookup, signal)
  }

  /** One that had to wait. When it keeps no place, because it was answered at once, the next one has it. */
  #startNext<T>(lookup: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): T | Promise<T> {
    const before = this.#running
    try {
      return this.#start(lookup, signal)
    } finally {
      if (this.#running === before) this.#wakeNext()
    }
  }

  #start<T>(lookup: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): T | Promise<T> {
    const answer = lookup(signal)
    return answer instanceof Promise ? this.#watch(answer, signal) : answer
  }

  /** Waits for an answer, the deadline, or the client's leaving, whichever comes first. */
  async #watch<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
    this.#running += 1
    const end = Promise.withResolvers<never>()
    const left = (): void => end.reject(new LookupTimeout('Lookup was cancelled'))
    const free = this.#freeOnce(() =>
      end.reject(new LookupTimeout(`Lookup timed out after ${this.#limits.lookupMs / 1000} secs`)),
    )
    // The database still works on what nobody waits for: its place is free when it is done, or has failed.
    answer.then(free, free)
    signal.addEventListener('abort', left)
    if (signal.aborted) left()
    try {
      return await Promise.race([answer, end.promise])
    } finally {
      signal.removeEventListener('abort', left)
    }
  }

  /** Gives a lookup's place to the next one: when called, or at the deadline, which `late` is told. */
  #freeOnce(late: () => void): () => void {
    let isFree = false
    const free = (): void => {
      if (isFree) return
      isFree = true
      cancel()
      this.#running -= 1
      this.#wakeNext()
    }
    const cancel = this.#clock.timer(this.#limits.lookupMs, () => {
      free()
      late()
    })
    return free
  }

  #wakeNext(): void {
    this.#waiting.oldest?.()
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#limits.waiting)
      return Promise.reject(new LookupTimeout('Too many lookups are waiting'))
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.#waiting.remove(place)
        cancel()
        signal.removeEventListener('abort', aborted)
        end()
      }
      const place = this.#waiting.add(() => settle(resolve))
      const aborted = (): void => settle(() => reject(new LookupTimeout('Lookup was cancelled')))
      const secs = this.#limits.waitMs / 1000
      const cancel = this.#clock.timer(this.#limits.waitMs, () =>
        settle(() => reject(new LookupTimeout(`Lookup was not started within ${secs} secs`))),
      )
      signal.addEventListener('abort', aborted)
    })
  }
}
