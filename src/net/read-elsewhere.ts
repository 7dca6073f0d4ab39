import { BareStream } from './bare/bare-stream.ts'
import { handleBelow } from './node-binding.ts'
import { sharedReadBuffer } from './onread.ts'
import type { StreamSocket } from './stream-socket.ts'

/**
 * The next read of an `onread` socket goes to the shared buffer. Its hook is asked for a buffer behind a read only, for the read after:
 * one that was to be read into until now would still be.
 */
export function readElsewhere(socket: StreamSocket): void {
  if (socket instanceof BareStream) socket.forgetBuffer()
  else (handleBelow(socket) as ReadHandle | undefined)?.useUserBuffer?.(sharedReadBuffer())
}

interface ReadHandle {
  useUserBuffer?(buffer: Uint8Array): void
}
