import type { Socket } from 'node:net'
import type { HandlePipe, HandlePipeOwner } from '../../net/handle-pipe.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { OpenSession } from './mail-host.ts'
import type { SessionOrder } from './mail-order.ts'
import { answerTo, type FromSessionPipe, type ToSessionPipe } from './mail-wire.ts'
import type { MailSocketNeeds } from './serve-mail-socket.ts'

/** How long a session may take to end when it has to: then its connection is cut. */
const KICK_MS = 10_000

/** Ends are told together: to wake the other process for each would cost as much as a command. */
const ENDED_MS = 5

/** Serves the sessions that one process hands over, until it goes; with it go its sessions. */
export function serveSessionPipe(pipe: HandlePipe, needs: MailSocketNeeds): void {
  pipe.owner = new SessionPipeServer(pipe, needs)
}

class SessionPipeServer implements HandlePipeOwner {
  readonly #pipe: HandlePipe
  readonly #needs: MailSocketNeeds
  readonly #sessions = new Map<number, Ordered>()
  /** Being opened, and still wanted. */
  readonly #opening = new Set<number>()
  /** Over, and still to be told. */
  #ended: number[] = []
  readonly #endAll = (): void => this.#endEverySession()
  readonly #leave = (): void => this.#say({ kind: 'leaving' })

  constructor(pipe: HandlePipe, needs: MailSocketNeeds) {
    this.#pipe = pipe
    this.#needs = needs
    needs.stopping.addEventListener('abort', this.#endAll)
    needs.presence.addLeaver(this.#leave)
  }

  pipeMessage(message: unknown, socket: Socket | undefined): void {
    const said = message as ToSessionPipe
    if (said.kind === 'order') return void this.#open(said.id, said.order)
    if (said.kind === 'drop') this.#opening.delete(said.id)
    const session = this.#sessions.get(said.id)
    if (said.kind === 'kick') session?.kick()
    else if (said.kind === 'drop') session?.drop()
    else this.#take(said.id, session, socket, Buffer.from(said.unread, 'base64'))
  }

  #take(id: number, session: Ordered | undefined, socket: Socket | undefined, unread: Buffer): void {
    if (session?.isFree === true && socket !== undefined) return void session.serve(socket, unread)
    // It had to end before its client came, or the client got lost: too many open files.
    socket?.destroy()
    session?.drop()
    this.#sayEnded(id)
  }

  /** The process that talked to their clients is gone: nobody could find these sessions any more. */
  pipeClosed(): void {
    this.#needs.stopping.removeEventListener('abort', this.#endAll)
    this.#needs.presence.deleteLeaver(this.#leave)
    this.#opening.clear()
    this.#endEverySession()
  }

  async #open(id: number, order: SessionOrder): Promise<void> {
    const { protocols, presence, host, logFault } = this.#needs
    const protocol = protocols.find(({ name }) => name === order.protocol)
    const ending = new AbortController()
    presence.enter()
    this.#opening.add(id)
    try {
      const open = await host.openSession(order, ending.signal)
      const session = new Ordered(open, protocol, ending, {
        logFault,
        onServed: () => this.#sayEnded(id),
        onEnd: () => {
          this.#sessions.delete(id)
          presence.leave()
        },
      })
      this.#sessions.set(id, session)
      const plugins = [...open.session.plugins]
      this.#say({ kind: 'answer', id, answer: { kind: 'ready', pid: process.pid, plugins } })
      if (!this.#opening.delete(id)) session.drop()
    } catch (error) {
      this.#opening.delete(id)
      const answer = answerTo(error)
      if (answer.kind === 'failed') logFault(error)
      this.#say({ kind: 'answer', id, answer })
      presence.leave()
    }
  }

  #endEverySession(): void {
    for (const session of this.#sessions.values()) session.end()
  }

  #sayEnded(id: number): void {
    if (this.#ended.push(id) > 1) return
    setTimeout(() => {
      this.#say({ kind: 'ended', ids: this.#ended })
      this.#ended = []
    }, ENDED_MS)
  }

  #say(message: FromSessionPipe): void {
    this.#pipe.send(message)
  }
}

interface OrderedNeeds {
  readonly logFault: (error: unknown) => void
  /** The client has heard the last of it. */
  readonly onServed: () => void
  /** Closed, whatever became of it. */
  readonly onEnd: () => void
}

/** A session that is open: waits for its connection, is served, ends. */
class Ordered {
  readonly #open: OpenSession
  readonly #protocol: Protocol | undefined
  readonly #ending: AbortController
  readonly #needs: OrderedNeeds
  #stream: SocketStream | undefined
  #isDropped = false

  constructor(open: OpenSession, protocol: Protocol | undefined, ending: AbortController, needs: OrderedNeeds) {
    this.#open = open
    this.#protocol = protocol
    this.#ending = ending
    this.#needs = needs
  }

  /** Waits for its connection. */
  get isFree(): boolean {
    return this.#stream === undefined && !this.#isDropped
  }

  async serve(socket: Socket, unread: Buffer): Promise<void> {
    // As if it came only now: what the client sent is counted here.
    if (unread.length > 0) socket.unshift(unread)
    const stream = (this.#stream = new SocketStream(socket))
    await this.#quietly(async () => await this.#protocol?.serve?.(stream, this.#open.session))
    this.#needs.onServed()
    await this.#quietly(async () => await this.#open.close())
    // Who said what there was to say need not be waited for. Dovecot closes so, too.
    if (stream.buffered === 0 && stream.queuedBytes === 0 && !this.#ending.signal.aborted) stream.destroy()
    else await stream.close()
    this.#needs.onEnd()
  }

  /** With a goodbye; a client that does not hear it is cut off. */
  kick(): void {
    this.#ending.abort()
    const stream = this.#stream
    if (stream !== undefined) setTimeout(() => stream.destroy(), KICK_MS).unref()
  }

  /** Without a client there is nothing to end. */
  drop(): void {
    if (!this.isFree) return
    this.#isDropped = true
    void this.#quietly(async () => await this.#open.close()).then(this.#needs.onEnd)
  }

  end(): void {
    if (this.#stream === undefined) this.drop()
    else this.kick()
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#needs.logFault(error)
    }
  }
}
