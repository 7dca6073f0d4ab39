// ACL files on disk: read once, believed for a while, looked at again, and shared by the sessions of a process.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
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

/**
 * States are values: as long as a file does not change, `read` gives the same object. The files are small and on the disk that
 * the mails are on; LIST asks for thousands of them, and a trip to another thread for each would take ten times as long.
 */
export class AclFiles {
  /** Changes whenever a file is found to be another than before, or may be. */
  version = 0
  /** When the oldest of the looks was taken that `read` relied on since this was set; milliseconds since 1970. */
  oldestLookMs = Number.POSITIVE_INFINITY
  readonly #needs: AclFilesNeeds
  readonly #known = new LRUCache<string, Known>({ max: MAX_FILES })

  constructor(needs: AclFilesNeeds) {
    this.#needs = needs
  }

  /** What is in the file. An I/O error is a broken file, until the next look. */
  read(path: string, options: AclFileReadOptions): AclFileState {
    const key = keyOf(path, options)
    const known = this.#known.get(key)
    const nowMs = this.#needs.now()
    if (known !== undefined && nowMs - known.lookedAtMs < options.maxAgeMs) {
      if (known.lookedAtMs < this.oldestLookMs) this.oldestLookMs = known.lookedAtMs
      return known.state
    }
    if (nowMs < this.oldestLookMs) this.oldestLookMs = nowMs
    const look = this.#look(path, options, known)
    if (known !== undefined && known.state !== look.state) this.version += 1
    this.#known.set(key, { ...look, lookedAtMs: nowMs })
    return look.state
  }

  /** The file was changed by us: the next read looks at it. */
  forget(path: string): void {
    this.version += 1
    for (const kind of ['local', 'global', 'patterns'] as const) {
      for (const isStrict of [true, false]) this.#known.delete(keyOf(path, { kind, isStrict, maxAgeMs: 0 }))
    }
  }

  /** Mailboxes below this directory came, went or have other names. */
  forgetBelow(directory: string): void {
    this.version += 1
    const below = Array.from(this.#known.keys()).filter((key) => key.includes(` ${directory}/`))
    for (const key of below) this.#known.delete(key)
  }

  #look(path: string, options: AclFileReadOptions, known: Known | undefined): Pick<Known, 'state' | 'stamp'> {
    const { stamp, stats } = lookAt(path, options.kind)
    if (known?.stamp === stamp) return known
    if (stamp === ABSENT_STAMP) return { state: ABSENT, stamp }
    const { state, warnings, isFault } = loadOrFault(path, options, stats)
    for (const warning of warnings) this.#needs.log('warning', problemText(warning, options.kind === 'patterns'))
    if (state.kind === 'broken') this.#needs.log('error', problemText(state.problem, options.kind === 'patterns'))
    if (state.kind === 'closed') this.#needs.log('error', `ACL file ${path}: Permission denied: the mailbox is closed`)
    return { state, stamp: isFault === true ? FAULT_STAMP : stamp }
  }
}

const ABSENT: AclFileState = { kind: 'absent' }
const ABSENT_STAMP = 'absent'
/** No file looks so: it is loaded again whatever it looks like then. */
const FAULT_STAMP = 'fault'

interface Loaded {
  readonly state: AclFileState
  /** The disk's doing: the next look may find something else. */
  readonly isFault?: boolean
  readonly warnings: readonly AclFileProblem[]
}

function loadOrFault(path: string, options: AclFileReadOptions, stats: Stats | undefined): Loaded {
  try {
    return loadAclFile(path, options, stats)
  } catch (error) {
    return { ...broken(path, error instanceof Error ? error.message : String(error)), isFault: true }
  }
}

/** Reads a file now; `stats` is what it looked like just before. Throws I/O errors. */
export function loadAclFile(
  path: string,
  { kind, isStrict }: Omit<AclFileReadOptions, 'maxAgeMs'>,
  stats?: Stats,
): Loaded {
  // A FIFO must not make us wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (kind === 'local' ? constants.O_NOFOLLOW : 0)
  try {
    const fd = openSync(path, flags)
    try {
      return loadOpen({ fd, path, stats: stats ?? fstatSync(fd) }, { kind, isStrict })
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
      case 'ENAMETOOLONG':
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

/** Most files are smaller. */
const scratch = Buffer.alloc(16 * 1024)

interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly stats: Stats
}

function loadOpen({ fd, path, stats }: OpenFile, { kind, isStrict }: Omit<AclFileReadOptions, 'maxAgeMs'>): Loaded {
  if (stats.isDirectory()) {
    return kind === 'local' ? broken(path, 'Is a directory', stats) : { state: { kind: 'directory' }, warnings: [] }
  }
  if (!stats.isFile()) return broken(path, 'Is not a regular file', stats)
  const wantedBytes = Math.min(stats.size, ACL_FILE_LIMITS.fileBytes) + 1
  const bytes = wantedBytes <= scratch.length ? scratch : Buffer.alloc(wantedBytes)
  let sizeBytes = 0
  for (let more = 1; more > 0 && sizeBytes < wantedBytes; ) {
    more = readSync(fd, bytes, sizeBytes, wantedBytes - sizeBytes, sizeBytes)
    sizeBytes += more
    // As large as it looked: asking for more would only tell that there is none.
    if (sizeBytes === stats.size) break
  }
  const content = parseAclFile(bytes.subarray(0, sizeBytes), { path, isStrict, hasPatterns: kind === 'patterns' })
  const mtimeSecs = mtimeSecsOf(stats)
  if (content.kind === 'broken') return { state: { ...content, mtimeSecs }, warnings: [] }
  return { state: { kind: 'lines', lines: content.lines, mtimeSecs }, warnings: content.warnings }
}

function broken(path: string, reason: string, stats?: Stats): Loaded {
  const mtimeSecs = stats === undefined ? 0 : mtimeSecsOf(stats)
  return { state: { kind: 'broken', problem: { path, line: 0, reason }, mtimeSecs }, warnings: [] }
}

/** `stamp` changes when the file does, appears or vanishes. */
function lookAt(path: string, kind: AclFileReadOptions['kind']): { readonly stamp: string; readonly stats?: Stats } {
  try {
    const look = kind === 'local' ? lstatSync : statSync
    const stats = look(path, { throwIfNoEntry: false })
    if (stats === undefined) return { stamp: ABSENT_STAMP }
    return { stamp: `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`, stats }
  } catch (error) {
    // It may not even be looked at, or a name is too long for the disk: reading it says which.
    return { stamp: String(codeOf(error)) }
  }
}

function mtimeSecsOf({ mtimeMs }: Stats): number {
  return Math.floor(mtimeMs / 1000)
}

/** `ENOENT` and its like. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function keyOf(path: string, { kind, isStrict }: AclFileReadOptions): string {
  return `${kind} ${isStrict ? 'strict' : 'lenient'} ${path}`
}
