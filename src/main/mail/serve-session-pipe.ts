import type { Socket } from 'node:net'
import type { HandlePipe, HandlePipeOwner } from '../../net/handle-pipe.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { RenewedMap } from '../../util/renewed-map.ts'
import type { OpenSession } from './mail-host.ts'
import { answerTo, type FromSessionPipe, type ToSessionPipe } from './mail-wire.ts'
import type { MailSocketNeeds } from './serve-mail-socket.ts'

/** How long a session may take to end when it has to: then its connection is cut. */
const KICK_MS = 10_000

/** Who has begun and ended is told together: to wake the other process for each would cost as much as a command. */
const NEWS_MS = 5

type Order = Extract<ToSessionPipe, { kind: 'order' }>

/** Serves the sessions that one process hands over, until it goes; with it go its sessions. */
export function serveSessionPipe(pipe: HandlePipe, needs: MailSocketNeeds): void {
  pipe.owner = new SessionPipeServer(pipe, needs)
}

class SessionPipeServer implements HandlePipeOwner {
  readonly #pipe: HandlePipe
  readonly #needs: MailSocketNeeds
  readonly #sessions = new RenewedMap<Handed, number>()
  /** To be told. */
  #begun = new Set<number>()
  #ended: number[] = []
  #willTell = false
  readonly #endAll = (): void => this.#endEverySession()
  readonly #leave = (): void => this.#say({ kind: 'leaving' })

  constructor(pipe: HandlePipe, needs: MailSocketNeeds) {
    this.#pipe = pipe
    this.#needs = needs
    needs.stopping.addEventListener('abort', this.#endAll)
    this.#say({ kind: 'hello' })
    needs.presence.addLeaver(this.#leave)
  }

  pipeMessage(message: unknown, socket: Socket | undefined): void {
    const said = message as ToSessionPipe
    if (said.kind === 'kick') this.#sessions.get(said.id)?.kick()
    else void this.#serve(said, socket)
  }

  /** The process that knew these sessions is gone: nobody could find them any more. */
  pipeClosed(): void {
    this.#needs.stopping.removeEventListener('abort', this.#endAll)
    this.#needs.presence.deleteLeaver(this.#leave)
    this.#endEverySession()
  }

  /** Never rejects. */
  async #serve(order: Order, socket: Socket | undefined): Promise<void> {
    const { presence, logFault } = this.#needs
    presence.enter()
    try {
      await this.#open(order, socket)
    } catch (error) {
      socket?.destroy()
      const answer = answerTo(error)
      if (answer.kind === 'failed') logFault(error)
      this.#say({ kind: 'refused', id: order.id, answer })
    }
    presence.leave()
  }

  /** What it rejects with happened before anything was done with the connection. */
  async #open({ id, order, unread }: Order, socket: Socket | undefined): Promise<void> {
    const { protocols, host, logFault } = this.#needs
    const protocol = protocols.find(({ name }) => name === order.protocol)
    if (protocol?.serve === undefined) throw new Error(`nobody serves ${order.protocol} here`)
    // It got lost on the way: too many open files.
    if (socket === undefined) throw new Error('the connection did not come')
    const session = new Handed(socket, logFault)
    this.#sessions.set(id, session)
    try {
      const open = await host.openSession(order, session.signal)
      if (!this.#pipe.isOpen) {
        // Nobody could find it any more.
        socket.destroy()
        return await open.close()
      }
      this.#begun.add(id)
      this.#tellSoon()
      await session.serve(protocol, open, Buffer.from(unread, 'base64'))
      this.#ended.push(id)
      this.#tellSoon()
      await session.closeMail(open)
      await session.close(this.#begun.has(id))
    } finally {
      this.#sessions.delete(id)
    }
  }

  #endEverySession(): void {
    for (const session of this.#sessions.values()) session.kick()
  }

  #tellSoon(): void {
    if (this.#willTell) return
    this.#willTell = true
    setTimeout(() => this.#tell(), NEWS_MS)
  }

  #tell(): void {
    this.#willTell = false
    if (this.#begun.size > 0) this.#say({ kind: 'begun', ids: [...this.#begun], pid: process.pid })
    if (this.#ended.length > 0) this.#say({ kind: 'ended', ids: this.#ended })
    this.#begun = new Set()
    this.#ended = []
  }

  #say(message: FromSessionPipe): void {
    this.#pipe.send(message)
  }
}

/** A session whose connection is here. */
class Handed {
  readonly #socket: Socket
  readonly #logFault: (error: unknown) => void
  readonly #ending = new AbortController()
  #stream: SocketStream | undefined

  constructor(socket: Socket, logFault: (error: unknown) => void) {
    this.#socket = socket
    this.#logFault = logFault
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Until the client has heard the last of it. Never rejects. */
  async serve(protocol: Protocol, open: OpenSession, unread: Buffer): Promise<void> {
    // As if it came only now: what the client sent is counted here.
    if (unread.length > 0) this.#socket.unshift(unread)
    const stream = (this.#stream = new SocketStream(this.#socket))
    await this.#quietly(async () => await protocol.serve?.(stream, open.session))
  }

  /** Never rejects. */
  async closeMail(open: OpenSession): Promise<void> {
    await this.#quietly(async () => await open.close())
  }

  /** `isHeldElsewhere`: the other process has not let go of the connection yet. */
  async close(isHeldElsewhere: boolean): Promise<void> {
    const stream = this.#stream
    // Who said what there was to say need not be waited for. Dovecot closes so, too.
    const isQuiet = stream?.buffered === 0 && stream.queuedBytes === 0 && !this.signal.aborted
    if (!isQuiet) await stream?.close()
    // To the client a connection is open for as long as somebody has it, unless it is told otherwise.
    else if (isHeldElsewhere) this.#socket.end(() => stream.destroy())
    else stream.destroy()
  }

  /** With a goodbye; a client that does not hear it is cut off. */
  kick(): void {
    this.#ending.abort()
    setTimeout(() => this.#socket.destroy(), KICK_MS).unref()
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#logFault(error)
    }
  }
}
