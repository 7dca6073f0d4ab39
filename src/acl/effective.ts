/**
 * What a session may do with a mailbox: Dovecot's rules, a pure function. Entries of a stronger class replace what the weaker
 * ones gave, they do not add to it; groups of one class unite; what is taken away stays away until a negative entry of another
 * class, or the first global entry, says otherwise.
 */
import type { AclEntry } from './entries.ts'
import { classRank, identifierMatches, type Viewer } from './identifier.ts'
import { ALL_RIGHTS, NO_RIGHTS, type Rights, uniteRights, withoutRights } from './rights.ts'

export interface Weighed {
  readonly rights: Rights
  /** An entry applied, or the viewer is the owner: the default object has nothing to say. */
  readonly isDecided: boolean
}

/** One entry that matters to the viewer, and what it does to the rights so far. */
export interface Step {
  readonly entry: AclEntry
  /** The rights given after this step; `undefined`: nobody gave or refused anything yet. */
  readonly given: Rights | undefined
  readonly taken: Rights
}

const RANK_OF_OWNER = classRank({ kind: 'owner' })

/** Walks the sorted entries that apply to the viewer. The owner begins with everything, others with nothing. */
export function* weigh(entries: readonly AclEntry[], viewer: Viewer): Generator<Step> {
  let given: Rights | undefined = viewer.isOwner ? ALL_RIGHTS : undefined
  let taken: Rights = NO_RIGHTS
  let previous: AclEntry | undefined
  for (const entry of entries) {
    // What everybody, everybody who logged in or a group may do in his mailbox is nothing to the owner.
    if (viewer.isOwner && !entry.isGlobal && classRank(entry.identifier) < RANK_OF_OWNER) continue
    if (!identifierMatches(entry.identifier, viewer)) continue
    const isSameClass = previous?.isGlobal === entry.isGlobal && previous.identifier.kind === entry.identifier.kind
    if (entry.isGlobal && previous?.isGlobal !== true) taken = NO_RIGHTS
    if (entry.rights !== undefined) given = isSameClass ? uniteRights(given ?? NO_RIGHTS, entry.rights) : entry.rights
    if (entry.negative !== undefined) taken = isSameClass ? uniteRights(taken, entry.negative) : entry.negative
    yield { entry, given, taken }
    previous = entry
  }
}

/** The rights that these entries alone leave. */
export function weighEntries(entries: readonly AclEntry[], viewer: Viewer): Weighed {
  let last: Step | undefined
  for (const step of weigh(entries, viewer)) last = step
  if (last === undefined)
    return viewer.isOwner ? { rights: ALL_RIGHTS, isDecided: true } : { rights: NO_RIGHTS, isDecided: false }
  const { given = NO_RIGHTS, taken } = last
  return { rights: taken.size === 0 ? given : withoutRights(given, taken), isDecided: true }
}

/** The rights on a mailbox: those of its own entries or, when none of them applies to the viewer, those of the default object. */
export function effectiveRights(entries: readonly AclEntry[], defaults: readonly AclEntry[], viewer: Viewer): Rights {
  const own = weighEntries(entries, viewer)
  return own.isDecided ? own.rights : weighEntries(defaults, viewer).rights
}
