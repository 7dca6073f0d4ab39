import { randomBytes } from 'node:crypto'
import type { NewMessage } from '../store.ts'
import type { FormatAppending, FormatContext, FormatMailbox, FormatRecord } from './format.ts'
import { addKeywords, type MemoryBox, type MemoryMessage, refuse, touch } from './memory-box.ts'

interface Draft {
  readonly chunks: Buffer[]
  readonly bits: number
  readonly keywords: readonly string[]
  readonly internalDateMs: number
}

/** New messages in memory. */
export class MemoryAppending implements FormatAppending {
  readonly #box: MemoryBox
  readonly #context: FormatContext
  readonly #source: (from: FormatMailbox, record: FormatRecord) => MemoryMessage | undefined
  #drafts: Draft[] = []

  constructor(box: MemoryBox, context: FormatContext, source: Source) {
    this.#box = box
    this.#context = context
    this.#source = source
  }

  begin({ bits, keywords, internalDateMs = this.#context.now() }: NewMessage): Promise<void> {
    this.#drafts.push({ chunks: [], bits, keywords, internalDateMs })
    return Promise.resolve()
  }

  write(chunk: Uint8Array): void {
    this.#drafts.at(-1)?.chunks.push(Buffer.from(chunk))
  }

  end(): Promise<void> {
    return Promise.resolve()
  }

  link(
    from: FormatMailbox,
    record: FormatRecord,
    { bits, keywords }: { bits: number; keywords: readonly string[] },
  ): Promise<true | undefined> {
    const source = this.#source(from, record)
    if (source === undefined) return Promise.resolve(undefined)
    this.#drafts.push({ chunks: [source.bytes], bits, keywords, internalDateMs: source.internalDateMs })
    return Promise.resolve(true)
  }

  commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }> {
    if (this.#box.deleted) return refuse('not-found', 'Mailbox was deleted under us')
    const uids = this.#drafts.map((draft) => addMessage(this.#box, draft))
    this.#drafts = []
    touch(this.#box)
    return Promise.resolve({ uidValidity: this.#box.uidValidity, uids })
  }

  abort(): Promise<void> {
    this.#drafts = []
    return Promise.resolve()
  }
}

type Source = (from: FormatMailbox, record: FormatRecord) => MemoryMessage | undefined

function addMessage(box: MemoryBox, { chunks, bits, keywords, internalDateMs }: Draft): number {
  const uid = box.uidNext
  box.uidNext += 1
  const key = randomBytes(8).toString('hex')
  box.messages.set(uid, { uid, key, bytes: Buffer.concat(chunks), internalDateMs, bits, keywords, recent: true })
  addKeywords(box, keywords)
  return uid
}
