// RENAME between LAYOUT=fs and Maildir++: the files of a mailbox are the same in both, only where they lie differs.
import { existsSync, lstatSync, renameSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatEntry, MailboxDirectories, MailLocation } from '../format.ts'
import { hasCode } from './disk.ts'
import type { Layout } from './layout.ts'
import { makeMaildir, makeParents, permissionsBelow } from './maildir-directory.ts'
import { type Permissions, permissionsOf } from './permissions.ts'
import { checkSamePermissions, refusalToMove } from './rename-checks.ts'

export interface LaidOut {
  readonly layout: Layout
  readonly location: MailLocation
}

/**
 * Renames a mailbox and those below it into a location of the other layout, one after the other; all names are checked before
 * the first is renamed. `cannot` where one of the locations keeps things beside the mail.
 */
export function renameAcross(source: LaidOut, from: string, target: LaidOut, to: string, absent: StoreRefusal): void {
  const { layout, location } = source
  const { mail } = layout.directories(from)
  if (mail === location.path || mail === location.inboxPath)
    throw new StoreRefusal('cannot', "Renaming INBOX isn't supported.")
  if (target.layout.exists(to)) throw new StoreRefusal('exists', 'Target mailbox already exists')
  if (!isPlain(source) || !isPlain(target)) throw refusalToMove()
  const depth = ({ name }: FormatEntry): number => name.split('/').length
  const entries = layout
    .list()
    .filter(({ name }) => name === from || name.startsWith(`${from}/`))
    .toSorted((one, other) => depth(one) - depth(other))
  const [first] = entries.filter(({ selectable }) => selectable)
  if (first === undefined) throw entries.length === 0 ? absent : refusalToMove()
  const moves = entries.map((entry) => moveOf(entry, source, target, to + entry.name.slice(from.length)))
  if (to.includes('/')) checkSamePermissions(permissionsOf(layout.directories(first.name).mail), above(target, to))
  makeParents(target.location.path, permissionsBelow(target.location.path))
  // What lies inside goes first, unless it goes inside again.
  for (const move of target.layout.separator === '/' ? moves : moves.toReversed()) move()
  if (source.layout.separator === '/') for (const { name } of entries.toReversed()) removeIfEmpty(layout, name)
}

/** Mail, index and control files of each mailbox are in one directory. */
function isPlain({ location: { controlPath, indexPath, options } }: LaidOut): boolean {
  return controlPath === undefined && indexPath === undefined && !options.has('DIRNAME')
}

function moveOf({ name, selectable }: FormatEntry, source: LaidOut, target: LaidOut, to: string): () => void {
  const there: MailboxDirectories = target.layout.directories(to)
  if (selectable && lstatSync(there.mail, { throwIfNoEntry: false }) !== undefined)
    throw new StoreRefusal('exists', 'Target mailbox already exists')
  const { mail } = source.layout.directories(name)
  return () => {
    if (!selectable) return removeIfEmpty(source.layout, name)
    const permissions = permissionsBelow(target.location.path)
    makeParents(dirname(there.mail), permissions)
    renameSync(mail, there.mail)
    makeMaildir(there.mail, target.layout.separator === '.', permissions)
  }
}

/** A directory that was only there for mailboxes below it. */
function removeIfEmpty(layout: Layout, name: string): void {
  try {
    rmdirSync(layout.directories(name).mail)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error
  }
}

/** Permissions of the nearest mailbox above, or of the root. */
function above({ layout, location }: LaidOut, name: string): Permissions {
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
    const { mail } = layout.directories(name.slice(0, at))
    if (existsSync(mail)) return permissionsOf(mail)
  }
  return permissionsBelow(location.path)
}
