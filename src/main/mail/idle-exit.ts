export interface IdleExitNeeds {
  /** Unused for this long, the process goes. */
  readonly idleMs: number
  /** Nobody new is to come. */
  readonly onLeaving: () => void
  /** Nobody uses it and nobody will. */
  readonly onEnd: () => void
}

/** Somebody may have sent an order a moment before they heard that the process leaves. */
const LINGER_MS = 5_000
/** A process is started for somebody, who has yet to come: on a busy machine that may take longer than they may stay away later. */
const FIRST_MS = 5_000

/** Who uses this process; when nobody has for a while it ends, once. */
export class IdleExit {
  #leavers: readonly (() => void)[] = []
  readonly #needs: IdleExitNeeds
  #users = 0
  #isLeaving = false
  #timer: NodeJS.Timeout | undefined

  constructor(needs: IdleExitNeeds) {
    this.#needs = needs
    this.#timer = setTimeout(() => this.#leaveNow(), Math.max(FIRST_MS, needs.idleMs))
  }

  get users(): number {
    return this.#users
  }

  /** Tells one who comes again and again that the process leaves; at once when it does so already. */
  addLeaver(tell: () => void): void {
    this.#leavers = [...this.#leavers, tell]
    if (this.#isLeaving) tell()
  }

  deleteLeaver(tell: () => void): void {
    this.#leavers = this.#leavers.filter((one) => one !== tell)
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
    for (const tell of this.#leavers) tell()
    this.#wait()
  }
}
