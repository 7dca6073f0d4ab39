// Who may use a mailbox, what a user may use, and what a change would alter for whom.
import type { AclObject } from '../backends/backend.ts'
import { type AclChange, changeLines } from '../change.ts'
import { effectiveRights } from '../effective.ts'
import { type AclEntry, sortEntries } from '../entries.ts'
import type { Viewer } from '../identifier.ts'
import { type AclNamespace, viewerIn } from '../namespace.ts'
import { type Rights, sameRights } from '../rights.ts'

/** Somebody whose rights are asked: a user, or a kind of user that has no name. */
export interface Person {
  /** `bob`; `members of staff`; `everybody else`. */
  readonly label: string
  readonly user: string | undefined
  readonly groups: ReadonlySet<string>
}

export interface PersonRights {
  readonly person: Person
  readonly isOwner: boolean
  readonly rights: Rights
}

export interface RightsDifference {
  readonly person: Person
  readonly before: Rights
  readonly after: Rights
}

/**
 * The users given, and whoever entries name beside them: users that are not among them, a nameless member of each group, and
 * a nameless user that no entry names.
 */
export function peopleOf(
  entries: readonly AclEntry[],
  users: readonly { readonly user: string; readonly groups: ReadonlySet<string> }[],
): readonly Person[] {
  const people = new Map<string, Person>(users.map(({ user, groups }) => [user, { label: user, user, groups }]))
  const groups = new Set<string>()
  for (const { identifier } of entries) {
    if (identifier.kind === 'group' || identifier.kind === 'group-override') groups.add(identifier.name)
    if (identifier.kind !== 'user' || people.has(identifier.name) || identifier.name === '') continue
    people.set(identifier.name, { label: identifier.name, user: identifier.name, groups: new Set() })
  }
  const members = Array.from(groups, (group) => ({
    label: `members of ${group}`,
    user: NOBODY,
    groups: new Set([group]),
  }))
  return [...people.values(), ...members, { label: 'everybody else', user: NOBODY, groups: new Set() }]
}

/** Authenticated, and called like no user: mail systems refuse a NUL in names. */
const NOBODY = '\0'

/** Everybody among `people` who has any right. Broken ACLs give nobody any. */
export function whoMayUse(
  namespace: AclNamespace,
  own: AclObject,
  defaults: AclObject,
  people: readonly Person[],
): readonly PersonRights[] {
  const [entries, fallback] = [entriesOf(own), entriesOf(defaults)]
  return people
    .map((person) => {
      const viewer = viewerOf(namespace, person)
      return {
        person,
        isOwner: viewer.isOwner,
        rights: own.kind === 'broken' ? new Set<string>() : effectiveRights(entries, fallback, viewer),
      }
    })
    .filter(({ rights }) => rights.size > 0)
}

/** Whose rights on a mailbox a change of its entries, or of those it inherits, would alter. */
export function diffChange(
  namespace: AclNamespace,
  own: AclObject & { kind: 'entries' },
  defaults: AclObject,
  change: AclChange,
  people: readonly Person[],
  nowMs: number,
): readonly RightsDifference[] {
  const local = own.entries.filter(({ isGlobal }) => !isGlobal).flatMap(({ lines }) => lines)
  const global = own.entries.filter(({ isGlobal }) => isGlobal).flatMap(({ lines }) => lines)
  const changed = changeLines(local, change, nowMs)
  if (changed === undefined) return []
  const after = sortEntries(changed, global, nowMs).entries
  const fallback = entriesOf(defaults)
  return people
    .map((person) => {
      const viewer = viewerOf(namespace, person)
      return {
        person,
        before: effectiveRights(own.entries, fallback, viewer),
        after: effectiveRights(after, fallback, viewer),
      }
    })
    .filter(({ before, after: then }) => !sameRights(before, then))
}

function viewerOf(namespace: AclNamespace, { user, groups }: Person): Viewer {
  return viewerIn(namespace, { user, loginUser: user ?? '', groups })
}

function entriesOf(object: AclObject): readonly AclEntry[] {
  return object.kind === 'broken' ? [] : object.entries
}
