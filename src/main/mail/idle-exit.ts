export interface IdleExitNeeds {
  /** Unused for this long, the process goes. */
  readonly idleMs: number
  /** Nobody new is to come. */
  readonly onLeaving: () => void
  /** Nobody uses it and nobody will. */
  readonly onEnd: () => void
}

/** Somebody may have asked for the process a moment before it left. */
const LINGER_MS = 5_000

/** Who uses this process; when nobody has for a while it ends, once. */
export class IdleExit {
  /** Those who come again and again, and have to know that it leaves. */
  readonly leavers = new Set<() => void>()
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
    for (const tell of this.leavers) tell()
    this.#wait()
  }
}
