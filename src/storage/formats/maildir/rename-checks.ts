import { StoreRefusal } from '../../refusal.ts'
import { hasCode } from './disk.ts'
import type { Permissions } from './permissions.ts'

/** A mailbox that goes below another one must be open to the same people, as in Dovecot. */
export function checkSamePermissions(old: Permissions, above: Permissions): void {
  const same = old.directoryMode === above.directoryMode && old.fileMode === above.fileMode && old.gid === above.gid
  if (!same) throw new StoreRefusal('cannot', 'Renaming not supported across conflicting directory permissions')
}

/** The refusal of a name that is too long for the file system; other errors as they are. */
export function refusalOfLongName(error: unknown): unknown {
  return hasCode(error, 'ENAMETOOLONG') ? new StoreRefusal('invalid-name', 'Mailbox name too long') : error
}

/** For a location that keeps its mailboxes in another way. */
export function refusalToMove(): StoreRefusal {
  return new StoreRefusal('cannot', "Can't rename mailboxes across specified storages.")
}
