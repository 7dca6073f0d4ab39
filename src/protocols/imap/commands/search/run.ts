import { MessageSearch } from '../../../../storage/message/search-text.ts'
import type { HeaderSummary } from '../../../../storage/message/message-summary.ts'
import { StoreRefusal } from '../../../../storage/refusal.ts'
import { Scratch } from '../../../../storage/scratch.ts'
import type { Mailbox, MessageRecord, StoredMessage } from '../../../../storage/store.ts'
import type { ImapSession } from '../../server/session.ts'
import { Turn } from '../../server/turn.ts'
import type { Search, Subject } from './compile.ts'

export interface Found {
  /** Ascending. */
  readonly numbers: readonly number[]
  /** The highest MODSEQ among them; 0 when there is none. */
  readonly modSeq: number
}

/** Who searches: `checkAlive` throws when nobody waits for the answer any more. */
export type SearchSession = Pick<ImapSession, 'mailbox' | 'checkAlive'>

/** Asks all messages of the mailbox; what needs no look at the messages themselves decides first. */
export async function runSearch(session: SearchSession, search: Search): Promise<Found> {
  const run = new SearchRun(session, search)
  const { count } = session.mailbox
  for (let first = 1; first <= count; first += BATCH) await run.batch(first, Math.min(count, first + BATCH - 1))
  return run
}

class SearchRun implements Found {
  readonly numbers: number[] = []
  modSeq = 0
  readonly #session: SearchSession
  readonly #mailbox: Mailbox
  readonly #search: Search
  readonly #turn = new Turn()
  readonly #scratch = new Scratch()

  constructor(session: SearchSession, search: Search) {
    this.#session = session
    this.#mailbox = session.mailbox
    this.#search = search
  }

  async batch(first: number, last: number): Promise<void> {
    const undecided: number[] = []
    const results = new Map<number, boolean>()
    for (let number = first; number <= last; number++) {
      const message = this.#mailbox.message(number)
      const result = this.#search.test(subject(this.#mailbox, number, message))
      if (result === undefined && !message.expunged) undecided.push(number)
      else if (result === true) results.set(number, true)
    }
    if (undecided.length > 0) await this.#lookCloser(undecided, results)
    for (let number = first; number <= last; number++) if (results.get(number) === true) this.#add(number)
    if (this.#turn.overNow) await this.#rest()
  }

  async #lookCloser(numbers: readonly number[], results: Map<number, boolean>): Promise<void> {
    const known = await this.#lookUp(numbers)
    for (const number of numbers) {
      const message = this.#mailbox.message(number)
      const one = { ...subject(this.#mailbox, number, message), ...factsOf(message.uid, known) }
      const result = this.#search.test(one) ?? (await this.#readAndTest(one))
      results.set(number, result)
      if (this.#turn.overNow) await this.#rest()
    }
  }

  async #lookUp(numbers: readonly number[]): Promise<Known> {
    const { dates, sizes, summaries } = this.#search.needs
    const uids = numbers.map((number) => this.#mailbox.message(number).uid)
    const found = new Map<number, HeaderSummary>()
    if (summaries)
      for await (const some of this.#mailbox.headers(uids)) for (const [uid, one] of some) found.set(uid, one)
    return {
      dates: dates ? await this.#mailbox.internalDates(uids) : new Map(),
      sizes: sizes ? await this.#mailbox.sizes(uids) : new Map(),
      summaries: found,
    }
  }

  /** A message that is gone says nothing. */
  async #readAndTest(one: Subject): Promise<boolean> {
    if (this.#search.texts.length === 0) return false
    try {
      const opening = this.#mailbox.openMessage(one.message.uid, this.#scratch)
      const stored = opening instanceof Promise ? await opening : opening
      try {
        return this.#search.test({ ...one, texts: await this.#read(stored) }) ?? false
      } finally {
        stored.close()
      }
    } catch (error) {
      if (error instanceof StoreRefusal && error.code === 'expunged') return false
      throw error
    }
  }

  async #read(stored: StoredMessage): Promise<readonly boolean[]> {
    const search = new MessageSearch(this.#search.texts)
    for (let from = 0; from < stored.sizeBytes && !search.decided; from += CHUNK_BYTES) {
      const reading = stored.read(from, Math.min(from + CHUNK_BYTES, stored.sizeBytes))
      search.push(reading instanceof Promise ? await reading : reading)
      if (this.#turn.overNow) await this.#rest()
    }
    return search.finish()
  }

  async #rest(): Promise<void> {
    await this.#turn.next()
    this.#session.checkAlive()
  }

  #add(number: number): void {
    this.numbers.push(number)
    this.modSeq = Math.max(this.modSeq, this.#mailbox.message(number).modSeq)
  }
}

interface Known {
  readonly dates: ReadonlyMap<number, number>
  readonly sizes: ReadonlyMap<number, number>
  readonly summaries: ReadonlyMap<number, HeaderSummary>
}

function subject(mailbox: Mailbox, number: number, message: MessageRecord): Subject {
  return { mailbox, number, message, receivedMs: undefined, sizeBytes: undefined, summary: undefined, texts: undefined }
}

function factsOf(uid: number, { dates, sizes, summaries }: Known) {
  return { receivedMs: dates.get(uid), sizeBytes: sizes.get(uid), summary: summaries.get(uid) }
}

/** Messages looked up at once. */
const BATCH = 256
/** What is read of a message at a time. */
const CHUNK_BYTES = 64 * 1024
