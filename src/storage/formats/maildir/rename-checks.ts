import { StoreRefusal } from '../../refusal.ts'
import type { Permissions } from './permissions.ts'

/** A mailbox that goes below another one must be open to the same people, as in Dovecot. */
export function checkSamePermissions(old: Permissions, above: Permissions): void {
  const same = old.directoryMode === above.directoryMode && old.fileMode === above.fileMode && old.gid === above.gid
  if (!same) throw new StoreRefusal('cannot', 'Renaming not supported across conflicting directory permissions')
}

/** For a location that keeps its mailboxes in another way. */
export function refusalToMove(): StoreRefusal {
  return new StoreRefusal('cannot', "Can't rename mailboxes across specified storages.")
}
