import { performance } from 'node:perf_hooks'
import { BareTls } from '../net/bare/bare-tls.ts'
import { CLOSE_MS, type DetachedSocket } from '../net/byte-stream.ts'
import { closeSocket } from '../net/close-socket.ts'
import { faultText } from '../net/fault-text.ts'
import { DISCARD } from '../net/onread.ts'
import { NOBODY, own, type SocketOwner } from '../net/socket-owner.ts'
import type { StreamSocket } from '../net/stream-socket.ts'
import { Direction } from './relay-direction.ts'

/** How long the last bytes may take to reach the other side after one side ended. */
export const RELAY_FLUSH_MS = 30_000

export interface RelayOptions {
  /** Called once, when the session is over; the sockets are being closed then. */
  readonly onEnd: (end: RelayEnd) => void
  /**
   * Asked when the backend closed or the session was kicked (`login_proxy_max_disconnect_delay`): milliseconds after
   * which `cut` will be called to close the client, or 0 to close it at once.
   */
  readonly disconnectDelay?: (cut: () => void) => number
}

/** A proxied session while it runs. */
export interface RelaySession {
  /** Bytes written to the backend and to the client over their whole connections: Dovecot's in= and out=. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly idleMs: number
  /** Ends the session: `Disconnected by proxy: REASON`. */
  kick(reason: string): void
  /** Ends the session as soon as nothing came from either side for `idleMs`. For shutdown; no delay is asked for. */
  closeWhenIdle(idleMs: number, reason: string): void
}

/** Everything a log line about the end of a session needs. */
export interface RelayEnd {
  /** Who ended it. */
  readonly side: 'client' | 'server' | 'proxy'
  /** Empty when that side closed in peace. */
  readonly reason: string
  readonly error: Error | undefined
  readonly bytesIn: number
  /** Bytes the client's connection took; what still waits is in `bufferedToClient`. */
  readonly bytesOut: number
  readonly bufferedToClient: number
  /** The backend was not read because the client did not read. */
  readonly clientOutputBlocked: boolean
  readonly idleSecs: number
  /** The client is closed that much later; 0 is at once. */
  readonly delayMs: number
}

/**
 * Carries bytes between a logged-in client and its backend until one of them ends. An end on either side ends the session:
 * what is written to the other side is sent, then both are closed; no words of ours are added.
 */
export function relay(client: DetachedSocket, backend: DetachedSocket, options: RelayOptions): RelaySession {
  return new Relay(client, backend, options)
}

class Relay implements RelaySession {
  readonly #client: DetachedSocket
  readonly #backend: DetachedSocket
  readonly #options: RelayOptions
  readonly #toBackend: Direction
  readonly #toClient: Direction
  #activeAtMs = performance.now()
  #ended = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor(client: DetachedSocket, backend: DetachedSocket, options: RelayOptions) {
    this.#client = client
    this.#backend = backend
    this.#options = options
    this.#toBackend = new Direction(client, backend.socket, this.#onActivity)
    this.#toClient = new Direction(backend, client.socket, this.#onActivity)
    const finish: Finish = (side, reason, error) => this.#finish(side, reason, error)
    own(client.socket, new Side('client', this.#toBackend, this.#toClient, finish), client.onread === undefined)
    own(backend.socket, new Side('server', this.#toClient, this.#toBackend, finish), backend.onread === undefined)
    this.#toBackend.start()
    this.#toClient.start()
    // Nobody tells twice that a socket has ended; and the caller wants its session before the end of it.
    if (isOver(client.socket)) process.nextTick(finish, 'client', '', undefined)
    else if (isOver(backend.socket)) process.nextTick(finish, 'server', '', undefined)
  }

  get bytesIn(): number {
    return this.#backend.bytesOut + this.#toBackend.bytes
  }

  get bytesOut(): number {
    return this.#client.bytesOut + this.#toClient.bytes
  }

  get idleMs(): number {
    return performance.now() - this.#activeAtMs
  }

  kick(reason: string): void {
    this.#finish('proxy', reason, undefined)
  }

  closeWhenIdle(idleMs: number, reason: string): void {
    if (this.#ended) return
    const leftMs = idleMs - this.idleMs
    if (leftMs <= 0) this.#finish('proxy', reason, undefined, false)
    else {
      clearTimeout(this.#idleTimer)
      this.#idleTimer = setTimeout(() => this.closeWhenIdle(idleMs, reason), Math.ceil(leftMs))
    }
  }

  readonly #onActivity = (): void => {
    this.#activeAtMs = performance.now()
  }

  #finish(side: RelayEnd['side'], reason: string, error: Error | undefined, mayDelay = side !== 'client'): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#idleTimer)
    const clientOutputBlocked = this.#toClient.blocked
    this.#release()
    const delayMs = (mayDelay ? this.#options.disconnectDelay?.(() => close(this.#client)) : undefined) ?? 0
    close(this.#backend)
    const bufferedToClient = this.#client.socket.writableLength
    if (delayMs > 0) hold(this.#client)
    else if (side === 'server' && error === undefined && bufferedToClient === 0) leave(this.#client.socket)
    else close(this.#client)
    this.#options.onEnd({
      side,
      reason,
      error,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut - bufferedToClient,
      bufferedToClient,
      clientOutputBlocked,
      idleSecs: Math.floor(this.idleMs / 1000),
      delayMs,
    })
  }

  #release(): void {
    this.#toBackend.stop()
    this.#toClient.stop()
    for (const { socket, onread } of [this.#client, this.#backend]) {
      // A client that waits for its delayed end may break the connection meanwhile.
      own(socket, NOBODY, false)
      if (onread !== undefined) onread.reader = DISCARD
    }
  }
}

type Finish = (side: RelayEnd['side'], reason: string, error: Error | undefined) => void

/** One end of a session: what its socket tells concerns both directions. */
class Side implements SocketOwner {
  readonly #name: 'client' | 'server'
  readonly #from: Direction
  readonly #to: Direction
  readonly #finish: Finish

  constructor(name: 'client' | 'server', from: Direction, to: Direction, finish: Finish) {
    this.#name = name
    this.#from = from
    this.#to = to
    this.#finish = finish
  }

  socketData(chunk: Buffer): void {
    this.#from.send(chunk)
  }

  socketEnded(): void {
    this.#finish(this.#name, '', undefined)
  }

  socketFailed(error: Error): void {
    this.#finish(this.#name, faultText(error), error)
  }

  socketClosed(): void {
    this.#finish(this.#name, '', undefined)
  }

  socketDrained(): void {
    this.#to.drained()
  }
}

/** Until its time comes a client is read only to notice that it left. */
function hold(client: DetachedSocket): void {
  own(client.socket, { ...NOBODY, socketEnded: () => close(client) }, false)
  client.socket.resume()
}

function close({ socket, onread }: DetachedSocket): void {
  void closeSocket(socket, socket.writableLength > 0 ? RELAY_FLUSH_MS : CLOSE_MS, onread)
}

/**
 * Closes a client whose backend has closed, when the kernel has all that the backend said. It is not waited for: its own
 * goodbye would cost as much as its login command. Dovecot closes so, too. TLS has a last word of its own (close_notify).
 */
function leave(socket: StreamSocket): void {
  if (socket instanceof BareTls) socket.leave()
  else if (socket.encrypted === true) leaveTls(socket)
  else socket.destroy()
}

/** The kernel may have no room for the last word, of a client that reads no more. */
function leaveTls(socket: StreamSocket): void {
  const late = setTimeout(() => socket.destroy(), CLOSE_MS)
  socket.end(() => {
    clearTimeout(late)
    socket.destroy()
  })
}

function isOver(socket: StreamSocket): boolean {
  return socket.readableEnded || socket.destroyed
}
