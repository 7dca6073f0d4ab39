import { Socket } from 'node:net'
import type { DetachedSocket } from '../../net/byte-stream.ts'
import { type HandlePipe, type HandlePipeOwner, handlePipes, stopReading } from '../../net/handle-pipe.ts'
import { NOBODY, own } from '../../net/socket-owner.ts'
import { Deferred } from '../../util/deferred.ts'
import type { SessionOrder } from './mail-order.ts'
import {
  type FromSessionPipe,
  type MailAnswer,
  MailWorkerLost,
  sessionPipePath,
  throwUnlessDone,
  type ToSessionPipe,
  WIRE_LIMITS,
} from './mail-wire.ts'

/** A session that a mail worker has opened and whose connection it will get. */
export interface HandedSession {
  readonly pid: number
  readonly plugins: ReadonlySet<string>
  /** Gives the connection away; resolves when the session is over. Never rejects. */
  handOver(client: DetachedSocket): Promise<void>
  /** The client is gone. */
  drop(): void
  kick(): void
}

/** How long a client may take to read what it was told before: the connection is given away after that. */
const FLUSH_MS = 30_000

interface Pending {
  readonly answer: Deferred<MailAnswer>
  readonly late: NodeJS.Timeout
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
  readonly #pending = new Map<number, Pending>()
  /** Those that are served. */
  readonly #served = new Map<number, () => void>()
  #ordered = 0

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

  /** Throws StoreRefusal, MailWorkerLost. */
  async order(order: SessionOrder): Promise<HandedSession> {
    if (!this.#pipe.isOpen) throw new MailWorkerLost('the pipe is closed')
    const id = ++this.#ordered
    const answer = new Deferred<MailAnswer>()
    const late = setTimeout(() => answer.reject(new Error('the mail worker does not answer')), WIRE_LIMITS.answerMs)
    this.#pending.set(id, { answer, late })
    this.#say({ kind: 'order', id, order })
    try {
      const ready = await answer.promise
      if (ready.kind === 'ready') return this.#session(id, ready)
      throwUnlessDone(ready)
      throw new Error('an answer that does not fit')
    } finally {
      clearTimeout(late)
      // One that comes too late finds nobody; the other side is told.
      if (this.#pending.delete(id)) this.#say({ kind: 'drop', id })
    }
  }

  pipeMessage(message: unknown, socket: Socket | undefined): void {
    socket?.destroy()
    const said = message as FromSessionPipe
    switch (said.kind) {
      case 'answer': {
        const pending = this.#pending.get(said.id)
        this.#pending.delete(said.id)
        return pending?.answer.resolve(said.answer)
      }
      case 'ended':
        for (const id of said.ids) this.#ended(id)
        return
      case 'leaving':
        this.#needs.onLeaving()
    }
  }

  pipeClosed(): void {
    this.#needs.onLeaving()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { answer } of pending) answer.reject(new MailWorkerLost('the mail worker ended'))
    if (this.#served.size > 0) this.#needs.log(`Mail worker ended under ${this.#served.size} sessions`)
    for (const id of this.#served.keys()) this.#ended(id)
  }

  #session(id: number, { pid, plugins }: Extract<MailAnswer, { kind: 'ready' }>): HandedSession {
    return {
      pid,
      plugins: new Set(plugins),
      handOver: async (client) => await this.#handOver(id, client),
      drop: () => this.#say({ kind: 'drop', id }),
      kick: () => this.#say({ kind: 'kick', id }),
    }
  }

  async #handOver(id: number, { socket, leftover }: DetachedSocket): Promise<void> {
    own(socket, NOBODY, false)
    const read = socket instanceof Socket ? stopReading(socket) : undefined
    if (!(socket instanceof Socket) || read === undefined || !this.#pipe.isOpen) {
      socket.destroy()
      return this.#say({ kind: 'drop', id })
    }
    const over = Promise.withResolvers<void>()
    this.#served.set(id, over.resolve)
    if (socket.writableLength > 0) await flushed(socket)
    const unread = Buffer.concat([leftover, read]).toString('base64')
    if (socket.destroyed) {
      this.#say({ kind: 'drop', id })
      this.#ended(id)
    } else this.#pipe.sendSocket({ kind: 'take', id, unread } satisfies ToSessionPipe, socket)
    await over.promise
  }

  #ended(id: number): void {
    const resolve = this.#served.get(id)
    this.#served.delete(id)
    resolve?.()
  }

  #say(message: ToSessionPipe): void {
    this.#pipe.send(message)
  }
}

/** Resolves when the kernel has all that was written; destroys a connection that takes too long. */
async function flushed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const late = setTimeout(() => socket.destroy(), FLUSH_MS)
  socket.once('close', resolve).write('', () => resolve())
  await promise
  clearTimeout(late)
}
