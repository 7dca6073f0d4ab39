// The `vfile` backend: a dovecot-acl file in each mailbox, and the administrator's global files.
import { LRUCache } from 'lru-cache'
import { problemText, writeAclFile } from '../acl-file.ts'
import { type AclFiles, loadAclFile } from '../acl-files.ts'
import { type AclLine, writeAclLine } from '../acl-line.ts'
import { type AclChange, changeLines, uniteLines } from '../change.ts'
import { NotReplaced, replaceUnderDotlock } from '../dotlock.ts'
import { sortEntries } from '../entries.ts'
import { type AclSource, type GlobalAcl, NO_ENTRIES, sourceOf } from '../global.ts'
import { sameIdentifier } from '../identifier.ts'
import { KnownMailboxes } from '../known-mailboxes.ts'
import { ACL_FILE_NAME, type AclNamespace, ancestors, virtualName } from '../namespace.ts'
import type { AclSettings } from '../settings.ts'
import { type AclBackend, AclNotUpdated, type AclObject, type AclUpdate } from './backend.ts'
import { inheritLines } from './inheritance.ts'

export interface VfileOptions {
  readonly settings: Pick<AclSettings, 'cacheMs' | 'globalsOnly' | 'defaultsFromInbox' | 'isStrict'>
  readonly global: GlobalAcl
  readonly files: AclFiles
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface Known {
  readonly local: AclSource
  readonly global: AclSource
  readonly object: AclObject
  /** No file need be looked at before, unless some file changed: milliseconds since 1970, and the version of the files then. */
  readonly freshUntilMs: number
  readonly filesVersion: number
}

interface Inherited {
  readonly from: readonly AclSource[]
  readonly source: AclSource
}

export class VfileBackend implements AclBackend {
  readonly #options: VfileOptions
  readonly #known = new KnownMailboxes<Known>()
  readonly #inherited = new KnownMailboxes<Inherited>()

  constructor(options: VfileOptions) {
    this.#options = options
  }

  object(namespace: AclNamespace, mailbox: string): AclObject {
    const { files, settings, now } = this.#options
    const known = this.#known.get(namespace, mailbox)
    if (known !== undefined && known.filesVersion === files.version && now() < known.freshUntilMs) return known.object
    const name = this.#isDefaultFromInbox(namespace, mailbox) ? 'INBOX' : mailbox
    files.oldestLookMs = Number.POSITIVE_INFINITY
    const local = this.#local(namespace, name)
    const global = this.#options.global.source(globalNames(namespace, name))
    const isSame = known?.local === local && known.global === global && this.#isValid(known.object)
    const object = isSame ? known.object : this.#compose(local, global)
    const freshUntilMs = Math.min(files.oldestLookMs + settings.cacheMs, validUntil(object))
    this.#known.set(namespace, mailbox, { local, global, object, freshUntilMs, filesVersion: files.version })
    return object
  }

  get version(): number {
    return this.#options.files.version
  }

  freshUntilMs(namespace: AclNamespace, mailbox: string): number {
    const known = this.#known.get(namespace, mailbox)
    return known !== undefined && known.filesVersion === this.version ? known.freshUntilMs : 0
  }

  hasGlobalEntries(namespace: AclNamespace, mailbox: string): boolean {
    return this.#options.global.hasEntries(globalNames(namespace, mailbox))
  }

  async update(namespace: AclNamespace, mailbox: string, change: AclChange): Promise<AclUpdate> {
    const path = this.#localPath(namespace, mailbox)
    if (path === undefined) throw new AclNotUpdated(`Can't update acl object '${mailbox}': No local acl file path`)
    let update: AclUpdate = { isChanged: false, before: [], after: [] }
    await this.#rewrite(path, async (lines) => {
      const before = await this.#withInherited(namespace, mailbox, lines, change)
      const after = changeLines(before, change, this.#options.now())
      const own = ({ identifier }: AclLine): boolean => sameIdentifier(identifier, change.identifier)
      update = {
        isChanged: after !== undefined,
        before: before.filter(own).map(writeAclLine),
        after: (after ?? before).filter(own).map(writeAclLine),
      }
      return after
    })
    return update
  }

  async copy(namespace: AclNamespace, from: string, to: string): Promise<readonly AclLine[]> {
    const path = this.#localPath(namespace, to)
    const source = this.#own(namespace, this.#isDefaultFromInbox(namespace, from) ? 'INBOX' : from)
    if (path === undefined || source.kind === 'broken' || source.lines.length === 0) return []
    const lines = uniteLines(source.lines)
    return (await this.#rewrite(path, () => Promise.resolve(lines))) ? lines : []
  }

  async expire(namespace: AclNamespace, mailbox: string): Promise<readonly string[]> {
    const path = this.#localPath(namespace, mailbox)
    if (path === undefined) return []
    const source = this.#own(namespace, mailbox)
    if (source.kind === 'broken' || !source.lines.some((line) => this.#hasEnded(line))) return []
    let ended: readonly AclLine[] = []
    await this.#rewrite(path, (lines) => {
      ended = lines.filter((line) => this.#hasEnded(line))
      return Promise.resolve(ended.length === 0 ? undefined : uniteLines(lines.filter((line) => !this.#hasEnded(line))))
    })
    return ended.map(writeAclLine)
  }

  forget(namespace: AclNamespace, mailbox?: string): void {
    const { files } = this.#options
    if (mailbox === undefined) return files.forgetBelow(namespace.places.list)
    const path = this.#localPath(namespace, mailbox)
    if (path !== undefined) files.forget(path)
  }

  #hasEnded({ expiresAtMs }: AclLine): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#options.now()
  }

  /** Live inheritance: to change what comes from above, an entry of its own is made here first. */
  async #withInherited(
    namespace: AclNamespace,
    mailbox: string,
    lines: readonly AclLine[],
    { identifier }: AclChange,
  ): Promise<readonly AclLine[]> {
    if (namespace.inherit !== 'live' || lines.some((line) => sameIdentifier(line.identifier, identifier))) return lines
    const source = this.#local(namespace, mailbox)
    const inherited =
      source.kind === 'lines' ? source.lines.filter((line) => sameIdentifier(line.identifier, identifier)) : []
    return [...lines, ...inherited]
  }

  async #rewrite(
    path: string,
    edit: (lines: readonly AclLine[]) => Promise<readonly AclLine[] | undefined>,
  ): Promise<boolean> {
    const { files, now, settings } = this.#options
    try {
      return await replaceUnderDotlock(
        path,
        async () => {
          const { state } = loadAclFile(path, { kind: 'local', isStrict: settings.isStrict })
          if (state.kind === 'broken') throw new AclNotUpdated(problemText(state.problem))
          if (state.kind === 'closed') throw new AclNotUpdated(`ACL file ${path}: Permission denied`)
          const lines = await edit(state.kind === 'lines' ? state.lines : [])
          return lines === undefined ? undefined : writeAclFile(lines)
        },
        { now },
      )
    } catch (error) {
      if (error instanceof NotReplaced) throw new AclNotUpdated(error.message, { cause: error })
      throw error
    } finally {
      files.forget(path)
    }
  }

  /** What counts as the mailbox's own: its file and, with live inheritance, what comes from above. */
  #local(namespace: AclNamespace, mailbox: string): AclSource {
    const own = this.#own(namespace, mailbox)
    if (namespace.inherit !== 'live' || mailbox === '' || own.kind === 'broken') return own
    const from = [mailbox, ...ancestors(mailbox), ''].map((name) => this.#own(namespace, name))
    const known = this.#inherited.get(namespace, mailbox)
    if (known?.from.length === from.length && known.from.every((source, at) => source === from[at])) return known.source
    const source = inheritLines(from)
    this.#inherited.set(namespace, mailbox, { from, source })
    return source
  }

  #own(namespace: AclNamespace, mailbox: string): AclSource {
    const path = this.#localPath(namespace, mailbox)
    if (path === undefined) return NO_ENTRIES
    const { files, settings } = this.#options
    const state = files.read(path, { maxAgeMs: settings.cacheMs, isStrict: settings.isStrict, kind: 'local' })
    return state.kind === 'closed' ? closedSource(path) : sourceOf(state, path)
  }

  #localPath({ places }: AclNamespace, mailbox: string): string | undefined {
    if (this.#options.settings.globalsOnly) return undefined
    const directory = mailbox === '' ? places.defaults : places.directory(mailbox)
    return directory === undefined ? undefined : `${directory}/${ACL_FILE_NAME}`
  }

  #isDefaultFromInbox({ type }: AclNamespace, mailbox: string): boolean {
    return mailbox === '' && type !== 'public' && this.#options.settings.defaultsFromInbox
  }

  #compose(local: AclSource, global: AclSource): AclObject {
    if (local.kind === 'broken') return local
    if (global.kind === 'broken') return global
    const { entries, validUntilMs } = sortEntries(local.lines, global.lines, this.#options.now())
    return { kind: 'entries', entries, validUntilMs, mtimeSecs: local.mtimeSecs ?? global.mtimeSecs ?? 0 }
  }

  #isValid(object: AclObject): boolean {
    return this.#options.now() < validUntil(object)
  }
}

/** When a grant ends. */
function validUntil(object: AclObject): number {
  return object.kind === 'broken' ? Number.POSITIVE_INFINITY : object.validUntilMs
}

/** The same object for the same path, so that what is made of it can be kept. */
const closedSources = new LRUCache<string, AclSource>({ max: 1000 })

function closedSource(path: string): AclSource {
  const known = closedSources.get(path) ?? sourceOf({ kind: 'closed' }, path)
  closedSources.set(path, known)
  return known
}

/** The virtual name, and the one with the storage's own separator that old setups use for file names. */
function globalNames(namespace: AclNamespace, mailbox: string): readonly string[] {
  const name = virtualName(namespace, mailbox)
  const old = mailbox.includes('/')
    ? namespace.prefix + mailbox.replaceAll('/', namespace.places.storageSeparator)
    : name
  return old === name ? [name] : [name, old]
}
