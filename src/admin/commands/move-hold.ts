import { MoveFailed, type MoveNeeds, textOf } from './move-needs.ts'
import { MOVE_LIMITS } from './move-wire.ts'

/** A hold on some users in every worker, renewed until it is released. */
export class MoveHold {
  readonly #needs: MoveNeeds
  readonly #id: string
  readonly #users: readonly string[]
  #timer: NodeJS.Timeout | undefined
  #renewedMs = 0
  #fault = ''

  constructor(needs: MoveNeeds, id: string, users: readonly string[]) {
    this.#needs = needs
    this.#id = id
    this.#users = users
  }

  /** Rejects when not every worker holds them. */
  async begin(): Promise<void> {
    await this.#hold()
    this.#timer = setInterval(() => void this.#renew(), MOVE_LIMITS.renewMs)
  }

  /** Throws MoveFailed when the hold may have ended by itself, or the administrator wants to stop. */
  check(): void {
    if (this.#needs.signal.aborted) throw new MoveFailed('interrupted')
    if (performance.now() - this.#renewedMs > MOVE_LIMITS.expireMs - MOVE_LIMITS.renewMs) {
      throw new MoveFailed(`the hold could not be renewed: ${this.#fault}`)
    }
  }

  /** Lets the logins go. Resolves with how many waited. */
  async release(spreadMs: number): Promise<number> {
    clearInterval(this.#timer)
    const rows = await this.#needs.server.ask({ step: 'release', move: this.#id, users: this.#users, spreadMs })
    return Number(rows[0]?.['count'] ?? 0)
  }

  /** Renews no more: the workers let go by themselves. */
  abandon(): void {
    clearInterval(this.#timer)
  }

  async #hold(): Promise<void> {
    const askedMs = performance.now()
    await this.#needs.server.ask({
      step: 'hold',
      move: this.#id,
      users: this.#users,
      expireMs: MOVE_LIMITS.expireMs,
    })
    this.#renewedMs = askedMs
  }

  async #renew(): Promise<void> {
    try {
      await this.#hold()
    } catch (error) {
      this.#fault = textOf(error)
    }
  }
}
