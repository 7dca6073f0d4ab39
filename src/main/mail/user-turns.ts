import { RenewedMap } from '../../util/renewed-map.ts'

/** How many deliveries each user has at the moment: `lmtp_user_concurrency_limit`. */
export class UserTurns {
  readonly #running = new RenewedMap<number>()

  /** What ends the turn; `undefined` when the user has as many as there may be. A limit of 0 is none. */
  enter(user: string, limit: number): (() => void) | undefined {
    if (limit === 0) return () => undefined
    const count = this.#running.get(user) ?? 0
    if (count >= limit) return undefined
    this.#running.set(user, count + 1)
    let isIn = true
    return () => {
      if (isIn) this.#leave(user)
      isIn = false
    }
  }

  #leave(user: string): void {
    const left = (this.#running.get(user) ?? 1) - 1
    if (left > 0) this.#running.set(user, left)
    else this.#running.delete(user)
  }
}
