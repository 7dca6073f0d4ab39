// dovecot-acl-list: which mailboxes of a namespace somebody else may see, so that Dovecot need not look at all of them.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AclBackend, AclObject } from '../backends/backend.ts'
import { bytesFromText, textFromBytes } from '../byte-text.ts'
import type { AclNamespace } from '../namespace.ts'

export interface AclListLine {
  /** Of the mailbox's ACL file, whole seconds since 1970. */
  readonly mtimeSecs: number
  /** As on disk: `foo.bar` in Maildir++. */
  readonly name: string
}

/** `undefined`: a line makes no sense, and the file is to be made anew. */
export function parseAclList(bytes: Buffer): readonly AclListLine[] | undefined {
  const lines: AclListLine[] = []
  for (const text of textFromBytes(bytes).split('\n')) {
    if (text === '') continue
    const [, mtime, name] = /^(\d{1,15}) (.+)$/s.exec(text) ?? []
    if (mtime === undefined || name === undefined) return undefined
    lines.push({ mtimeSecs: Number(mtime), name })
  }
  return lines
}

export function writeAclList(lines: readonly AclListLine[]): Buffer {
  return bytesFromText(lines.map(({ mtimeSecs, name }) => `${mtimeSecs} ${name}\n`).join(''))
}

/** A mailbox that somebody other than its owner may look up. */
export interface SharedMailbox {
  readonly mailbox: string
  readonly object: AclObject & { kind: 'entries' }
}

/** Mailboxes that are looked at at once. */
const AT_ONCE = 64

/** All mailboxes with a positive `l` for somebody other than the owner. Broken ones are shared with nobody. */
export async function findShared(namespace: AclNamespace, backend: AclBackend): Promise<readonly SharedMailbox[]> {
  const mailboxes = await namespace.mailboxes()
  const shared: SharedMailbox[] = []
  for (let at = 0; at < mailboxes.length; at += AT_ONCE) {
    // Other sessions of the process have their turn in between.
    if (at > 0) await nextTurn()
    const some = mailboxes.slice(at, at + AT_ONCE)
    const objects = await Promise.all(some.map(async (mailbox) => await backend.object(namespace, mailbox)))
    for (const [index, object] of objects.entries()) {
      const mailbox = some[index]
      if (mailbox !== undefined && object.kind === 'entries' && isShared(object)) shared.push({ mailbox, object })
    }
  }
  return shared
}

export function aclListOf(namespace: AclNamespace, shared: readonly SharedMailbox[]): readonly AclListLine[] {
  return shared.map(({ mailbox, object }) => ({
    mtimeSecs: object.mtimeSecs,
    name: namespace.places.listName(mailbox),
  }))
}

function isShared({ entries }: AclObject & { kind: 'entries' }): boolean {
  return entries.some(({ identifier, rights }) => identifier.kind !== 'owner' && rights?.has('lookup') === true)
}
