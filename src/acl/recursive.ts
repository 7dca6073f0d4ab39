// One change to a mailbox and all below it: what it would do, and doing it.
import type { AclBackend, AclUpdate } from './backends/backend.ts'
import { type AclChange, changeLines } from './change.ts'
import type { AclNamespace } from './namespace.ts'
import { writeAclLine } from './acl-line.ts'
import { sameIdentifier } from './identifier.ts'

export type PlannedUpdate =
  | ({ readonly kind: 'update'; readonly mailbox: string } & AclUpdate)
  /** It cannot be changed; the others can. */
  | { readonly kind: 'failure'; readonly mailbox: string; readonly log: string }

/** Storage names of the mailbox and those below it, parents first; all of the namespace for the empty name. */
export async function mailboxesBelow(namespace: AclNamespace, mailbox: string): Promise<readonly string[]> {
  const names = await namespace.mailboxes()
  const below = names.filter((name) => mailbox === '' || name === mailbox || name.startsWith(`${mailbox}/`))
  return below.toSorted()
}

/** What `applyRecursively` would change. */
export async function planRecursively(
  backend: AclBackend,
  namespace: AclNamespace,
  mailbox: string,
  change: AclChange,
  nowMs: number,
): Promise<readonly PlannedUpdate[]> {
  const planned: PlannedUpdate[] = []
  for (const name of await mailboxesBelow(namespace, mailbox)) {
    const object = await backend.object(namespace, name)
    if (object.kind === 'broken') {
      planned.push({ kind: 'failure', mailbox: name, log: object.problem.reason })
      continue
    }
    const before = object.entries.filter(({ isGlobal }) => !isGlobal).flatMap(({ lines }) => lines)
    const after = changeLines(before, change, nowMs)
    const own = (lines: typeof before): readonly string[] =>
      lines.filter(({ identifier }) => sameIdentifier(identifier, change.identifier)).map(writeAclLine)
    planned.push({
      kind: 'update',
      mailbox: name,
      isChanged: after !== undefined,
      before: own(before),
      after: own([...(after ?? before)]),
    })
  }
  return planned
}

/** Makes the change on each; one that fails does not stop the others. */
export async function applyRecursively(
  backend: AclBackend,
  namespace: AclNamespace,
  mailbox: string,
  change: AclChange,
): Promise<readonly PlannedUpdate[]> {
  const made: PlannedUpdate[] = []
  for (const name of await mailboxesBelow(namespace, mailbox)) {
    try {
      made.push({ kind: 'update', mailbox: name, ...(await backend.update(namespace, name, change)) })
    } catch (error) {
      made.push({ kind: 'failure', mailbox: name, log: error instanceof Error ? error.message : String(error) })
    }
  }
  return made
}
