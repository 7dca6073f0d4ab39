import type { Server } from 'node:net'
import { BareSocket } from './bare-socket.ts'
import { errnoError } from './bare-stream.ts'
import { bareBinding, type ListeningHandle, type TcpHandle } from './binding.ts'
import { handleBelow } from '../node-binding.ts'

export interface BareAcceptor {
  /** Whether one more is too many. */
  full(): boolean
  taken(socket: BareSocket): void
  /** A connection was not let in, or accepting failed. */
  refused(error: Error): void
}

type ListeningTcp = ListeningHandle & Pick<TcpHandle, 'setNoDelay'>

/** Takes the connections of a listening server as they come from libuv. Leaves it as it is where that cannot be done. */
export function acceptBare(server: Server, acceptor: BareAcceptor): void {
  const binding = bareBinding
  const handle = handleBelow(server) as ListeningTcp | undefined
  if (binding === undefined || handle === undefined) return
  // Connections have it from the socket that listens: one system call in place of one for each.
  handle.setNoDelay(true)
  handle.onconnection = (status, client) => {
    if (status < 0 || client === undefined) return acceptor.refused(errnoError(status, 'accept'))
    if (acceptor.full()) {
      client.close()
      return acceptor.refused(new Error('too many connections'))
    }
    acceptor.taken(new BareSocket(client, binding))
  }
}
