// What GETACL shows. RFC 4314 §3.6.
import type { AclEntry } from '../entries.ts'
import type { Viewer } from '../identifier.ts'
import { ALL_RIGHTS } from '../rights.ts'
import { imapIdentifierText } from './identifier.ts'
import { imapRights } from './rights-text.ts'

/** An identifier and its rights, as strings of the reply. */
export type AclPair = readonly [identifier: string, rights: string]

/**
 * Entries in the order they are weighed, global ones marked with `#`. To the owner his entry has his own name, unless there
 * are several that could be meant; when nothing gives him rights, those he has by being the owner come last.
 */
export function aclPairs(entries: readonly AclEntry[], viewer: Viewer): readonly AclPair[] {
  const isOwn = ({ identifier }: AclEntry): boolean =>
    viewer.isOwner && (identifier.kind === 'owner' || (identifier.kind === 'user' && identifier.name === viewer.user))
  const own = entries.filter(isOwn)
  const named = own.length === 1 ? viewer.user : undefined
  const pairs = entries.flatMap((entry) => pairsOf(entry, entry.identifier.kind === 'owner' ? named : undefined))
  if (!viewer.isOwner || viewer.user === undefined || own.some(({ rights }) => rights !== undefined)) return pairs
  return [...pairs, [viewer.user, imapRights(ALL_RIGHTS, 'myrights')]]
}

function pairsOf({ identifier, isGlobal, rights, negative }: AclEntry, name: string | undefined): readonly AclPair[] {
  const text = `${isGlobal ? '#' : ''}${name ?? imapIdentifierText(identifier)}`
  const pairs: AclPair[] = []
  if (rights !== undefined) pairs.push([text, imapRights(rights, 'file')])
  if (negative !== undefined) pairs.push([`-${text}`, imapRights(negative, 'file')])
  return pairs
}
