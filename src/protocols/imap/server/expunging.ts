import { StoreRefusal } from '../../../storage/refusal.ts'
import { DELETED } from '../../../storage/flags.ts'
import type { Mailbox } from '../../../storage/store.ts'

/** How many messages of the view are marked \Deleted. */
export function countDeleted(mailbox: Mailbox): number {
  let count = 0
  for (let number = 1; number <= mailbox.count; number++) {
    const message = mailbox.message(number)
    if ((message.flags.bits & DELETED) !== 0 && !message.expunged) count++
  }
  return count
}

/** Removes what is marked \Deleted, all or those of `uids`. False: that may not be done here (RFC 4314 §4, `e`). */
export async function expungeIfAllowed(mailbox: Mailbox, uids?: readonly number[]): Promise<boolean> {
  try {
    await mailbox.expunge(uids)
    return true
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'no-permission') return false
    throw error
  }
}
