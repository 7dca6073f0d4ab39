import { setTimeout } from 'node:timers/promises'
import type { LentConnection } from '../../net/lent-connection.ts'
import type { DeliveryOrder, SessionOrder } from './mail-order.ts'
import { MailWorkerLost } from './mail-wire.ts'
import { orderSession, type RemoteDelivery, type RemoteSession } from './remote-mail.ts'
import { RemoteDeliveries } from './remote-deliveries.ts'
import { type HandedSession, SessionPipe } from './session-pipe.ts'

/**
 * A process that ends when nobody uses it may do so at any moment: whoever comes just then comes again, a moment later, when the
 * supervisor knows.
 */
const PAUSES_MS: readonly number[] = [0, 25, 100, 400]

/**
 * A mail worker, as a process that talks to strangers knows it: where it answers, and what is open to it. The supervisor is asked
 * once, and again when nobody answers there any more.
 */
export class WorkerLink {
  readonly #ask: () => Promise<string>
  readonly #log: (text: string) => void
  readonly #deliveries = new RemoteDeliveries()
  #path: Promise<string> | undefined
  #pipe: Promise<SessionPipe> | undefined

  /** `ask` for the path of its socket; rejects when it cannot be started. */
  constructor(ask: () => Promise<string>, log: (text: string) => void) {
    this.#ask = ask
    this.#log = log
  }

  /** A session whose bytes will pass through this process. Throws StoreRefusal. */
  async relayed(what: SessionOrder): Promise<RemoteSession> {
    return await this.#reach(async (path) => await orderSession(path, what))
  }

  /** A session whose connection is given away. Throws StoreRefusal; see SessionPipe. */
  async handed(what: SessionOrder, client: LentConnection): Promise<HandedSession> {
    return await this.#reach(async (path) => await (await this.#pipeTo(path)).order(what, client))
  }

  /** Throws StoreRefusal. */
  async delivery(what: DeliveryOrder): Promise<RemoteDelivery> {
    return (
      (await this.#deliveries.again(what)) ??
      (await this.#reach(async (path) => await this.#deliveries.open(path, what)))
    )
  }

  async #reach<Value>(work: (path: string) => Promise<Value>): Promise<Value> {
    for (let tries = 0; ; tries++) {
      const asked = (this.#path ??= this.#askAnew())
      const path = await asked
      try {
        return await work(path)
      } catch (error) {
        if (!(error instanceof MailWorkerLost)) throw error
        if (this.#path === asked) this.#path = undefined
        const pauseMs = PAUSES_MS[tries]
        if (pauseMs === undefined) throw error
        await setTimeout(pauseMs)
      }
    }
  }

  #askAnew(): Promise<string> {
    const asked = this.#ask()
    asked.catch(() => {
      if (this.#path === asked) this.#path = undefined
    })
    return asked
  }

  async #pipeTo(path: string): Promise<SessionPipe> {
    return await (this.#pipe ??= this.#openPipe(path))
  }

  #openPipe(path: string): Promise<SessionPipe> {
    const forget = (): void => {
      if (this.#pipe === opening) this.#pipe = undefined
      this.#path = undefined
    }
    const opening: Promise<SessionPipe> = SessionPipe.open(path, { onLeaving: forget, log: this.#log })
    opening.catch(forget)
    return opening
  }
}
