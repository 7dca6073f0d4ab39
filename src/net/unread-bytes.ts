import { Buffer } from 'node:buffer'

const LF = 0x0a
const CR = 0x0d
const EMPTY = Buffer.alloc(0)
/** The first size of a buffer that grows because pieces came in behind each other. */
const FIRST_BYTES = 512
/** What came of itself and is no longer than this is mostly lines. */
const TEXT_BYTES = 1024

/**
 * Bytes that arrived and were not read yet, in one piece. A single chunk is adopted as it is; pieces behind it are
 * copied together, so that a peer sending single bytes costs single bytes. Bytes handed out are never written to again.
 *
 * A short piece is made into text at once and cut into lines as such: one call out of JavaScript instead of two for each line
 * and another for a copy. It becomes bytes again when somebody wants bytes, or when more comes behind it.
 */
export class UnreadBytes {
  /** Unless there is `#text`. */
  #bytes: Buffer = EMPTY
  /** As latin1. `#start`, `#end` and `#searched` count its characters then. */
  #text: string | undefined
  #start = 0
  #end = 0
  /** Everything before this has no LF: a line in many pieces is searched once. */
  #searched = 0

  get size(): number {
    return this.#end - this.#start
  }

  /** Adds bytes that belong to us from now on. */
  adopt(chunk: Buffer): void {
    if (this.size > 0) this.copy(chunk, chunk.length)
    else this.#reset(chunk)
  }

  /** Adds the first `count` bytes of a buffer that its owner will use again. */
  copy(from: Buffer, count: number): void {
    if (this.size === 0) {
      if (count <= TEXT_BYTES) return this.#resetText(from.toString('latin1', 0, count))
      // Mostly all of it is taken before more comes.
      const own = Buffer.allocUnsafe(count)
      from.copy(own, 0, 0, count)
      return this.#reset(own)
    }
    const room = this.#room(count)
    from.copy(room, this.#end, 0, count)
    this.#end += count
  }

  /** Puts bytes back in front. */
  unread(bytes: Buffer): void {
    this.#reset(Buffer.concat([bytes, this.takeAll()]))
  }

  /**
   * The next line without CRLF or LF, as latin1; `undefined` when there is none yet. When it, with its end, is longer
   * than `max` it stays, and `too-long` (an object, so no line equals it) comes back.
   */
  takeLine(max: number): string | typeof TOO_LONG | undefined {
    const limit = Math.min(this.#end, this.#start + max)
    const found = this.#searched < limit ? this.#nextLf() : -1
    // What lies beyond may be bytes of a buffer that grew, or a line that is too long.
    if (found < 0 || found >= limit) {
      this.#searched = limit
      return this.size >= max ? TOO_LONG : undefined
    }
    const line = this.#lineBefore(found)
    this.#skipTo(found + 1)
    return line
  }

  #nextLf(): number {
    return this.#text === undefined ? this.#bytes.indexOf(LF, this.#searched) : this.#text.indexOf('\n', this.#searched)
  }

  #lineBefore(lf: number): string {
    const text = this.#text
    const last = lf - 1
    const code = last < this.#start ? undefined : text === undefined ? this.#bytes[last] : text.charCodeAt(last)
    const end = code === CR ? last : lf
    return text === undefined ? this.#bytes.toString('latin1', this.#start, end) : text.slice(this.#start, end)
  }

  /** The next `count` bytes, which must be there. */
  take(count: number): Buffer {
    this.#becomeBytes()
    const from = this.#start
    const bytes = this.#bytes.subarray(from, from + count)
    this.#skipTo(from + count)
    return bytes
  }

  takeAll(): Buffer {
    return this.size === 0 ? EMPTY : this.take(this.size)
  }

  #skipTo(position: number): void {
    if (position === this.#end) return this.#reset(EMPTY)
    this.#start = position
    this.#searched = position
  }

  #reset(bytes: Buffer): void {
    this.#bytes = bytes
    this.#text = undefined
    this.#start = 0
    this.#end = bytes.length
    this.#searched = 0
  }

  #resetText(text: string): void {
    this.#reset(EMPTY)
    this.#text = text
    this.#end = text.length
  }

  #becomeBytes(): void {
    const text = this.#text
    if (text === undefined) return
    const searched = this.#searched - this.#start
    this.#reset(Buffer.from(text.slice(this.#start), 'latin1'))
    this.#searched = searched
  }

  /**
   * A buffer with room for `count` more bytes at `#end`. Bytes already handed out stay where they are, so what is unread
   * moves to a new buffer instead of to the front of the old one. An adopted chunk has no room: its tail is not ours to write.
   */
  #room(count: number): Buffer {
    this.#becomeBytes()
    if (this.#end + count <= this.#bytes.length) return this.#bytes
    const size = this.size
    const larger = Buffer.allocUnsafe(Math.max(FIRST_BYTES, 2 * (size + count)))
    this.#bytes.copy(larger, 0, this.#start, this.#end)
    this.#searched -= this.#start
    this.#start = 0
    this.#end = size
    this.#bytes = larger
    return larger
  }
}

export const TOO_LONG = Symbol('line too long')
