import type { OnreadHook } from './byte-stream.ts'
import { DISCARD } from './onread.ts'
import { NOBODY, own, type SocketOwner } from './socket-owner.ts'
import type { StreamSocket } from './stream-socket.ts'

/**
 * Sends what is queued, says goodbye (close_notify, FIN) and waits for the peer's, throwing away what it still sends: closing
 * with unread input would answer it with a reset, which can overtake our last words. After `ms` it is closed anyhow. The
 * socket must have no other owner.
 */
export function closeSocket(socket: StreamSocket, ms: number, hook?: OnreadHook): Promise<void> {
  if (isQuiet(socket)) socket.destroy()
  if (socket.destroyed) {
    own(socket, NOBODY, false)
    return CLOSED
  }
  return new Promise((resolve) => new Closing(socket, ms, resolve).begin(hook))
}

const CLOSED = Promise.resolve()

/** A socket's last owner. */
class Closing implements SocketOwner {
  readonly #socket: StreamSocket
  readonly #timer: NodeJS.Timeout
  readonly #done: () => void

  constructor(socket: StreamSocket, ms: number, done: () => void) {
    this.#socket = socket
    this.#timer = setTimeout(() => socket.destroy(), ms)
    this.#done = done
  }

  begin(hook: OnreadHook | undefined): void {
    const socket = this.#socket
    own(socket, this, false)
    if (hook !== undefined) hook.reader = DISCARD
    // One that flows already needs no telling.
    if (hook !== undefined || socket.readableFlowing !== true) socket.resume()
    if (socket.readableEnded) socket.end(() => socket.destroy())
    else socket.end()
  }

  socketData(): void {}

  socketEnded(): void {
    const socket = this.#socket
    if (socket.writableFinished) socket.destroy()
    else socket.end(() => socket.destroy())
  }

  socketFailed(): void {}

  socketClosed(): void {
    clearTimeout(this.#timer)
    this.#done()
  }

  socketDrained(): void {}
}

/** Nothing to send, nothing to come, no close_notify: closing says all there is. */
function isQuiet(socket: StreamSocket): boolean {
  return socket.readableEnded && socket.writableLength === 0 && socket.encrypted !== true
}
