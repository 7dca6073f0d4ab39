import type { ByteStream, DetachedSocket } from '../../../../net/byte-stream.ts'

const NOWHERE = { ip: '', port: 0 }

/** Takes the place of a client where there is none: says nothing, and hears nothing. */
export class DeafStream implements ByteStream {
  readonly local = NOWHERE
  readonly remote = NOWHERE
  readonly tls = undefined
  readonly buffered = 0
  readonly bytesIn = 0
  readonly bytesOut = 0
  readonly ended = false

  async readLine(): Promise<undefined> {
    return await Promise.resolve(undefined)
  }

  async readBytes(): Promise<undefined> {
    return await Promise.resolve(undefined)
  }

  async readSome(): Promise<undefined> {
    return await Promise.resolve(undefined)
  }

  takeBuffered(): Buffer {
    return Buffer.alloc(0)
  }

  write(): void {
    // Nobody hears it.
  }

  async drained(): Promise<void> {
    await Promise.resolve()
  }

  setDeadline(): void {
    // Nobody is waited for.
  }

  onEnd(): void {
    // There is no end.
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }

  destroy(): void {
    // There is nothing to end.
  }

  detach(): DetachedSocket {
    throw new Error('there is no socket')
  }
}
