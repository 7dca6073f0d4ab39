// Live inheritance: which mailboxes change with one above them.
import type { AclBackend, AclObject } from '../backends/backend.ts'
import { type Identifier, sameIdentifier } from '../identifier.ts'
import { ACL_FILE_NAME, type AclNamespace, ancestors } from '../namespace.ts'

export interface Follower {
  /** Storage name. */
  readonly mailbox: string
  readonly object: AclObject & { readonly kind: 'entries' }
}

/**
 * Mailboxes below this one that have what it says of somebody: those with an entry of their own for him, or with one nearer above,
 * do not. Nobody follows where entries are copied.
 */
export async function* followersOf(
  namespace: AclNamespace,
  backend: AclBackend,
  above: string,
  identifier: Identifier,
): AsyncIterable<Follower> {
  if (namespace.inherit !== 'live') return
  const below = (await namespace.mailboxes()).filter((name) => above === '' || name.startsWith(`${above}/`))
  for (const mailbox of below.toSorted()) {
    const object = await backend.object(namespace, mailbox)
    if (object.kind === 'entries' && !isNamedBelow(namespace, object, { mailbox, above, identifier })) {
      yield { mailbox, object }
    }
  }
}

interface Line {
  readonly mailbox: string
  readonly above: string
  readonly identifier: Identifier
}

/** The mailbox itself, or one between it and the one above, has lines for the identifier. */
function isNamedBelow(
  { places }: AclNamespace,
  { entries }: AclObject & { readonly kind: 'entries' },
  { mailbox, above, identifier }: Line,
): boolean {
  const nearer = [mailbox, ...ancestors(mailbox)].filter((name) => name.length > above.length)
  const files = new Set(nearer.map((name) => `${places.directory(name) ?? ''}/${ACL_FILE_NAME}`))
  const own = entries.filter((entry) => !entry.isGlobal && sameIdentifier(entry.identifier, identifier))
  return own.some(({ lines }) => lines.some(({ origin }) => origin !== undefined && files.has(origin.path)))
}
