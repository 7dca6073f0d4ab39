/**
 * A message on its way from one client to several backends, as a window: nothing is given out before a block is full or the
 * message complete (a small message is sent at once, in one piece, and a client that leaves has bothered nobody); from then on
 * the window moves with the slowest reader, and the client waits while it is full.
 *
 * Rules to keep: memory is bounded by `heldBytes`, however large the message is and in however small pieces it comes; a reader
 * that makes others wait has only so much patience, and loses its place when that is used up; readers never learn of an end
 * that was not there.
 */
export const MESSAGE_LIMITS = {
  /** What a reader gets at a time: the size of a BDAT chunk. */
  blockBytes: 128 * 1024,
  /** The window. */
  heldBytes: 512 * 1024,
  /** Smaller pieces are copied together. */
  smallBytes: 4 * 1024,
  /** What each block that a reader takes gives back of its patience: whoever takes 64 KiB a second never loses its place. */
  blockPatienceMs: 2_000,
} as const

/** Part of a message. Together the blocks are the message, and exactly one of them, maybe an empty one, is the last. */
export interface Block {
  readonly pieces: readonly Buffer[]
  readonly size: number
  readonly last: boolean
}

/** The client left, or took the message back: there is nothing to deliver. */
export class MessageAborted extends Error {
  override readonly name = 'MessageAborted'
}

/** The reader held up the others for too long. */
export class ReaderTooSlow extends Error {
  override readonly name = 'ReaderTooSlow'
}

export class Message {
  #pieces: Buffer[] = []
  /** Where in the message the first piece begins. */
  #start = 0
  #size = 0
  #state: 'open' | 'complete' | 'aborted' = 'open'
  readonly #readers = new Set<MessageReader>()
  readonly #changed = new Signal()
  readonly #now: () => number
  /** The last piece, when it is one of small ones. */
  #tail: { readonly buffer: Buffer; used: number } | undefined

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  get state(): 'open' | 'complete' | 'aborted' {
    return this.#state
  }

  /** Adds bytes; wait for `room` before adding much more. Memory must not be used again by its owner. */
  append(piece: Buffer): void {
    this.#size += piece.length
    if (piece.length < MESSAGE_LIMITS.smallBytes) this.#appendSmall(piece)
    else {
      this.#pieces.push(piece)
      this.#tail = undefined
    }
    if (this.#readers.size === 0) this.trim()
    this.#changed.fire()
  }

  finish(): void {
    if (this.#state === 'open') this.#state = 'complete'
    this.#changed.fire()
  }

  abort(): void {
    if (this.#state === 'open') this.#state = 'aborted'
    this.#changed.fire()
  }

  /** Readers must be opened before the first byte comes. `patienceMs`: how long others may wait for it, all in all. */
  open(patienceMs: number): MessageReader {
    const reader = new MessageReader(this, patienceMs)
    this.#readers.add(reader)
    return reader
  }

  /** Resolves when the window has room again. */
  async room(): Promise<void> {
    while (this.#state === 'open' && this.#size - this.#start >= MESSAGE_LIMITS.heldBytes) {
      const slowest = this.#slowest()
      if (slowest === undefined) return
      const holdsUpOthers = [...this.#readers].some((reader) => reader !== slowest && reader.starving)
      const startedMs = this.#now()
      await this.#changed.wait(holdsUpOthers ? slowest.patienceMs : undefined)
      if (holdsUpOthers) slowest.charge(this.#now() - startedMs)
    }
  }

  /** For readers: resolves when something changed. */
  async change(): Promise<void> {
    await this.#changed.wait(undefined)
  }

  /** For readers: part of the window. */
  slice(from: number, until: number): Buffer[] {
    const parts: Buffer[] = []
    let at = this.#start
    for (const piece of this.#pieces) {
      if (at >= until) break
      const end = at + piece.length
      if (end > from) parts.push(piece.subarray(Math.max(from - at, 0), Math.min(until, end) - at))
      at = end
    }
    return parts
  }

  /** For readers: forgets what every one of them has. */
  trim(): void {
    const needed = this.#slowest()?.position ?? this.#size
    let count = 0
    for (const piece of this.#pieces) {
      if (this.#start + piece.length > needed) break
      this.#start += piece.length
      count++
    }
    if (count > 0) this.#pieces.splice(0, count)
    this.#changed.fire()
  }

  /** For readers: one leaves. */
  leave(reader: MessageReader): void {
    this.#readers.delete(reader)
    this.trim()
  }

  #appendSmall(piece: Buffer): void {
    const { smallBytes } = MESSAGE_LIMITS
    if (
      this.#tail !== undefined &&
      this.#pieces.length > 0 &&
      this.#tail.used + piece.length <= this.#tail.buffer.length
    ) {
      this.#pieces.pop()
    } else this.#tail = { buffer: Buffer.allocUnsafe(4 * smallBytes), used: 0 }
    const { buffer, used } = this.#tail
    piece.copy(buffer, used)
    this.#tail.used = used + piece.length
    this.#pieces.push(buffer.subarray(0, this.#tail.used))
  }

  #slowest(): MessageReader | undefined {
    let slowest: MessageReader | undefined
    for (const reader of this.#readers) {
      if (slowest === undefined || reader.position < slowest.position) slowest = reader
    }
    return slowest
  }
}

/** One reader of a message. */
export class MessageReader {
  /** What comes before this was given out and is done with. */
  position = 0
  /** It waits for more than there is. */
  starving = false
  patienceMs: number
  readonly #fullPatienceMs: number
  #given = 0
  #dropped = false
  readonly #message: Message

  constructor(message: Message, patienceMs: number) {
    this.#message = message
    this.patienceMs = patienceMs
    this.#fullPatienceMs = patienceMs
  }

  /** The next block; the one before is done with. Rejects with MessageAborted or ReaderTooSlow. */
  async next(): Promise<Block> {
    const message = this.#message
    if (this.#given > 0) {
      this.position += this.#given
      this.#given = 0
      this.patienceMs = Math.min(this.#fullPatienceMs, this.patienceMs + MESSAGE_LIMITS.blockPatienceMs)
      message.trim()
    }
    for (;;) {
      if (this.#dropped) throw new ReaderTooSlow('held up the other recipients for too long')
      if (message.state === 'aborted') throw new MessageAborted('the message was not finished')
      const available = message.size - this.position
      const last = message.state === 'complete' && available <= MESSAGE_LIMITS.blockBytes
      if (last || available >= MESSAGE_LIMITS.blockBytes) return this.#give(last, available)
      this.starving = true
      await message.change()
      this.starving = false
    }
  }

  /** The writer waited this long because of us. */
  charge(ms: number): void {
    this.patienceMs -= ms
    if (this.patienceMs > 0) return
    this.#dropped = true
    this.#message.leave(this)
  }

  /** Wants nothing more. */
  close(): void {
    this.#message.leave(this)
  }

  #give(last: boolean, available: number): Block {
    const size = Math.min(available, MESSAGE_LIMITS.blockBytes)
    this.#given = size
    return { pieces: this.#message.slice(this.position, this.position + size), size, last }
  }
}

/** Wakes everybody who waits. */
class Signal {
  #waiting: (() => void)[] = []

  fire(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async wait(ms: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    if (ms === undefined) return await promise
    const timer = setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
  }
}
