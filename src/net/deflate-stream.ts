import { Duplex } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'
import { asError } from '../util/as-error.ts'
import type { ByteStream } from './byte-stream.ts'
import { SocketStream } from './socket-stream.ts'

/**
 * A stream that goes compressed through another one, both ways. RFC 4978 §3: raw DEFLATE, and everything written reaches the
 * peer at once. What the inner stream has unread is compressed already. It may only be closed or destroyed, not detached.
 */
export function deflateStream(inner: ByteStream): ByteStream {
  inner.setDeadline(undefined)
  const { local, remote, tls } = inner
  return new SocketStream(new DeflateDuplex(inner), { local, remote, tls })
}

/** What is read of the inner stream at a time. */
const READ_BYTES = 16 * 1024

class DeflateDuplex extends Duplex {
  readonly #inner: ByteStream
  readonly #deflate: DeflateRaw = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
  /** Peers leave without ending their DEFLATE stream: what came until then counts. */
  readonly #inflate: InflateRaw = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
  #reading = false

  constructor(inner: ByteStream) {
    super({ readableHighWaterMark: READ_BYTES, writableHighWaterMark: 4 * READ_BYTES })
    this.#inner = inner
    this.#deflate.on('data', (chunk: Buffer) => inner.write(chunk))
    // A few bytes may become megabytes: they are made only as they are taken.
    this.#inflate.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.#inflate.pause()
    })
    this.#inflate.on('end', () => this.push(null))
    for (const half of [this.#deflate, this.#inflate]) half.on('error', (error: Error) => this.destroy(error))
    inner.onEnd((error) => {
      if (error !== undefined) this.destroy(error)
    })
  }

  override _read(): void {
    this.#inflate.resume()
    if (this.#reading) return
    this.#reading = true
    this.#fill().catch((error: unknown) => this.destroy(asError(error)))
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#deflate.write(chunk, (error) => {
      if (error) return done(error)
      this.#inner.drained().then(() => done(), done)
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    // At its end, not when it has taken everything: the last bytes are handed out in between.
    this.#deflate.once('end', () => {
      this.#inner.close().then(() => done(), done)
    })
    this.#deflate.end()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#deflate.destroy()
    this.#inflate.destroy()
    this.#inner.destroy()
    done(error)
  }

  /** Feeds the inflater until the peer ends. */
  async #fill(): Promise<void> {
    for (;;) {
      const chunk = await this.#inner.readSome(READ_BYTES)
      if (chunk === undefined) break
      await new Promise<void>((resolve, reject) => {
        this.#inflate.write(chunk, (error) => (error ? reject(error) : resolve()))
      })
    }
    this.#inflate.end()
  }
}
