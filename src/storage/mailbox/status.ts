import { DELETED, SEEN } from '../flags.ts'
import type { MailboxStatus } from '../store.ts'
import { readSizes } from './read-summaries.ts'
import type { SharedMailbox } from './shared-mailbox.ts'

/** Counts of a mailbox as it is on disk now. */
export async function statusOf(shared: SharedMailbox): Promise<MailboxStatus> {
  await shared.look('now')
  const { records } = shared.current
  let unseen = 0
  let deleted = 0
  for (const { flags } of records) {
    if ((flags.bits & SEEN) === 0) unseen += 1
    if ((flags.bits & DELETED) !== 0) deleted += 1
  }
  const counts = {
    messages: records.length,
    recent: shared.unclaimed.size,
    unseen,
    deleted,
    uidNext: shared.format.uidNext,
    uidValidity: shared.uidValidity,
    highestModSeq: shared.highestModSeq,
    guid: shared.format.guid,
  }
  let sizeBytes = 0
  for (const size of (await readSizes(shared, [...records])).values()) sizeBytes += size
  return { ...counts, sizeBytes }
}
