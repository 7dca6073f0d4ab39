import { setImmediate } from 'node:timers/promises'
import type { FormatRecord } from '../formats/format.ts'
import { StoreRefusal } from '../refusal.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

/** How long dates are read before others have their turn. */
const SLICE_MS = 4

/** When messages were received, or came into the mailbox, milliseconds since 1970; those that are gone are left out. */
export async function readDates(
  { format }: SharedMailbox,
  records: readonly FormatRecord[],
  which: 'received' | 'saved' = 'received',
): Promise<ReadonlyMap<number, number>> {
  const dates = new Map<number, number>()
  const read = (record: FormatRecord): number | Promise<number> =>
    (which === 'saved' ? format.savedDate?.(record) : undefined) ?? format.internalDate(record)
  let began = performance.now()
  for (const record of records) {
    const found = unlessExpunged(() => read(record))
    const date = found instanceof Promise ? await found : found
    if (date !== undefined) dates.set(record.uid, date)
    if (performance.now() - began < SLICE_MS) continue
    await setImmediate()
    began = performance.now()
  }
  return dates
}

function unlessExpunged<T>(read: () => T | Promise<T>): T | undefined | Promise<T | undefined> {
  try {
    const found = read()
    return found instanceof Promise ? found.catch(undefinedWhenExpunged) : found
  } catch (error) {
    return undefinedWhenExpunged(error)
  }
}

function undefinedWhenExpunged(error: unknown): undefined {
  if (!(error instanceof StoreRefusal && error.code === 'expunged')) throw error
  return undefined
}
