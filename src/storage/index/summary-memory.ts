import { LiveList, type Place } from '../../util/live-list.ts'
import type { HeaderSummary } from '../message/message-summary.ts'
import type { KeyedRecord } from './mailbox-index.ts'

/** Bytes of summaries that a process remembers over all mailboxes: those of some 30,000 ordinary messages. */
export const SUMMARY_MEMORY_BYTES = 32 * 1024 * 1024

/** What a summary takes besides its packed bytes. */
const OVERHEAD_BYTES = 400

/** Summaries of one mailbox that were asked for lately. */
export interface SummaryMemory {
  find(record: KeyedRecord): HeaderSummary | undefined
  add(record: KeyedRecord, summary: HeaderSummary, packedBytes: number): void
  /** The message is gone. */
  forget(uid: number): void
  clear(): void
}

/** Shares memory out among mailboxes: when there is too much, those forget theirs that nobody asked for the longest. */
export class SummaryMemories {
  readonly #limitBytes: number
  /** Those that hold something, the one used last at the end. */
  readonly #used = new LiveList<Memory>()
  #bytes = 0

  constructor(limitBytes: number = SUMMARY_MEMORY_BYTES) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  open(): SummaryMemory {
    return new Memory(this)
  }

  grown(memory: Memory, bytes: number): void {
    if (memory.place === undefined) memory.place = this.#used.add(memory)
    else this.#used.moveToEnd(memory.place)
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes && this.#used.oldest !== undefined) this.#used.oldest.clear()
  }

  shrunk(bytes: number): void {
    this.#bytes -= bytes
  }

  emptied(memory: Memory): void {
    if (memory.place !== undefined) this.#used.remove(memory.place)
    memory.place = undefined
  }
}

class Memory implements SummaryMemory {
  /** While it holds something. */
  place: Place<Memory> | undefined
  readonly #all: SummaryMemories
  #known = new Map<number, { readonly key: string; readonly summary: HeaderSummary; readonly bytes: number }>()
  #bytes = 0

  constructor(all: SummaryMemories) {
    this.#all = all
  }

  find({ uid, key }: KeyedRecord): HeaderSummary | undefined {
    const known = this.#known.get(uid)
    return known?.key === key ? known.summary : undefined
  }

  add({ uid, key }: KeyedRecord, summary: HeaderSummary, packedBytes: number): void {
    this.forget(uid)
    const bytes = packedBytes + OVERHEAD_BYTES
    this.#known.set(uid, { key, summary, bytes })
    this.#bytes += bytes
    this.#all.grown(this, bytes)
  }

  forget(uid: number): void {
    const bytes = this.#known.get(uid)?.bytes
    if (bytes === undefined) return
    this.#known.delete(uid)
    this.#bytes -= bytes
    this.#all.shrunk(bytes)
  }

  clear(): void {
    this.#known = new Map()
    this.#all.shrunk(this.#bytes)
    this.#all.emptied(this)
    this.#bytes = 0
  }
}
