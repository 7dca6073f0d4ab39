// ACL files on disk: read once, believed for a while, looked at again, and shared by the sessions of a process.
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, stat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { ACL_FILE_LIMITS, type AclFileProblem, parseAclFile, problemText } from './acl-file.ts'
import type { AclLine } from './acl-line.ts'

export type AclFileState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'lines'; readonly lines: readonly AclLine[]; readonly mtimeSecs: number }
  /** It may not be read: it refuses everybody. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'directory' }
  /** It counts for nothing, and nobody but the owner learns that the mailbox is there. */
  | { readonly kind: 'broken'; readonly problem: AclFileProblem; readonly mtimeSecs: number }

export interface AclFilesNeeds {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: (level: 'warning' | 'error', text: string) => void
}

export interface AclFileReadOptions {
  /** How old a look may be. */
  readonly maxAgeMs: number
  readonly isStrict: boolean
  /** `local`: written by users' sessions, never followed through a symbolic link. The other two are the administrator's. */
  readonly kind: 'local' | 'global' | 'patterns'
}

interface Known {
  readonly state: AclFileState
  readonly stamp: string
  readonly lookedAtMs: number
}

/** Mailboxes whose ACL file is remembered, with and without one; some hundred bytes each. */
const MAX_FILES = 50_000

/** States are values: as long as a file does not change, `read` gives the same object. */
export class AclFiles {
  readonly #needs: AclFilesNeeds
  readonly #known = new LRUCache<string, Known>({ max: MAX_FILES })
  readonly #reading = new Map<string, Promise<AclFileState>>()

  constructor(needs: AclFilesNeeds) {
    this.#needs = needs
  }

  /** What is in the file. Rejects only with what nobody expects of a file: an I/O error. */
  read(path: string, options: AclFileReadOptions): AclFileState | Promise<AclFileState> {
    const key = keyOf(path, options)
    const known = this.#known.get(key)
    if (known !== undefined && this.#needs.now() - known.lookedAtMs < options.maxAgeMs) return known.state
    const reading = this.#reading.get(key)
    if (reading !== undefined) return reading
    const started = this.#look(path, options, known).finally(() => this.#reading.delete(key))
    this.#reading.set(key, started)
    return started
  }

  /** The file was changed by us: the next read looks at it. */
  forget(path: string): void {
    for (const kind of ['local', 'global', 'patterns'] as const) {
      for (const isStrict of [true, false]) {
        const key = keyOf(path, { kind, isStrict, maxAgeMs: 0 })
        this.#known.delete(key)
        this.#reading.delete(key)
      }
    }
  }

  async #look(path: string, options: AclFileReadOptions, known: Known | undefined): Promise<AclFileState> {
    const lookedAtMs = this.#needs.now()
    const stamp = await stampOf(path, options.kind)
    const state =
      known !== undefined && known.stamp === stamp ? known.state : await this.#load(path, options, stamp !== 'absent')
    this.#known.set(keyOf(path, options), { state, stamp, lookedAtMs })
    return state
  }

  async #load(path: string, options: AclFileReadOptions, isThere: boolean): Promise<AclFileState> {
    if (!isThere) return ABSENT
    const { state, warnings } = await loadAclFile(path, options)
    for (const warning of warnings) this.#needs.log('warning', problemText(warning, options.kind === 'patterns'))
    if (state.kind === 'broken') this.#needs.log('error', problemText(state.problem, options.kind === 'patterns'))
    if (state.kind === 'closed') this.#needs.log('error', `ACL file ${path}: Permission denied: the mailbox is closed`)
    return state
  }
}

const ABSENT: AclFileState = { kind: 'absent' }

interface Loaded {
  readonly state: AclFileState
  readonly warnings: readonly AclFileProblem[]
}

/** Reads a file now. Rejects with I/O errors. */
export async function loadAclFile(
  path: string,
  { kind, isStrict }: Omit<AclFileReadOptions, 'maxAgeMs'>,
): Promise<Loaded> {
  // A FIFO must not make us wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (kind === 'local' ? constants.O_NOFOLLOW : 0)
  try {
    await using file = await open(path, flags)
    const stats = await file.stat({ bigint: true })
    if (stats.isDirectory())
      return kind === 'local' ? broken(path, 'Is a directory', stats) : { state: { kind: 'directory' }, warnings: [] }
    if (!stats.isFile()) return broken(path, 'Is not a regular file', stats)
    const bytes = Buffer.alloc(Math.min(Number(stats.size), ACL_FILE_LIMITS.fileBytes) + 1)
    let sizeBytes = 0
    for (let more = 1; more > 0 && sizeBytes < bytes.length; sizeBytes += more) {
      more = (await file.read(bytes, sizeBytes, bytes.length - sizeBytes, sizeBytes)).bytesRead
    }
    const content = parseAclFile(bytes.subarray(0, sizeBytes), { path, isStrict, hasPatterns: kind === 'patterns' })
    const mtimeSecs = mtimeSecsOf(stats)
    if (content.kind === 'broken') return { state: { ...content, mtimeSecs }, warnings: [] }
    return { state: { kind: 'lines', lines: content.lines, mtimeSecs }, warnings: content.warnings }
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return { state: ABSENT, warnings: [] }
      case 'EACCES':
        return { state: { kind: 'closed' }, warnings: [] }
      case 'ELOOP':
        return broken(path, 'Is a symbolic link')
      default:
        throw error
    }
  }
}

function broken(path: string, reason: string, stats?: BigIntStats): Loaded {
  const mtimeSecs = stats === undefined ? 0 : mtimeSecsOf(stats)
  return { state: { kind: 'broken', problem: { path, line: 0, reason }, mtimeSecs }, warnings: [] }
}

/** Changes when the file does, appears or vanishes. */
async function stampOf(path: string, kind: AclFileReadOptions['kind']): Promise<string> {
  try {
    const stats = kind === 'local' ? await lstat(path, { bigint: true }) : await stat(path, { bigint: true })
    return `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.mode}`
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : String(code)
  }
}

function mtimeSecsOf({ mtimeNs }: BigIntStats): number {
  return Number(mtimeNs / 1_000_000_000n)
}

/** `ENOENT` and its like. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function keyOf(path: string, { kind, isStrict }: AclFileReadOptions): string {
  return `${kind} ${isStrict ? 'strict' : 'lenient'} ${path}`
}
