import type { Duplex } from 'node:stream'

/** Sees every byte of a connection. */
export interface Tap {
  /** Bytes that came from the peer. */
  read(bytes: Uint8Array): void
  /** Bytes that went to it. */
  written(bytes: Uint8Array): void
  /** The connection is over. */
  close(): void
}

/**
 * Shows `tap` what passes the socket, whoever owns it meanwhile; inside TLS when it is a TLS socket. Costs nothing where it is
 * not used, which is why it is not a stream between. Not for sockets opened with `onread`. Returns how to take it off again.
 */
export function tapSocket(socket: Duplex, tap: Tap): () => void {
  const push = socket.push.bind(socket)
  const write = socket.write.bind(socket)
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk instanceof Uint8Array) tap.read(chunk)
    return push(chunk, encoding)
  }
  const tapped = (chunk: unknown, ...rest: unknown[]): boolean => {
    tap.written(typeof chunk === 'string' ? Buffer.from(chunk, encodingOf(rest[0])) : (chunk as Uint8Array))
    return Reflect.apply(write, undefined, [chunk, ...rest]) as boolean
  }
  socket.write = tapped as typeof socket.write
  const onClose = (): void => tap.close()
  socket.once('close', onClose)
  return () => {
    socket.off('close', onClose)
    // What stood in front of the class's own.
    Reflect.deleteProperty(socket, 'push')
    Reflect.deleteProperty(socket, 'write')
  }
}

function encodingOf(argument: unknown): BufferEncoding {
  return typeof argument === 'string' && Buffer.isEncoding(argument) ? argument : 'utf8'
}
