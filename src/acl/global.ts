// The administrator's entries: a directory with a file for each mailbox, or one file with patterns.
import { stat } from 'node:fs/promises'
import type { AclFileProblem } from './acl-file.ts'
import type { AclFileState, AclFiles } from './acl-files.ts'
import type { AclLine } from './acl-line.ts'
import { wildcardMatches } from '../util/wildcard.ts'

/** Entries from one place; `at` is the file, for those who ask why. */
export type AclSource =
  | { readonly kind: 'lines'; readonly lines: readonly AclLine[]; readonly mtimeSecs?: number }
  | { readonly kind: 'broken'; readonly problem: AclFileProblem }

export interface GlobalAcl {
  /**
   * Entries for a mailbox, given by its names: the virtual one, then others that count when it has no file (the storage
   * separator in old setups). The empty name is the default object. Unchanged entries are the same object.
   */
  source(names: readonly string[]): AclSource
  /** Some entry names this mailbox, existing or not. */
  hasEntries(names: readonly string[]): boolean
}

export interface GlobalAclOptions {
  readonly files: AclFiles
  readonly cacheMs: number
  readonly isStrict: boolean
}

export const NO_ENTRIES: AclSource = { kind: 'lines', lines: [] }

const NO_GLOBAL_ACL: GlobalAcl = { source: () => NO_ENTRIES, hasEntries: () => false }

/** Opens `vfile:PATH`. Whether it is a directory is decided now, once a session. A path that is not there says nothing. */
export async function openGlobalAcl(path: string | undefined, options: GlobalAclOptions): Promise<GlobalAcl> {
  if (path === undefined) return NO_GLOBAL_ACL
  const stats = await stat(path).catch(() => undefined)
  return stats === undefined || stats.isDirectory() ? new GlobalDirectory(path, options) : new GlobalFile(path, options)
}

class GlobalDirectory implements GlobalAcl {
  readonly #path: string
  readonly #options: GlobalAclOptions
  readonly #sources = new WeakMap<AclFileState, AclSource>()

  constructor(path: string, options: GlobalAclOptions) {
    this.#path = path
    this.#options = options
  }

  source(names: readonly string[]): AclSource {
    const found = this.#find(names)
    if (found === undefined) return NO_ENTRIES
    const known = this.#sources.get(found.state)
    if (known !== undefined) return known
    const source = sourceOf(found.state, found.path)
    this.#sources.set(found.state, source)
    return source
  }

  hasEntries(names: readonly string[]): boolean {
    return this.#find(names) !== undefined
  }

  #find(names: readonly string[]): { state: AclFileState; path: string } | undefined {
    for (const name of names) {
      const path = this.#fileOf(name)
      if (path === undefined) continue
      let found = this.#read(path)
      if (found.state.kind === 'directory') found = this.#read(`${path}/.DEFAULT`)
      if (found.state.kind !== 'absent' && found.state.kind !== 'directory') return found
    }
    return undefined
  }

  #read(path: string): { state: AclFileState; path: string } {
    const { files, cacheMs, isStrict } = this.#options
    return { path, state: files.read(path, { maxAgeMs: cacheMs, isStrict, kind: 'global' }) }
  }

  /** Mailbox names come from clients: none leads out of the directory. */
  #fileOf(name: string): string | undefined {
    if (name === '') return this.#path
    const isPlain = name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
    return isPlain && !name.includes('\0') ? `${this.#path}/${name}` : undefined
  }
}

class GlobalFile implements GlobalAcl {
  readonly #path: string
  readonly #options: GlobalAclOptions
  #state: AclFileState | undefined
  #sources = new Map<string, AclSource>()

  constructor(path: string, options: GlobalAclOptions) {
    this.#path = path
    this.#options = options
  }

  source([name = '']: readonly string[]): AclSource {
    const { files, cacheMs, isStrict } = this.#options
    const state = files.read(this.#path, { maxAgeMs: cacheMs, isStrict, kind: 'patterns' })
    if (state !== this.#state) {
      this.#state = state
      this.#sources = new Map()
    }
    const known = this.#sources.get(name)
    if (known !== undefined) return known
    const source = state.kind === 'lines' ? matching(state, name) : sourceOf(state, this.#path)
    this.#sources.set(name, source)
    return source
  }

  hasEntries(names: readonly string[]): boolean {
    const source = this.source(names)
    return source.kind === 'broken' || source.lines.length > 0
  }
}

function matching({ lines, mtimeSecs }: AclFileState & { kind: 'lines' }, name: string): AclSource {
  return { kind: 'lines', mtimeSecs, lines: lines.filter(({ origin }) => wildcardMatches(name, origin?.pattern ?? '')) }
}

/** A file as entries. One that may not be read refuses everybody, the owner too. */
export function sourceOf(state: AclFileState, path: string): AclSource {
  switch (state.kind) {
    case 'absent':
    case 'directory':
      return NO_ENTRIES
    case 'lines':
      return state
    case 'closed':
      return { kind: 'lines', lines: [closedTo('anyone', path), closedTo('owner', path)] }
    case 'broken':
      return state
  }
}

function closedTo(kind: 'anyone' | 'owner', path: string): AclLine {
  return { identifier: { kind }, isNegative: false, rights: new Set(), unknownLetters: '', origin: { path, line: 0 } }
}
