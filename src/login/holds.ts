import type { Cancellable } from '../util/cancellation.ts'
import { RenewedMap } from '../util/renewed-map.ts'

/** Limits on logins that wait while their user is moved. */
export const HOLD_LIMITS = {
  /** A login waits this long at most, then it is refused for now: less than a stranger's three minutes. */
  waitMs: 150_000,
  /** What a login keeps of the client's time, for the backend. */
  reserveMs: 10_000,
  /** The longest that a hold lasts without being renewed: whoever set it may be gone. */
  expireMs: 60_000,
  /** Users of one hold. */
  users: 10_000,
  /** How long a release is remembered. No login takes longer to authenticate, `delay_until` included. */
  rememberMs: 600_000,
} as const

/** A login's way from its authentication to a backend. */
export type Passage =
  /** `leave` when the login has a backend or has failed. */
  | { readonly kind: 'free'; readonly leave: () => void }
  /** The same, but what the databases said before may be old. `waited`: it was held. */
  | { readonly kind: 'stale'; readonly waited: boolean; readonly leave: () => void }
  /** The time is up, or the client left. */
  | { readonly kind: 'too-long' }

export interface HoldState {
  /** Logins that wait. */
  readonly waiting: number
  /** Logins that authenticated and are on their way: what they know of the route is from before the hold. */
  readonly passing: number
}

interface Hold {
  readonly id: string
  readonly users: readonly string[]
  readonly waiting: Set<Waiter>
  timer: NodeJS.Timeout
}

interface Waiter {
  readonly user: string
  readonly go: () => void
}

const NOTHING: HoldState = { waiting: 0, passing: 0 }

/**
 * Users whose logins wait, in one process, because their mail is being moved. Everything has an end of its own: a login waits
 * for a limited time, and a hold that nobody renews is released.
 */
export class LoginHolds {
  readonly #now: () => number
  readonly #onExpired: (users: readonly string[]) => void
  readonly #holds = new Map<string, Hold>()
  readonly #held = new Map<string, Hold>()
  readonly #passing = new RenewedMap<{ count: number }>()
  /** When users were released: logins that began before know an old route. */
  readonly #released = new Map<string, number>()

  /** `onExpired` runs before the logins of a hold that nobody renewed go on. */
  constructor(now: () => number, onExpired: (users: readonly string[]) => void) {
    this.#now = now
    this.#onExpired = onExpired
  }

  /** Sets or renews a hold. Returns a user whom another hold has already, if any: then nothing was done. */
  hold(id: string, users: readonly string[], expireMs: number): string | undefined {
    const taken = users.find((user) => this.#held.has(user) && this.#held.get(user)?.id !== id)
    if (taken !== undefined) return taken
    const known = this.#holds.get(id)
    const timer = setTimeout(() => this.#expire(id), Math.min(expireMs, HOLD_LIMITS.expireMs)).unref()
    if (known !== undefined) {
      clearTimeout(known.timer)
      known.timer = timer
      return undefined
    }
    const hold = { id, users: users.slice(0, HOLD_LIMITS.users), waiting: new Set<Waiter>(), timer }
    this.#holds.set(id, hold)
    for (const user of hold.users) this.#held.set(user, hold)
    return undefined
  }

  /** Lets the logins go, each at a random moment within `spreadMs`. Returns how many waited. */
  release(id: string, spreadMs = 0): number {
    const hold = this.#holds.get(id)
    if (hold === undefined) return 0
    clearTimeout(hold.timer)
    this.#holds.delete(id)
    this.#forgetOldReleases()
    for (const user of hold.users) {
      this.#held.delete(user)
      // To its end: they stand in the order of their release.
      this.#released.delete(user)
      this.#released.set(user, this.#now())
    }
    const waiters = [...hold.waiting]
    for (const { go } of waiters) {
      if (spreadMs === 0) go()
      else setTimeout(go, Math.random() * spreadMs)
    }
    return waiters.length
  }

  state(user: string): HoldState {
    const waiting = [...(this.#held.get(user)?.waiting ?? [])].filter((waiter) => waiter.user === user).length
    const passing = this.#passing.get(user)?.count ?? 0
    return waiting === 0 && passing === 0 ? NOTHING : { waiting, passing }
  }

  /** A user has authenticated with what the databases said at some time after `sinceMs`. Waits if the user is held. */
  pass(user: string, sinceMs: number, limitMs: () => number, signal: Cancellable): Passage | Promise<Passage> {
    const hold = this.#held.size === 0 ? undefined : this.#held.get(user)
    if (hold !== undefined) return this.#wait(hold, user, limitMs, signal)
    const releasedMs = this.#released.size === 0 ? undefined : this.#released.get(user)
    const leave = this.#enter(user)
    return releasedMs === undefined || releasedMs < sinceMs
      ? { kind: 'free', leave }
      : { kind: 'stale', waited: false, leave }
  }

  async #wait(hold: Hold, user: string, limitMs: () => number, signal: Cancellable): Promise<Passage> {
    const isReleased = await new Promise<boolean>((resolve) => {
      const end = (released: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        hold.waiting.delete(waiter)
        resolve(released)
      }
      const giveUp = (): void => end(false)
      const waiter: Waiter = { user, go: () => end(true) }
      const timer = setTimeout(giveUp, Math.max(0, Math.min(HOLD_LIMITS.waitMs, limitMs() - HOLD_LIMITS.reserveMs)))
      hold.waiting.add(waiter)
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp)
    })
    if (!isReleased) return { kind: 'too-long' }
    // While this one waited for its moment, the user may have been held again.
    const next = this.#held.get(user)
    if (next !== undefined) return await this.#wait(next, user, limitMs, signal)
    return { kind: 'stale', waited: true, leave: this.#enter(user) }
  }

  #enter(user: string): () => void {
    const known = this.#passing.get(user)
    const logins = known ?? { count: 0 }
    if (known === undefined) this.#passing.set(user, logins)
    logins.count++
    return () => {
      if (--logins.count === 0) this.#passing.delete(user)
    }
  }

  #expire(id: string): void {
    const hold = this.#holds.get(id)
    if (hold === undefined) return
    this.#onExpired(hold.users)
    this.release(id)
  }

  #forgetOldReleases(): void {
    const oldest = this.#now() - HOLD_LIMITS.rememberMs
    for (const [user, releasedMs] of this.#released) {
      if (releasedMs >= oldest) return
      this.#released.delete(user)
    }
  }
}
