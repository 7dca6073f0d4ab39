import { Socket } from 'node:net'
import { BareSocket } from './bare/bare-socket.ts'
import { readAgain, stopReading } from './handle-pipe.ts'
import { NOBODY, own } from './socket-owner.ts'
import type { SocketStream } from './socket-stream.ts'

/**
 * A connection that another process gets, while it stays open here: nobody here reads or writes it. Closing `socket` then closes
 * this hold on it alone.
 */
export interface LentConnection {
  readonly socket: Socket | BareSocket
  /** What had been read already. */
  readonly unread: Buffer
  /** The other process has let go of it, and has neither read nor written anything. */
  giveBack(): void
}

/**
 * Takes a connection out of its stream, for another process. `undefined`: it is no plain connection, it is over, or the client has
 * not taken yet what it was told. Listeners for the stream's end, and its deadline, are forgotten;
 * `onBack`: the stream is used again.
 */
export function lendConnection(stream: SocketStream, onBack: () => void): LentConnection | undefined {
  if (stream.tls !== undefined || stream.ended || stream.queuedBytes > 0) return undefined
  const { socket, leftover } = stream.detach()
  own(socket, NOBODY, false)
  const isOurs = socket instanceof Socket || socket instanceof BareSocket
  const read = isOurs ? stopReading(socket) : undefined
  if (!isOurs || read === undefined) {
    stream.unread(leftover)
    stream.listen()
    return undefined
  }
  const unread = read.length === 0 ? leftover : Buffer.concat([leftover, read])
  const giveBack = (): void => {
    stream.unread(unread)
    stream.listen()
    readAgain(socket)
    onBack()
  }
  return { socket, unread, giveBack }
}
