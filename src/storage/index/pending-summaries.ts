import type { HeaderSummary } from '../message/message-summary.ts'
import type { KeyedRecord } from './mailbox-index.ts'
import { packBriefly, unpackSummary } from './summary-codec.ts'

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

/** How much waits in this process, and since when nothing was added, on the clock of `performance`. */
export class PendingBudget {
  readonly limitBytes: number
  bytes = 0
  addedAt = 0

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
  /** Packed bytes from `at` on. */
  readonly chunk: Buffer
  readonly at: number
  readonly length: number
}

/**
 * Summaries of one mailbox that are not in its index yet. To lose them costs time and nothing else, so they are written once
 * nobody waits for more of them.
 */
export class PendingSummaries {
  readonly #budget: PendingBudget
  readonly #write: (summaries: readonly PackedSummaryOf[]) => void
  #waiting = new Map<number, Waiting>()
  #chunk = NOTHING
  #used = 0
  #timer: NodeJS.Timeout | undefined

  constructor(budget: PendingBudget, write: (summaries: readonly PackedSummaryOf[]) => void) {
    this.#budget = budget
    this.#write = write
  }

  add(of: KeyedRecord, summary: HeaderSummary): void {
    this.forget(of.uid)
    const bytes = packBriefly(summary)
    const { length } = bytes
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length))
      this.#used = 0
    }
    bytes.copy(this.#chunk, this.#used)
    this.#waiting.set(of.uid, { of, chunk: this.#chunk, at: this.#used, length })
    this.#used += length
    this.#budget.bytes += length + OVERHEAD_BYTES
    this.#budget.addedAt = performance.now()
    this.#timer ??= this.#laterIn(QUIET_MS)
    if (this.#budget.bytes > this.#budget.limitBytes) this.#writeSome(SLICE)
  }

  find({ uid, key }: KeyedRecord): HeaderSummary | undefined {
    const waiting = this.#waiting.get(uid)
    return waiting?.of.key === key ? unpackSummary(bytesOf(waiting)) : undefined
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

  #laterIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      const quietMs = performance.now() - this.#budget.addedAt
      if (quietMs >= QUIET_MS) this.#writeSome(SLICE)
      if (this.#waiting.size > 0) this.#timer = this.#laterIn(Math.max(0, QUIET_MS - quietMs))
    }, ms).unref()
  }

  #writeSome(most: number): void {
    const some: PackedSummaryOf[] = []
    for (const waiting of this.#waiting.values()) {
      if (some.length >= most) break
      some.push({ of: waiting.of, packed: bytesOf(waiting) })
      this.forget(waiting.of.uid)
    }
    if (this.#waiting.size === 0) this.#letGo()
    if (some.length > 0) this.#write(some)
  }

  #letGo(): void {
    this.#waiting = new Map()
    this.#chunk = NOTHING
    this.#used = 0
  }
}

const NOTHING = Buffer.alloc(0)

function bytesOf({ chunk, at, length }: Waiting): Buffer {
  return chunk.subarray(at, at + length)
}
