import { Buffer } from 'node:buffer'
import type { DetachedSocket, OnreadReader } from '../net/byte-stream.ts'
import { sharedReadBuffer } from '../net/onread.ts'
import { readElsewhere } from '../net/read-elsewhere.ts'
import type { StreamSocket } from '../net/stream-socket.ts'
import { relayBuffers } from './relay-buffers.ts'

/**
 * Bytes from one socket to another. Each read is written at once; while the write is pending beyond the high-water mark
 * the source is not read, and only then.
 *
 * With `onread`, reads go to the buffer that all sockets of the process share and are copied to their size; a read that
 * fills it shows a busy source, which borrows a large buffer and writes from that without copying. It gives the buffer back
 * after a read that did not fill it. TLS sources deliver records of 16 KB and never get that far; they may also deliver
 * a few more after being paused, which must be copied.
 */
export class Direction implements OnreadReader {
  readonly from: StreamSocket
  readonly to: StreamSocket
  /** Bytes read so far. */
  bytes = 0
  /** The source waits until the target took what is written. */
  blocked = false
  readonly #source: DetachedSocket
  readonly #active: () => void
  readonly #borrows: boolean
  #own: Buffer | undefined
  /** Given back by us, but still being written from. */
  #leaving: Buffer | undefined

  constructor(source: DetachedSocket, to: StreamSocket, active: () => void) {
    this.#source = source
    this.from = source.socket
    this.to = to
    this.#active = active
    this.#borrows = source.onread !== undefined && source.socket.encrypted !== true
  }

  /** Sends on what had arrived already and starts reading. */
  start(): void {
    const { leftover, onread } = this.#source
    if (onread !== undefined) onread.reader = this
    if (leftover.length > 0) this.send(leftover)
    if (this.blocked) this.from.pause()
    // Much that was left over may have stopped the reading.
    else if (leftover.length > 0 || this.from.isPaused()) this.from.resume()
  }

  /** Reads no more. What is written stays with the target. */
  stop(): void {
    // What the source says to nobody must not come over what the target has still to hear.
    if (this.#own !== undefined && this.to.writableLength > 0) readElsewhere(this.from)
    // Neither is safe to lend again while a write may be pending.
    for (const buffer of [this.#own, this.#leaving]) if (buffer !== undefined) relayBuffers.abandon()
    this.#own = undefined
    this.#leaving = undefined
  }

  take(buffer: Buffer, count: number): boolean {
    this.#active()
    this.bytes += count
    if (buffer === this.#own) this.#sendOwn(buffer, count)
    else {
      const copy = Buffer.allocUnsafe(count)
      buffer.copy(copy, 0, 0, count)
      this.to.write(copy)
      if (this.#borrows && count === buffer.length) this.#own = relayBuffers.borrow()
    }
    this.blocked = isBlocked(this.to)
    return !this.blocked
  }

  nextBuffer(): Buffer {
    return this.#own ?? sharedReadBuffer()
  }

  #sendOwn(buffer: Buffer, count: number): void {
    const full = count === buffer.length
    this.to.write(full ? buffer : buffer.subarray(0, count))
    const pending = this.to.writableLength > 0
    if (pending && !isBlocked(this.to)) {
      // A target with a high mark of its own will not tell when it is done.
      relayBuffers.abandon()
      this.#own = undefined
    } else if (!full) {
      this.#own = undefined
      if (pending) this.#leaving = buffer
      else relayBuffers.giveBack(buffer)
    }
  }

  /** Sends on what came. */
  send(chunk: Buffer): void {
    this.#active()
    this.bytes += chunk.length
    this.to.write(chunk)
    this.blocked = isBlocked(this.to)
    if (this.blocked) this.from.pause()
  }

  /** The target took what was written. */
  drained(): void {
    if (this.#leaving !== undefined) {
      relayBuffers.giveBack(this.#leaving)
      this.#leaving = undefined
    }
    if (!this.blocked) return
    this.blocked = false
    this.from.resume()
  }
}

/** Whether what is written to it waits, so that `drain` will follow. */
function isBlocked(to: StreamSocket): boolean {
  return to.writableLength > 0 && to.writableNeedDrain
}
