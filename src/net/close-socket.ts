import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { OnreadHook } from './byte-stream.ts'
import { DISCARD } from './onread.ts'

/**
 * Sends what is queued, says goodbye (close_notify, FIN) and waits for the peer's, throwing away what it still sends: closing
 * with unread input would answer it with a reset, which can overtake our last words. After `ms` it is closed anyhow. The
 * socket must have no other owner.
 */
export function closeSocket(socket: Duplex, ms: number, hook?: OnreadHook): Promise<void> {
  if (isQuiet(socket)) socket.destroy()
  if (socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), ms)
    socket.on('error', ignore)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    if (hook !== undefined) hook.reader = DISCARD
    socket.resume()
    if (socket.readableEnded) socket.end(() => socket.destroy())
    else {
      socket.once('end', () => destroyAfterWrites(socket))
      socket.end()
    }
  })
}

/** Nothing to send, nothing to come, no close_notify: closing says all there is. */
function isQuiet(socket: Duplex): boolean {
  return socket.readableEnded && socket.writableLength === 0 && !(socket instanceof TLSSocket)
}

function destroyAfterWrites(socket: Duplex): void {
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}

function ignore(): void {}
