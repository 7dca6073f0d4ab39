import type { AclPerson } from '../../../admin/commands/mail/acl-task.ts'
import { problemText } from '../../../acl/acl-file.ts'
import type { AclObject } from '../../../acl/backends/backend.ts'
import type { AclChange } from '../../../acl/change.ts'
import { DoveadmAclFailure, type DoveadmMailbox } from '../../../acl/doveadm/commands.ts'
import type { AclEntry } from '../../../acl/entries.ts'
import { explainRights, reasonText } from '../../../acl/insight/explain.ts'
import { followersOf } from '../../../acl/insight/followers.ts'
import { diffChange, peopleOf, type Person, whoMayUse } from '../../../acl/insight/people.ts'
import { whatMayBeUsed } from '../../../acl/insight/reach.ts'
import { type AclNamespace, viewerIn, virtualName } from '../../../acl/namespace.ts'
import { lettersOf, namedRights, type Rights } from '../../../acl/rights.ts'
import type { AclSession } from '../../../acl/session.ts'
import type { TaskContext } from './task-context.ts'

type Entries = AclObject & { readonly kind: 'entries' }

/** `acl explain`: each right, whether the user has it, what decided and what lost. */
export async function explainAcl({ row, failures }: TaskContext, acl: AclSession, at: DoveadmMailbox): Promise<void> {
  const { own, defaults } = await objectsOf(acl, at)
  const viewer = viewerIn(at.namespace, acl.access.identity)
  const { verdicts } = explainRights(own.entries, defaults.kind === 'broken' ? [] : defaults.entries, viewer)
  for (const { right, letter = '', isGranted, decided, lost } of verdicts)
    await row([right, letter, isGranted ? 'yes' : 'no', reasonText(decided), lost.map(reasonText).join('; ')])
  if (defaults.kind === 'broken') failures.inform(problemText(defaults.problem))
  if (at.namespace.inherit === 'live')
    failures.inform('acl_inherit = live: for who is not named here, entries of the mailboxes above count')
  if (acl.access.isIgnored(at.namespace)) failures.inform('acl_ignore_namespace: everything is allowed here')
}

/** `acl who`: everybody who has any right. */
export async function aclWho(
  { row }: TaskContext,
  acl: AclSession,
  at: DoveadmMailbox,
  users: readonly AclPerson[],
): Promise<void> {
  const { own, defaults } = await objectsOf(acl, at)
  for (const { person, isOwner, rights } of whoMayUse(at.namespace, own, defaults, peopleIn(own, defaults, users)))
    await row([person.label, shown(rights), isOwner ? 'yes' : ''])
}

/** `acl diff`: whose rights a change would alter, and where: with live inheritance also below. */
export async function aclDifferences(
  { row, nowMs }: TaskContext,
  acl: AclSession,
  at: DoveadmMailbox,
  change: AclChange,
  users: readonly AclPerson[],
): Promise<void> {
  const { own, defaults } = await objectsOf(acl, at)
  // Whom the change names counts too, though no entry does yet.
  const named = { identifier: change.identifier, isGlobal: false, lines: [] }
  const { namespace, mailbox } = at
  const tell = async (name: string, entries: Entries): Promise<void> => {
    const people = peopleIn(entries, defaults, users, [named])
    for (const { person, before, after } of diffChange(namespace, entries, defaults, change, people, nowMs))
      await row([virtualName(namespace, name), person.label, shown(before), shown(after)])
  }
  await tell(mailbox, own)
  for await (const one of followersOf(namespace, acl.access.backend, mailbox, change.identifier))
    await tell(one.mailbox, one.object)
}

/** `acl what`: everything the user can reach, in mail of his own, of others and in public mail. */
export async function aclReach({ row, store }: TaskContext, acl: AclSession): Promise<void> {
  const namespaces = new Set<AclNamespace>(acl.namespaces.own)
  for (const { name, selectable } of await store.list(['*'])) {
    const target = selectable ? await acl.namespaces.resolve(name) : undefined
    if (target !== undefined) namespaces.add(target.namespace)
  }
  for await (const { name, rights } of whatMayBeUsed(acl.access, namespaces)) await row([name, shown(rights)])
}

/** `acl verify`: what `acl recalc` would put right. Status 1 when there is anything. */
export async function aclVerify({ row, failures }: TaskContext, acl: AclSession): Promise<void> {
  const { visibility, namespaces, access } = acl
  const own = namespaces.own.filter(({ type }) => type !== 'shared')
  const looks = [
    ...own.map((namespace) => () => visibility.verify(namespace)),
    () => visibility.verifyGhosts(access.identity),
  ]
  for (const look of looks) {
    for (const { where, kind, what } of await look()) {
      failures.status = 1
      await row([where, kind, what])
    }
  }
}

async function objectsOf(acl: AclSession, at: DoveadmMailbox): Promise<{ own: Entries; defaults: AclObject }> {
  const { namespace, mailbox, exists } = at
  const name = virtualName(namespace, mailbox)
  if (!exists) throw new DoveadmAclFailure(68, `Can't open mailbox ${name}: Mailbox doesn't exist: ${name}`)
  const own = await acl.access.backend.object(namespace, mailbox)
  if (own.kind === 'broken') throw new DoveadmAclFailure(75, problemText(own.problem))
  return { own, defaults: await acl.access.backend.object(namespace, '') }
}

function peopleIn(
  own: Entries,
  defaults: AclObject,
  users: readonly AclPerson[],
  more: readonly AclEntry[] = [],
): readonly Person[] {
  const entries = [...own.entries, ...(defaults.kind === 'broken' ? [] : defaults.entries), ...more]
  return peopleOf(
    entries,
    users.map(({ user, groups }) => ({ user, groups: new Set(groups) })),
  )
}

/** Letters, and names of those that have none. */
function shown(rights: Rights): string {
  return [lettersOf(rights, 'myrights'), ...namedRights(rights)].filter((part) => part !== '').join(' ')
}
