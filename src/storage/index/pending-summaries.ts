import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import { summariseHeader } from '../message/summarise-header.ts'
import type { KeyedRecord } from './mailbox-index.ts'
import { packSummary, unpackSummary } from './summary-codec.ts'

/** Written at once: a few milliseconds. */
const SLICE = 256
/** Written when nothing was added for so long: whoever waits for an answer comes first. */
const QUIET_MS = 50

/** Bytes of summaries of all mailboxes of a process that wait; beyond them they are written at once. */
export const PENDING_BYTES = 16 * 1024 * 1024

/** What one takes besides its bytes. */
const OVERHEAD_BYTES = 150
/** Bytes lie together in pieces of this size: many small ones would keep the garbage collector busy. */
const CHUNK_BYTES = 128 * 1024

/** How much waits in this process. */
export class PendingBudget {
  readonly limitBytes: number
  bytes = 0

  constructor(limitBytes: number = PENDING_BYTES) {
    this.limitBytes = limitBytes
  }
}

/** A summary to be written. */
export interface PackedSummaryOf {
  readonly of: KeyedRecord
  readonly packed: Buffer
}

interface Waiting {
  readonly of: KeyedRecord
  /** Bytes from `at` on: a packed summary, or a header that is still to be summarised. */
  readonly chunk: Buffer
  readonly at: number
  readonly length: number
  readonly isHeader: boolean
}

/**
 * Summaries of one mailbox that are not in its index yet. To lose them costs time and nothing else, so they are written once
 * nobody waits for more of them.
 */
export class PendingSummaries {
  readonly #budget: PendingBudget
  readonly #write: (summaries: readonly PackedSummaryOf[]) => void
  readonly #waiting = new Map<number, Waiting>()
  #chunk = NOTHING
  #used = 0
  #addedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(budget: PendingBudget, write: (summaries: readonly PackedSummaryOf[]) => void) {
    this.#budget = budget
    this.#write = write
  }

  add(of: KeyedRecord, summary: MessageSummary): void {
    this.#add(of, packSummary(summary), false)
  }

  /** The header is copied, and summarised when it is asked for or written. */
  addHeader(of: KeyedRecord, header: Buffer): void {
    this.#add(of, header, true)
  }

  find({ uid, key }: KeyedRecord): HeaderSummary | undefined {
    const waiting = this.#waiting.get(uid)
    if (waiting?.of.key !== key) return undefined
    const bytes = bytesOf(waiting)
    return waiting.isHeader ? summariseHeader(bytes, true) : unpackSummary(bytes)
  }

  /** The message is gone. */
  forget(uid: number): void {
    const waiting = this.#waiting.get(uid)
    if (waiting === undefined) return
    this.#waiting.delete(uid)
    this.#budget.bytes -= waiting.length + OVERHEAD_BYTES
  }

  /** Writes all at once. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writeSome(Number.POSITIVE_INFINITY)
  }

  #add(of: KeyedRecord, bytes: Buffer, isHeader: boolean): void {
    this.forget(of.uid)
    const { length } = bytes
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length))
      this.#used = 0
    }
    bytes.copy(this.#chunk, this.#used)
    this.#waiting.set(of.uid, { of, chunk: this.#chunk, at: this.#used, length, isHeader })
    this.#used += length
    this.#budget.bytes += length + OVERHEAD_BYTES
    this.#addedAt = performance.now()
    this.#timer ??= this.#laterIn(QUIET_MS)
    if (this.#budget.bytes > this.#budget.limitBytes) this.#writeSome(SLICE)
  }

  #laterIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      const quietMs = performance.now() - this.#addedAt
      if (quietMs >= QUIET_MS) this.#writeSome(SLICE)
      if (this.#waiting.size > 0) this.#timer = this.#laterIn(Math.max(0, QUIET_MS - quietMs))
    }, ms).unref()
  }

  #writeSome(most: number): void {
    const some: PackedSummaryOf[] = []
    for (const waiting of this.#waiting.values()) {
      if (some.length >= most) break
      const packed = packedOf(waiting)
      if (packed !== undefined) some.push({ of: waiting.of, packed })
      this.forget(waiting.of.uid)
    }
    if (this.#waiting.size === 0) this.#letGo()
    if (some.length > 0) this.#write(some)
  }

  #letGo(): void {
    this.#chunk = NOTHING
    this.#used = 0
  }
}

const NOTHING = Buffer.alloc(0)

function bytesOf({ chunk, at, length }: Waiting): Buffer {
  return chunk.subarray(at, at + length)
}

function packedOf(waiting: Waiting): Buffer | undefined {
  const bytes = bytesOf(waiting)
  if (!waiting.isHeader) return bytes
  const summary = summariseHeader(bytes, true)
  return summary && packSummary(summary)
}
