// What SETACL and DELETEACL change. RFC 4314 §3.1, §3.2, and Dovecot's care that nobody locks himself out by accident.
import type { AclChange, PartChange } from '../change.ts'
import type { AclEntry } from '../entries.ts'
import type { Viewer } from '../identifier.ts'
import { ALL_RIGHTS, uniteRights } from '../rights.ts'
import type { ImapIdentifier } from './identifier.ts'
import type { RightsChange } from './rights-text.ts'

/** The change that SETACL makes, given the entries before it. `isPrivate`: in a private namespace, the owner's or a master user's. */
export function setaclChange(
  { identifier, isNegative }: ImapIdentifier,
  change: RightsChange,
  entries: readonly AclEntry[],
  viewer: Viewer,
  isPrivate: boolean,
): AclChange {
  if (isNegative) return { identifier, negative: change }
  const isOwn =
    identifier.kind === 'owner' ? viewer.isOwner : identifier.kind === 'user' && identifier.name === viewer.user
  return { identifier, positive: isOwn && isPrivate ? keepAdmin(change, entries, viewer) : change }
}

/** DELETEACL takes away one part. */
export function deleteaclChange({ identifier, isNegative }: ImapIdentifier): AclChange {
  return isNegative ? { identifier, negative: { mode: 'clear' } } : { identifier, positive: { mode: 'clear' } }
}

/** Who changes his own entry keeps `a`; the owner's first one begins with everything, as that is what he has without it. */
function keepAdmin({ mode, rights }: RightsChange, entries: readonly AclEntry[], viewer: Viewer): PartChange {
  switch (mode) {
    case 'replace':
      return { mode, rights: uniteRights(rights, new Set(['admin'])) }
    case 'remove':
      return { mode, rights: new Set([...rights].filter((right) => right !== 'admin')) }
    case 'add':
      return {
        mode,
        rights: !viewer.isOwner || hasOwnEntry(entries, viewer) ? rights : uniteRights(rights, ALL_RIGHTS),
      }
  }
}

function hasOwnEntry(entries: readonly AclEntry[], viewer: Viewer): boolean {
  return entries.some(
    ({ identifier, rights }) =>
      rights !== undefined &&
      (identifier.kind === 'owner' || (identifier.kind === 'user' && identifier.name === viewer.user)),
  )
}
