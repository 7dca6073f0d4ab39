import { setImmediate } from 'node:timers/promises'
import type { FormatRecord } from '../formats/format.ts'
import type { KeyedRecord } from '../index/mailbox-index.ts'
import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import { StoreRefusal } from '../refusal.ts'
import { Scratch } from '../scratch.ts'
import { type Describe, describeHeader, describeMessage } from './describe-message.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

/** Messages asked of the index at once. */
const BATCH = 256

/** How long messages are read and described before others have their turn. */
const SLICE_MS = 4

/**
 * Summaries from the index; what it does not know is read, described and remembered, or left out with `onlyKnown`. Others
 * have their turn in between.
 */
export function readSummaries(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
  onlyKnown = false,
): AsyncIterable<ReadonlyMap<number, MessageSummary>> {
  const known: Known<MessageSummary> = (some) => shared.index.summaries(some)
  return inBatches(shared, records, known, onlyKnown ? undefined : describeMessage)
}

/** The same of headers: only they are read. */
export function readHeaders(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
): AsyncIterable<ReadonlyMap<number, HeaderSummary>> {
  return inBatches(shared, records, (some) => shared.index.headers(some), describeHeader)
}

/** Sizes the format knows, else from summaries. */
export async function readSizes(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
): Promise<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>()
  const unknown: FormatRecord[] = []
  for (const record of records) {
    const size = shared.format.sizeOf(record)
    if (size === undefined) unknown.push(record)
    else sizes.set(record.uid, size)
  }
  for await (const summaries of readSummaries(shared, unknown)) {
    for (const [uid, { sizeVirtual }] of summaries) sizes.set(uid, sizeVirtual)
  }
  return sizes
}

type Known<Summary> = (records: readonly KeyedRecord[]) => ReadonlyMap<number, Summary>

async function* inBatches<Summary extends HeaderSummary>(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
  known: Known<Summary>,
  describe: Describe<Summary> | undefined,
): AsyncIterable<ReadonlyMap<number, Summary>> {
  const scratch = new Scratch()
  for (let from = 0; from < records.length; from += BATCH) {
    const batch = records.slice(from, from + BATCH)
    const keyed = batch.map((record): KeyedRecord => ({ uid: record.uid, key: shared.format.keyOf(record) }))
    const found = known(keyed)
    if (describe === undefined || found.size === batch.length) {
      yield found
      continue
    }
    const all = new Map(found)
    await complete(batch, keyed, all, (of, record) => describe(shared, of, record, scratch))
    yield all
  }
}

/** Adds what is not known. */
async function complete<Summary extends HeaderSummary>(
  batch: readonly FormatRecord[],
  keyed: readonly KeyedRecord[],
  all: Map<number, Summary>,
  describe: (of: KeyedRecord, record: FormatRecord) => Summary | Promise<Summary>,
): Promise<void> {
  let began = performance.now()
  for (const [index, record] of batch.entries()) {
    const of = keyed[index]
    if (of === undefined || all.has(record.uid) || record.expunged) continue
    try {
      const describing = describe(of, record)
      all.set(record.uid, describing instanceof Promise ? await describing : describing)
    } catch (error) {
      // One that went away meanwhile is left out.
      if (!(error instanceof StoreRefusal) || error.code !== 'expunged') throw error
    }
    if (performance.now() - began < SLICE_MS) continue
    await setImmediate()
    began = performance.now()
  }
}
