export interface IdleExitNeeds {
  /** Unused for this long, the process goes. */
  readonly idleMs: number
  /** It takes no more orders, except from those who do not know yet. */
  readonly onLeaving: () => void
  /** Nobody uses it and nobody will. */
  readonly onEnd: () => void
}

/** Somebody may have asked for the process a moment before it left. */
const LINGER_MS = 5_000

/** Who uses this process; when nobody has for a while it ends, once. */
export class IdleExit {
  readonly #needs: IdleExitNeeds
  #users = 0
  #isLeaving = false
  #timer: NodeJS.Timeout | undefined

  constructor(needs: IdleExitNeeds) {
    this.#needs = needs
    this.#wait()
  }

  get users(): number {
    return this.#users
  }

  enter(): void {
    this.#users++
    clearTimeout(this.#timer)
  }

  leave(): void {
    this.#users--
    if (this.#users === 0) this.#wait()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#isLeaving
      ? setTimeout(() => this.#needs.onEnd(), LINGER_MS)
      : setTimeout(() => this.#leaveNow(), this.#needs.idleMs)
  }

  #leaveNow(): void {
    this.#isLeaving = true
    this.#needs.onLeaving()
    this.#wait()
  }
}
