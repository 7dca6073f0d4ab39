import { setImmediate } from 'node:timers/promises'
import type { FormatRecord } from '../formats/format.ts'
import type { KeyedRecord } from '../index/mailbox-index.ts'
import type { MessageSummary } from '../message/message-summary.ts'
import { summarise, Summariser } from '../message/summarise.ts'
import { StoreRefusal } from '../refusal.ts'
import { Scratch } from '../scratch.ts'
import { READ_CHUNK_BYTES, type StoredMessage } from '../store.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

/** Messages asked of the index at once. */
const BATCH = 256

/** How long messages are read and described before others have their turn. */
const SLICE_MS = 4

/**
 * Summaries from the index; what it does not know is read, described and remembered, or left out with `onlyKnown`. Others
 * have their turn in between.
 */
export async function* readSummaries(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
  onlyKnown = false,
): AsyncIterable<ReadonlyMap<number, MessageSummary>> {
  for (let from = 0; from < records.length; from += BATCH) {
    const batch = records.slice(from, from + BATCH)
    const known = shared.index.summaries(batch.map((record) => keyed(shared, record)))
    yield onlyKnown || known.size === batch.length ? known : await complete(shared, batch, known)
  }
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

async function complete(
  shared: SharedMailbox,
  batch: readonly FormatRecord[],
  known: ReadonlyMap<number, MessageSummary>,
): Promise<ReadonlyMap<number, MessageSummary>> {
  const all = new Map(known)
  const fresh: { of: KeyedRecord; summary: MessageSummary }[] = []
  const scratch = new Scratch()
  let began = performance.now()
  for (const record of batch) {
    if (all.has(record.uid) || record.expunged) continue
    const of = keyed(shared, record)
    const summary = await describe(shared, record, scratch)
    if (summary === undefined) continue
    all.set(record.uid, summary)
    fresh.push({ of, summary })
    if (performance.now() - began < SLICE_MS) continue
    await setImmediate()
    began = performance.now()
  }
  if (fresh.length > 0) shared.index.addSummaries(fresh)
  return all
}

function keyed({ format }: SharedMailbox, record: FormatRecord): KeyedRecord {
  return { uid: record.uid, key: format.keyOf(record) }
}

/** `undefined` for a message that went away. */
async function describe(
  { format }: SharedMailbox,
  record: FormatRecord,
  scratch: Scratch,
): Promise<MessageSummary | undefined> {
  try {
    const message = await format.openMessage(record, scratch)
    try {
      return await summariseStored(message)
    } finally {
      message.close()
    }
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'expunged') return undefined
    throw error
  }
}

async function summariseStored(message: StoredMessage): Promise<MessageSummary> {
  const { sizeBytes } = message
  if (sizeBytes <= READ_CHUNK_BYTES) return summarise(await message.read(0, sizeBytes))
  const summariser = new Summariser()
  for (let from = 0; from < sizeBytes; from += READ_CHUNK_BYTES) {
    const chunk = await message.read(from, Math.min(from + READ_CHUNK_BYTES, sizeBytes))
    if (chunk.length === 0) break
    summariser.push(chunk)
    await setImmediate()
  }
  return summariser.finish()
}
