// Everything a user can reach, mailbox by mailbox.
import { type AclAccess, rightsOrNone } from '../access.ts'
import { type AclNamespace, virtualName } from '../namespace.ts'
import type { Rights } from '../rights.ts'

export interface Reached {
  readonly name: string
  readonly namespace: AclNamespace
  readonly mailbox: string
  readonly rights: Rights
}

/** Mailboxes of these namespaces on which the user has any right, in the order of their names. */
export async function* whatMayBeUsed(access: AclAccess, namespaces: Iterable<AclNamespace>): AsyncIterable<Reached> {
  for (const namespace of namespaces) {
    const mailboxes = await namespace.mailboxes()
    for (const mailbox of mailboxes.toSorted()) {
      const rights = rightsOrNone(await access.judge(namespace, mailbox))
      if (rights.size > 0) yield { name: virtualName(namespace, mailbox), namespace, mailbox, rights }
    }
  }
}
