import { sharedReadBuffer } from '../onread.ts'
import type { SocketOwner } from '../socket-owner.ts'
import type { BareSocket } from './bare-socket.ts'
import type { BareStream } from './bare-stream.ts'

/** So much of what comes is kept. */
const TEXT_BYTES = 1000

/** One end of a connection of the self-test: counts and waits. */
export class End<S extends BareStream = BareSocket> implements SocketOwner {
  readonly socket: S
  text = ''
  bytes = 0
  readonly ended = Promise.withResolvers<void>()
  readonly closed = Promise.withResolvers<void>()
  readonly drained = Promise.withResolvers<void>()
  readonly failed = Promise.withResolvers<Error>()
  #wanted: { bytes: number; done: () => void } | undefined

  constructor(socket: S) {
    this.socket = socket
    socket.owner = this
    socket.reader = { take: (buffer, count) => this.#take(buffer, count), nextBuffer: sharedReadBuffer }
    socket.resume()
  }

  heard(bytes: number): Promise<void> {
    return new Promise((done) => {
      this.#wanted = { bytes, done }
      this.#look()
    })
  }

  #take(buffer: Buffer, count: number): boolean {
    this.bytes += count
    if (this.text.length < TEXT_BYTES) this.text += buffer.toString('latin1', 0, Math.min(count, 100))
    this.#look()
    return true
  }

  #look(): void {
    if (this.#wanted !== undefined && this.bytes >= this.#wanted.bytes) this.#wanted.done()
  }

  socketData(): void {}
  socketEnded(): void {
    this.ended.resolve()
  }
  socketFailed(error: Error): void {
    this.failed.resolve(error)
  }
  socketClosed(): void {
    this.closed.resolve()
  }
  socketDrained(): void {
    this.drained.resolve()
  }
}

/** Throws when it does not. */
export function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`it does not hold that ${what}`)
}

/** The near end has said that it is done: the far one may still speak, and both are closed once. */
export async function sayGoodbye(far: End<BareStream>, near: End<BareStream>): Promise<void> {
  far.socket.write('bye')
  await near.heard(3)
  far.socket.end(() => far.socket.destroy())
  await near.ended.promise
  near.socket.destroy()
  await Promise.all([near.closed.promise, far.closed.promise])
}
