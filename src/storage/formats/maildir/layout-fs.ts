import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync, statSync, unlinkSync, type Dirent } from 'node:fs'
import { dirname } from 'node:path'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatEntry, MailboxDirectories, MailLocation } from '../format.ts'
import { hasCode } from './disk.ts'
import type { Layout } from './layout.ts'
import type { MailboxNames } from './mailbox-names.ts'
import { makeMaildir, makeParents, permissionsBelow } from './maildir-directory.ts'
import { type Permissions, permissionsOf } from './permissions.ts'
import { checkSamePermissions, refusalToMove } from './rename-checks.ts'
import { moveToTrash, removeTree } from './trash.ts'

const PARTS = ['cur', 'new', 'tmp'] as const
const TRASH = '..DOVECOT-TRASHED'
/** Levels that are listed; links of the administrator may go round in a circle. */
const MAX_DEPTH = 40

/**
 * LAYOUT=fs: `Work/2024` lies in `Work/2024`, with MAILBOXDIR below that directory, with DIRNAME in a directory of that name
 * inside. A directory that holds no `cur` is no mailbox, only a place for others.
 */
export class FsLayout implements Layout {
  readonly separator = '/'
  readonly #location: MailLocation
  readonly #names: MailboxNames
  readonly #root: string
  readonly #dirname: string
  readonly #keepsEmpty: boolean

  readonly #hasInbox: boolean

  constructor(location: MailLocation, names: MailboxNames, hasInbox: boolean) {
    this.#hasInbox = hasInbox
    this.#location = location
    this.#names = names
    const below = location.options.get('MAILBOXDIR')
    this.#root = below === undefined || below === '' ? location.path : `${location.path}/${trimmed(below)}`
    this.#dirname = trimmed(location.options.get('DIRNAME') ?? '')
    this.#keepsEmpty = !location.options.has('NO-NOSELECT')
  }

  list(): FormatEntry[] {
    const entries = new Map<string, FormatEntry>()
    this.#listBelow(this.#root, '', 0, entries)
    if (this.#hasInbox && this.exists('INBOX'))
      entries.set('INBOX', { name: 'INBOX', selectable: true, noInferiors: false })
    return [...entries.values()].filter(
      ({ selectable, name }) => selectable || this.#keepsEmpty || hasChild(entries, name),
    )
  }

  #listBelow(path: string, prefix: string, depth: number, entries: Map<string, FormatEntry>): void {
    for (const entry of directoryEntries(path)) {
      const name = this.#names.decodeLevel(entry.name)
      const inner = `${path}/${entry.name}`
      if (name === undefined || name.includes('/') || !this.#isFolder(entry, inner)) continue
      const whole = prefix + name
      entries.set(whole, { name: whole, selectable: existsSync(`${this.#mailIn(inner)}/cur`), noInferiors: false })
      if (depth < MAX_DEPTH) this.#listBelow(inner, `${whole}/`, depth + 1, entries)
    }
  }

  #isFolder(entry: Dirent, path: string): boolean {
    if (entry.name.startsWith('.') || entry.isFile()) return false
    if (this.#dirname === '' ? isPart(entry.name) : entry.name === this.#dirname) return false
    if (path === this.#location.controlPath || path === this.#location.indexPath) return false
    return entry.isDirectory() || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  }

  directories(name: string): MailboxDirectories {
    const { controlPath, indexPath, indexPrivatePath } = this.#location
    const below = this.#below(name)
    const mail = this.#mailIn(this.#folder(name, below))
    const directories = {
      mail,
      control: controlPath === undefined ? mail : `${controlPath}/${below}`,
      index: indexPath === undefined ? mail : `${indexPath}/${below}`,
    }
    return indexPrivatePath === undefined
      ? directories
      : { ...directories, indexPrivate: `${indexPrivatePath}/${below}` }
  }

  #below(name: string): string {
    const levels = this.#names.levels(name)
    const bad = levels.find(
      (level) => level.startsWith('..DOVECOT') || (this.#dirname === '' ? isPart(level) : level === this.#dirname),
    )
    if (bad !== undefined) throw new StoreRefusal('invalid-name', 'Invalid mailbox name: Contains reserved name')
    return levels.join('/')
  }

  /** The directory that also holds the mailboxes below. */
  #folder(name: string, below: string): string {
    if (name !== 'INBOX' || !this.#hasInbox) return `${this.#root}/${below}`
    if (this.#location.inboxPath !== undefined) return this.#location.inboxPath
    return this.#dirname === '' ? this.#location.path : `${this.#root}/INBOX`
  }

  #mailIn(folder: string): string {
    return this.#dirname === '' || folder === this.#location.inboxPath ? folder : `${folder}/${this.#dirname}`
  }

  exists(name: string): boolean {
    return existsSync(`${this.directories(name).mail}/cur`)
  }

  create(name: string, directory: boolean): void {
    const { mail, control } = this.directories(name)
    const permissions = permissionsBelow(this.#location.path)
    if (existsSync(`${mail}/cur`)) throw new StoreRefusal('exists', 'Mailbox already exists')
    if (directory && this.#keepsEmpty) return makeParents(this.#folder(name, this.#below(name)), permissions)
    makeParents(mail, permissions)
    makeMaildir(mail, false, permissions)
    makeParents(control, permissions)
  }

  async delete(name: string): Promise<void> {
    const { mail, control, index } = this.directories(name)
    const folder = this.#folder(name, this.#below(name))
    if (folder === this.#location.path || (this.#hasInbox && name === 'INBOX'))
      throw new StoreRefusal('cannot', "INBOX can't be deleted")
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) throw this.#absent(name)
    if (this.exists(name)) await this.#deleteMail(mail, () => this.#absent(name))
    else this.#refuseWithChildren(folder)
    removeIfEmpty(folder)
    for (const other of new Set([control, index])) {
      if (other !== undefined && other !== mail) await this.#deleteFiles(other)
    }
    if (!this.#keepsEmpty) this.#removeEmptyParents(dirname(folder))
  }

  #refuseWithChildren(folder: string): void {
    const some = directoryEntries(folder).some((entry) => this.#isFolder(entry, `${folder}/${entry.name}`))
    if (some) throw new StoreRefusal('has-children', 'Mailbox has children, delete them first')
  }

  /** `cur` goes first: without it, the directory is no mailbox any more. */
  async #deleteMail(mail: string, absent: () => StoreRefusal): Promise<void> {
    const trash = `${this.#location.path}/${TRASH}`
    if (this.#dirname !== '') return moveToTrash(mail, trash, absent)
    for (const part of PARTS) {
      await moveToTrash(`${mail}/${part}`, trash, absent).catch((error: unknown) => {
        if (part === 'cur' || !(error instanceof StoreRefusal)) throw error
      })
    }
    await this.#deleteFiles(mail)
  }

  /** What a mailbox keeps beside its mail; other mailboxes inside stay. */
  async #deleteFiles(path: string): Promise<void> {
    for (const entry of directoryEntries(path)) {
      // A link of the administrator to a mailbox elsewhere is no file of this one.
      if (entry.isSymbolicLink()) continue
      if (!entry.isDirectory()) unlinkSync(`${path}/${entry.name}`)
      else if (entry.name.startsWith('.')) await removeTree(`${path}/${entry.name}`)
    }
    removeIfEmpty(path)
  }

  #removeEmptyParents(path: string): void {
    for (let at = path; at.startsWith(`${this.#root}/`); at = dirname(at)) if (!removeIfEmpty(at)) return
  }

  rename(from: string, to: string, into: Layout = this): void {
    const old = this.#folder(from, this.#below(from))
    if (old === this.#location.path) throw new StoreRefusal('cannot', "Renaming INBOX isn't supported.")
    if (into === this && to.startsWith(`${from}/`)) {
      throw new StoreRefusal('cannot', "Can't rename mailbox under its own child")
    }
    if (into.exists(to)) throw new StoreRefusal('exists', 'Target mailbox already exists')
    if (!(into instanceof FsLayout) || into.#dirname !== this.#dirname) throw refusalToMove()
    const target = into.#folder(to, into.#below(to))
    if (existsSync(target)) throw new StoreRefusal('exists', 'Target mailbox already exists')
    if (!existsSync(old)) throw this.#absent(from)
    if (to.includes('/')) checkSamePermissions(permissionsOf(old), into.#above(target))
    const permissions = permissionsBelow(into.#location.path)
    makeParents(dirname(target), permissions)
    renameSync(old, target)
    for (const key of ['controlPath', 'indexPath'] as const) {
      const [root, newRoot] = [this.#location[key], into.#location[key]]
      if (root === undefined || newRoot === undefined) continue
      makeParents(dirname(`${newRoot}/${into.#below(to)}`), permissions)
      renameIfThere(`${root}/${this.#below(from)}`, `${newRoot}/${into.#below(to)}`)
    }
    if (!this.#keepsEmpty) this.#removeEmptyParents(dirname(old))
  }

  /** Permissions of the nearest directory above. */
  #above(folder: string): Permissions {
    return existsSync(this.#root) ? permissionsOf(nearest(dirname(folder))) : permissionsBelow(this.#root)
  }

  #absent(name: string): StoreRefusal {
    return new StoreRefusal('not-found', `Mailbox doesn't exist: ${this.#names.shown(name)}`)
  }
}

/** The first of the directories above that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

function trimmed(path: string): string {
  return path.replaceAll(/^\/+|\/+$/g, '')
}

function isPart(name: string): boolean {
  return name === 'cur' || name === 'new' || name === 'tmp'
}

function hasChild(entries: ReadonlyMap<string, FormatEntry>, name: string): boolean {
  for (const { name: other, selectable } of entries.values())
    if (selectable && other.startsWith(`${name}/`)) return true
  return false
}

function directoryEntries(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return []
    throw error
  }
}

function removeIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false
    if (hasCode(error, 'ENOENT')) return true
    if (hasCode(error, 'ENOTDIR')) return false
    throw error
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}
