import { existsSync, readdirSync, renameSync, statSync, type Dirent } from 'node:fs'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatContext, FormatEntry, MailboxDirectories, MailLocation } from '../format.ts'
import { hasCode } from './disk.ts'
import { DirectoryListing } from './known-listings.ts'
import type { Layout } from './layout.ts'
import type { MailboxNames } from './mailbox-names.ts'
import { makeMaildir, makeMissing, makeParents, permissionsBelow } from './maildir-directory.ts'
import { type Permissions, permissionsOf } from './permissions.ts'
import { checkSamePermissions, refusalToMove } from './rename-checks.ts'
import { isForgotten, moveToTrash, removeTree } from './trash.ts'

const TRASH = '..DOVECOT-TRASHED'

/** Maildir++: the root is the INBOX, `Work/2024` lies in `.Work.2024`, and parents need not exist. */
export class MaildirPlusPlus implements Layout {
  readonly separator = '.'
  readonly #location: MailLocation
  readonly #context: FormatContext
  readonly #names: MailboxNames
  readonly #listing: DirectoryListing
  /** What decides how it is read; INBOX elsewhere is there or not. */
  readonly #keys: { readonly here: string; readonly elsewhere: string }

  constructor(location: MailLocation, context: FormatContext, names: MailboxNames) {
    this.#location = location
    this.#context = context
    this.#names = names
    this.#listing = new DirectoryListing(location.path)
    const key = `${context.inbox !== false} ${location.inboxPath} ${location.options.has('UTF-8')}`
    this.#keys = { here: key, elsewhere: `${key} with INBOX` }
  }

  list(): readonly FormatEntry[] {
    const mayHaveInbox = this.#context.inbox !== false
    // Elsewhere it comes and goes without a trace in this directory.
    const isElsewhere = mayHaveInbox && this.#location.inboxPath !== undefined && this.exists('INBOX')
    return this.#listing.list(isElsewhere ? this.#keys.elsewhere : this.#keys.here, () => {
      const found = this.#entries()
      const names = new Set<string>()
      for (const entry of found) {
        const name = this.#nameOf(entry)
        if (name !== undefined) names.add(name)
      }
      if (mayHaveInbox && this.exists('INBOX')) names.add('INBOX')
      else if (mayHaveInbox) names.delete('INBOX')
      // What a link leads to may change, and trash is looked after.
      const isSettled = !found.some((entry) => entry.isSymbolicLink() || entry.name === TRASH)
      return { entries: withParents(names), isSettled }
    })
  }

  #entries(): Dirent[] {
    try {
      return readdirSync(this.#location.path, { withFileTypes: true })
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  }

  /** A link is followed: the administrator made it. */
  #nameOf(entry: Dirent): string | undefined {
    if (!entry.name.startsWith('.')) return undefined
    if (entry.name === TRASH) this.#tidyTrash()
    const levels = entry.name
      .slice(1)
      .split('.')
      .map((level) => this.#names.decodeLevel(level))
    if (levels.some((level) => level === undefined || level.includes('/'))) return undefined
    return this.#isDirectory(entry) ? levels.join('/') : undefined
  }

  #isDirectory(entry: Dirent): boolean {
    if (entry.isDirectory()) return true
    if (entry.isFile()) return false
    return statSync(`${this.#location.path}/${entry.name}`, { throwIfNoEntry: false })?.isDirectory() === true
  }

  #tidyTrash(): void {
    const trash = `${this.#location.path}/${TRASH}`
    if (!isForgotten(trash, this.#context.now())) return
    removeTree(trash).catch((error) => this.#context.log('error', `cannot remove ${trash}: ${String(error)}`))
  }

  directories(name: string): MailboxDirectories {
    const { path, inboxPath, controlPath, indexPath, indexPrivatePath } = this.#location
    const below = `.${this.#names.levels(name).join('.')}`
    const mail = this.#isInbox(name) ? (inboxPath ?? path) : `${path}/${below}`
    const directories = {
      mail,
      control: controlPath === undefined ? mail : `${controlPath}/${below}`,
      index: indexPath === undefined ? mail : `${indexPath}/${below}`,
    }
    return indexPrivatePath === undefined
      ? directories
      : { ...directories, indexPrivate: `${indexPrivatePath}/${below}` }
  }

  exists(name: string): boolean {
    const { mail } = this.directories(name)
    return existsSync(this.#isInbox(name) ? `${mail}/cur` : mail)
  }

  #isInbox(name: string): boolean {
    return name === 'INBOX' && this.#context.inbox !== false
  }

  create(name: string): void {
    const { mail, control } = this.directories(name)
    const permissions = permissionsBelow(this.#location.path)
    if (this.#isInbox(name) ? this.exists(name) : !this.#makeFolder(mail)) {
      throw new StoreRefusal('exists', 'Mailbox already exists')
    }
    if (this.#isInbox(name)) makeParents(mail, permissions)
    makeMaildir(mail, !this.#isInbox(name), permissions)
    makeParents(control, permissions)
  }

  #makeFolder(mail: string): boolean {
    const permissions = permissionsBelow(this.#location.path)
    makeParents(this.#location.path, permissions)
    return makeMissing(mail, permissions)
  }

  async delete(name: string): Promise<void> {
    if (this.#isInbox(name)) throw new StoreRefusal('cannot', "INBOX can't be deleted")
    const { mail, control, index } = this.directories(name)
    await moveToTrash(mail, `${this.#location.path}/${TRASH}`, () => this.#absent(name))
    for (const other of new Set([control, index])) {
      if (other !== undefined && other !== mail) await removeTree(other)
    }
  }

  rename(from: string, to: string, into: Layout = this): void {
    const old = this.directories(from)
    if (old.mail === this.#location.path) throw new StoreRefusal('cannot', "Renaming INBOX isn't supported.")
    if (into === this && to.startsWith(`${from}/`)) {
      throw new StoreRefusal('cannot', "Can't rename mailbox under its own child")
    }
    if (into.exists(to)) throw new StoreRefusal('exists', 'Target mailbox already exists')
    if (!(into instanceof MaildirPlusPlus)) throw refusalToMove()
    const below = this.list().filter(({ name, selectable }) => selectable && name.startsWith(`${from}/`))
    // Names are all checked before the first is renamed.
    const moves = [from, ...below.map(({ name }) => name)].map((name) =>
      this.#move(name, into, to + name.slice(from.length)),
    )
    const there = this.exists(from)
    if (!there && below.length === 0) throw this.#absent(from)
    if (to.includes('/')) checkSamePermissions(permissionsOf(there ? old.mail : this.#location.path), into.#above(to))
    if (into !== this) makeParents(into.#location.path, permissionsBelow(into.#location.path))
    for (const move of there ? moves : moves.slice(1)) move()
  }

  /** Permissions of the nearest mailbox above, or of the root. */
  #above(name: string): Permissions {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const parent = name.slice(0, at)
      if (this.exists(parent)) return permissionsOf(this.directories(parent).mail)
    }
    return permissionsBelow(this.#location.path)
  }

  /** Children whose new name is taken stay, as in Dovecot. */
  #move(from: string, into: MaildirPlusPlus, to: string): () => void {
    const old = this.directories(from)
    const target = into.directories(to)
    return () => {
      renameUnlessTaken(old.mail, target.mail)
      if (old.control !== old.mail) renameUnlessTaken(old.control, target.control)
      if (old.index === undefined || target.index === undefined) return
      if (old.index !== old.mail && old.index !== old.control) renameUnlessTaken(old.index, target.index)
    }
  }

  #absent(name: string): StoreRefusal {
    return new StoreRefusal('not-found', `Mailbox doesn't exist: ${this.#names.shown(name)}`)
  }
}

function renameUnlessTaken(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EEXIST', 'ENOTEMPTY')) throw error
  }
}

/** Adds the levels above the names, which are no mailboxes. */
export function withParents(names: ReadonlySet<string>): FormatEntry[] {
  const parents = new Set<string>()
  for (const name of names) {
    for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) parents.add(name.slice(0, at))
  }
  const only = [...parents].filter((name) => !names.has(name))
  return [
    ...[...names].map((name) => ({ name, selectable: true, noInferiors: false })),
    ...only.map((name) => ({ name, selectable: false, existing: false as const, noInferiors: false })),
  ]
}
