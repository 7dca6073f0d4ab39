import { BareStream } from './bare/bare-stream.ts'
import { sharedReadBuffer } from './onread.ts'
import type { StreamSocket } from './stream-socket.ts'

/**
 * The next read of an `onread` socket goes to the shared buffer. Its hook is asked for a buffer behind a read only, for the read after:
 * one that was to be read into until now would still be.
 */
export function readElsewhere(socket: StreamSocket): void {
  if (socket instanceof BareStream) socket.forgetBuffer()
  else handleOf(socket)?.useUserBuffer?.(sharedReadBuffer())
}

interface ReadHandle {
  useUserBuffer?(buffer: Uint8Array): void
}

function handleOf(socket: StreamSocket): ReadHandle | undefined {
  return (socket as { readonly _handle?: ReadHandle | null })._handle ?? undefined
}
