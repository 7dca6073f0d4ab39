import type { HeaderChanges } from './formats/format.ts'
import type { SharedMailbox } from './mailbox/shared-mailbox.ts'
import type { Place } from './namespace.ts'
import { StoreRefusal } from './refusal.ts'

/** What an administrator may make of a mailbox, `doveadm mailbox update`; what is not given stays. */
export interface MailboxChanges extends HeaderChanges {
  /** Messages below it are not \Recent. */
  readonly minFirstRecentUid?: number
  readonly minHighestModSeq?: number
}

export interface UpdateNeeds {
  readonly place: Place
  /** Its storage name. */
  readonly storage: string
  readonly hold: () => Promise<{ readonly shared: SharedMailbox; readonly release: () => void }>
  /** It is another mailbox now for whoever looks at it. */
  readonly end: () => void
}

/** Changes what is known of a mailbox, beside whoever has it open. `cannot` where the format has no such things. */
export async function updateMailbox(changes: MailboxChanges, needs: UpdateNeeds): Promise<void> {
  const { place, storage, hold, end } = needs
  // It must be there, or is made now.
  const found = await hold()
  found.release()
  const { uidValidity, guid, minNextUid } = changes
  if (uidValidity !== undefined || guid !== undefined || minNextUid !== undefined) {
    if (place.store.update === undefined) throw new StoreRefusal('cannot', 'The mailbox format has no UIDs of its own')
    await place.store.update(storage, changes)
    if (uidValidity !== undefined || guid !== undefined) end()
  }
  const { shared, release } = await hold()
  try {
    await shared.look('now')
    if (changes.minFirstRecentUid !== undefined) forgetRecent(shared, changes.minFirstRecentUid)
    if (changes.minHighestModSeq !== undefined) raiseModSeq(shared, changes.minHighestModSeq)
  } finally {
    release()
  }
}

/** Messages below this UID are not \Recent for whoever selects it next. */
function forgetRecent(shared: SharedMailbox, below: number): void {
  for (const uid of shared.unclaimed) if (uid < below) shared.unclaimed.delete(uid)
  shared.saveRecent()
}

function raiseModSeq(shared: SharedMailbox, atLeast: number): void {
  if (shared.index.highestModSeq() < atLeast) shared.vouch(shared.index.reserve(atLeast))
}
