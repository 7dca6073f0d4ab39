import type { BareStream } from '../../src/net/bare/bare-stream.ts'

/** What an end may do with its connection at any moment, over TLS or not. */
export type BareStep = 'write' | 'write much' | 'end' | 'destroy' | 'reset' | 'pause' | 'resume' | 'wait'

export const MUCH = Buffer.alloc(300_000, 'x')

export function doBare(socket: BareStream, step: BareStep): void {
  switch (step) {
    case 'write':
      return void socket.write('word\r\n')
    case 'write much':
      return void socket.write(MUCH)
    case 'end':
      return socket.end(() => undefined)
    case 'destroy':
      return socket.destroy()
    case 'reset':
      return socket.destroy(new Error('enough'))
    case 'pause':
      return socket.pause()
    case 'resume':
      return socket.resume()
    case 'wait':
  }
}
