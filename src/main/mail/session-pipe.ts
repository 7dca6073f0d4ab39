import type { Socket } from 'node:net'
import type { StreamSocket } from '../../net/stream-socket.ts'
import { type HandlePipe, type HandlePipeOwner, handlePipes } from '../../net/handle-pipe.ts'
import type { LentConnection } from '../../net/lent-connection.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import { RenewedMap } from '../../util/renewed-map.ts'
import type { SessionOrder } from './mail-order.ts'
import {
  type FromSessionPipe,
  type MailRefusal,
  MailWorkerLost,
  refusalFrom,
  sessionPipePath,
  type ToSessionPipe,
  WIRE_LIMITS,
} from './mail-wire.ts'

/** A session that a mail worker serves over the client's own connection. */
export interface HandedSession {
  readonly pid: number
  /** Resolves when the session is over. */
  readonly over: Promise<void>
  readonly kick: () => void
}

interface SessionPipeNeeds {
  /** The other side takes no more orders. */
  readonly onLeaving: () => void
  readonly log: (text: string) => void
}

/** All sessions that this process gave to one mail worker, or is about to. */
export class SessionPipe implements HandlePipeOwner {
  readonly #pipe: HandlePipe
  readonly #needs: SessionPipeNeeds
  readonly #waiting = new RenewedMap<WaitingOrder, number>()
  /** Those that are served, and what ends them here. */
  readonly #served = new RenewedMap<() => void, number>()
  #ordered = 0
  /** Somebody looks at what is sent. */
  #isMet = false
  #isLeaving = false

  /** Throws MailWorkerLost. */
  static async open(path: string, needs: SessionPipeNeeds): Promise<SessionPipe> {
    try {
      const pipe = await handlePipes?.connect(sessionPipePath(path))
      if (pipe !== undefined) return new SessionPipe(pipe, needs)
    } catch (error) {
      throw new MailWorkerLost('nobody answers', { cause: error })
    }
    throw new Error('connections cannot be given away')
  }

  constructor(pipe: HandlePipe, needs: SessionPipeNeeds) {
    this.#pipe = pipe
    this.#needs = needs
    pipe.owner = this
  }

  /**
   * Sends the order with its connection, on which the other side answers the login. When it rejects the connection was not used
   * (StoreRefusal, MailWorkerLost), or is closed: a worker that is gone may have answered already.
   */
  order(order: SessionOrder, client: Pick<LentConnection, 'socket' | 'unread'>): Promise<HandedSession> {
    const id = ++this.#ordered
    const waiting = new WaitingOrder(client.socket)
    this.#waiting.set(id, waiting)
    const unread = client.unread.toString('base64')
    this.#pipe.sendSocket({ kind: 'order', id, order, unread } satisfies ToSessionPipe, client.socket, (isSent) => {
      waiting.sent()
      if (!isSent) this.#forget(id)?.lose()
    })
    waiting.wait(() => this.#tooLate(id))
    return waiting.promise
  }

  pipeMessage(message: unknown, socket: Socket | undefined): void {
    socket?.destroy()
    const said = message as FromSessionPipe
    switch (said.kind) {
      case 'hello':
        this.#isMet = true
        return
      case 'begun':
        for (const id of said.ids) this.#begun(id, said.pid)
        return
      case 'refused':
        this.#forget(said.id)?.refuse(said.answer)
        return
      case 'ended':
        for (const id of said.ids) this.#ended(id)
        return
      case 'leaving':
        this.#isLeaving = true
        this.#needs.onLeaving()
    }
  }

  pipeClosed(): void {
    this.#needs.onLeaving()
    // One that said it would leave has answered those that it began; one that left before it met us has seen none.
    const isUntouched = this.#isLeaving || !this.#isMet
    const under = this.#served.size + (isUntouched ? 0 : this.#waiting.size)
    if (under > 0) this.#needs.log(`Mail worker ended under ${under} sessions`)
    for (const id of this.#waiting.keys()) {
      if (isUntouched) this.#forget(id)?.lose()
      else this.#forget(id)?.cut('the mail worker ended')
    }
    for (const id of this.#served.keys()) this.#ended(id)
  }

  #begun(id: number, pid: number): void {
    const over = Promise.withResolvers<void>()
    this.#served.set(id, over.resolve)
    this.#forget(id)?.begin({
      pid,
      over: over.promise,
      kick: () => this.#kick(id),
    })
  }

  #ended(id: number): void {
    const resolve = this.#served.get(id)
    this.#served.delete(id)
    resolve?.()
  }

  #tooLate(id: number): void {
    this.#kick(id)
    this.#forget(id)?.cut('the mail worker does not answer')
  }

  #forget(id: number): WaitingOrder | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #kick(id: number): void {
    this.#pipe.send({ kind: 'kick', id } satisfies ToSessionPipe)
  }
}

/** An order without an answer yet. Each ends in one way. */
class WaitingOrder {
  readonly promise: Promise<HandedSession>
  readonly #socket: StreamSocket
  #late: NodeJS.Timeout | undefined
  #isOver = false
  readonly #outcome = Promise.withResolvers<HandedSession>()
  #isSent = false
  #isClosing = false

  constructor(socket: StreamSocket) {
    this.#socket = socket
    this.promise = this.#outcome.promise
  }

  wait(onLate: () => void): void {
    if (!this.#isOver) this.#late = setTimeout(onLate, WIRE_LIMITS.answerMs)
  }

  /** Before, the connection must not be closed. */
  sent(): void {
    this.#isSent = true
    if (this.#isClosing) this.#socket.destroy()
  }

  begin(session: HandedSession): void {
    this.#end()
    this.#close()
    this.#outcome.resolve(session)
  }

  refuse(answer: MailRefusal): void {
    this.#fail(refusalFrom(answer))
  }

  /** It was not looked at: another worker may do it. */
  lose(): void {
    this.#fail(new MailWorkerLost('the mail worker left'))
  }

  /** Nobody knows what the client was told. */
  cut(why: string): void {
    this.#close()
    this.#fail(new StoreRefusal('temporary', why))
  }

  #fail(error: Error): void {
    this.#end()
    this.#outcome.reject(error)
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#late)
  }

  #close(): void {
    this.#isClosing = true
    if (this.#isSent) this.#socket.destroy()
  }
}
