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
