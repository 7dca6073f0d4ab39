import { setImmediate } from 'node:timers/promises'
import type { FormatRecord } from '../formats/format.ts'
import type { KeyedRecord } from '../index/mailbox-index.ts'
import { MESSAGE_LIMITS } from '../message/limits.ts'
import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import { summarise, Summariser } from '../message/summarise.ts'
import { summariseHeader } from '../message/summarise-header.ts'
import type { Scratch } from '../scratch.ts'
import { READ_CHUNK_BYTES, type StoredMessage } from '../store.ts'
import { andFinally, andThen, type Soon } from '../../util/soon.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

/** What is read first: most headers, with much of the body behind them. */
const FIRST_BYTES = 8 * 1024

/** Reads a message and says what the index is to keep of it from now on. Refuses when it is gone. */
export type Describe<Summary extends HeaderSummary> = (
  shared: SharedMailbox,
  of: KeyedRecord,
  record: FormatRecord,
  scratch: Scratch,
) => Soon<Summary>

/** `Describe` of headers; one that is too long for that is described with the message it stands in. */
export function describeHeader(
  shared: SharedMailbox,
  of: KeyedRecord,
  record: FormatRecord,
  scratch: Scratch,
): Soon<HeaderSummary> {
  const { format } = shared
  if (format.readHead === undefined) return describeOpened(shared, of, record, scratch)
  for (const wanted of [FIRST_BYTES, MESSAGE_LIMITS.headerBytes]) {
    const room = scratch.take(wanted)
    const into = room.length === wanted ? room : room.subarray(0, wanted)
    const count = format.readHead(record, into)
    const summary = describeHead(shared, of, into.subarray(0, count), count < wanted)
    if (summary !== undefined) return summary
    if (count < wanted) break
  }
  return describeMessage(shared, of, record, scratch)
}

/** From a format that opens messages as a whole. */
function describeOpened(
  shared: SharedMailbox,
  of: KeyedRecord,
  record: FormatRecord,
  scratch: Scratch,
): Soon<HeaderSummary> {
  const describing = andThen(shared.format.openMessage(record, scratch), (message) => {
    const wanted = Math.min(message.sizeBytes, MESSAGE_LIMITS.headerBytes)
    const describe = (head: Buffer): HeaderSummary | undefined =>
      describeHead(shared, of, head, wanted === message.sizeBytes)
    return andFinally(
      () => andThen(message.read(0, wanted), describe),
      () => message.close(),
    )
  })
  return andThen(describing, (summary) => summary ?? describeMessage(shared, of, record, scratch))
}

function describeHead(
  { index }: SharedMailbox,
  of: KeyedRecord,
  head: Buffer,
  isAll: boolean,
): HeaderSummary | undefined {
  const summary = summariseHeader(head, isAll)
  if (summary !== undefined) index.addSummary(of, summary)
  return summary
}

/** `Describe` of whole messages. */
export function describeMessage(
  { format, index }: SharedMailbox,
  of: KeyedRecord,
  record: FormatRecord,
  scratch: Scratch,
): Soon<MessageSummary> {
  return andThen(format.openMessage(record, scratch), (message) =>
    andFinally(
      () =>
        andThen(summariseStored(message), (summary) => {
          index.addSummary(of, summary)
          return summary
        }),
      () => message.close(),
    ),
  )
}

function summariseStored(message: StoredMessage): Soon<MessageSummary> {
  const { sizeBytes } = message
  return sizeBytes <= READ_CHUNK_BYTES ? andThen(message.read(0, sizeBytes), summarise) : summariseLong(message)
}

async function summariseLong(message: StoredMessage): Promise<MessageSummary> {
  const { sizeBytes } = message
  const summariser = new Summariser()
  for (let from = 0; from < sizeBytes; from += READ_CHUNK_BYTES) {
    const chunk = await message.read(from, Math.min(from + READ_CHUNK_BYTES, sizeBytes))
    if (chunk.length === 0) break
    summariser.push(chunk)
    await setImmediate()
  }
  return summariser.finish()
}
