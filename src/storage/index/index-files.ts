import { join } from 'node:path'
import { RecentlyUsed } from '../../util/recently-used.ts'
import type { Indexes, IndexedPlace } from '../store-context.ts'
import { IndexFile, type IndexLog } from './index-file.ts'
import { type FileSchema, INDEX_SCHEMA } from './index-schema.ts'
import type { MailboxIndex } from './mailbox-index.ts'
import { MemoryIndex } from './memory-index.ts'
import { SqliteIndex } from './sqlite-index.ts'
import { PRIVATE_FILE, PRIVATE_SCHEMA } from '../private-seen/private-schema.ts'
import { PendingBudget } from './pending-summaries.ts'
import { SummaryMemories } from './summary-memory.ts'

export interface IndexLimits {
  /** Files open at once in this process; each takes about 170 KB. */
  readonly openFiles: number
  /** A file nobody used for this long is closed: users sleep. */
  readonly idleMs: number
}

export const INDEX_LIMITS: IndexLimits = { openFiles: 128, idleMs: 30_000 }

/** Dovecot ignores files of this name. */
export const INDEX_FILE = 'postern.index'

/** The index files of all users of a process. */
export class IndexFiles implements Indexes {
  readonly #limits: IndexLimits
  readonly #now: () => number
  readonly #memories = new SummaryMemories()
  readonly #pending = new PendingBudget()
  readonly #files = new RecentlyUsed<IndexFile>()
  #sweeper: NodeJS.Timeout | undefined

  constructor(now: () => number = Date.now, limits: IndexLimits = INDEX_LIMITS) {
    this.#now = now
    this.#limits = limits
  }

  open(place: IndexedPlace): MailboxIndex {
    const { location, storage, guid, uidValidity } = place
    const log: IndexLog = (level, text) => place.log(level, text)
    if (location.options.get('INDEX') === 'MEMORY') return new MemoryIndex(this.#now)
    const directory = location.indexPath ?? location.path
    const path = join(directory, INDEX_FILE)
    const mailbox = { guid: guid || `name:${storage}`, uidValidity }
    return new SqliteIndex({
      file: () => this.#file(path, log),
      mailbox,
      now: this.#now,
      log,
      memories: this.#memories,
      pending: this.#pending,
    })
  }

  /** The file for status counts of a location; `undefined` when nothing is kept of it. */
  fileOf(place: Pick<IndexedPlace, 'location' | 'log'>): IndexFile | undefined {
    const { location } = place
    if (location.options.get('INDEX') === 'MEMORY') return undefined
    return this.#file(join(location.indexPath ?? location.path, INDEX_FILE), (level, text) => place.log(level, text))
  }

  privateFileOf({ location, log }: Pick<IndexedPlace, 'location' | 'log'>): IndexFile | undefined {
    const { indexPrivatePath } = location
    if (indexPrivatePath === undefined) return undefined
    return this.#file(join(indexPrivatePath, PRIVATE_FILE), (level, text) => log(level, text), PRIVATE_SCHEMA)
  }

  close(): void {
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    for (const file of this.#files.all()) this.#drop(file)
  }

  #file(path: string, log: IndexLog, schema: FileSchema = INDEX_SCHEMA): IndexFile {
    const known = this.#files.get(path)
    const file = known ?? new IndexFile(path, log, schema)
    if (known === undefined) this.#files.set(path, file)
    else this.#files.use(path)
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.max(50, this.#limits.idleMs / 2)).unref()
    if (this.#files.size > this.#limits.openFiles) this.#drop(this.#files.oldest)
    return file
  }

  #sweep(): void {
    const before = performance.now() - this.#limits.idleMs
    for (const file of this.#files.all()) if (file.usedAt < before) this.#drop(file)
    if (this.#files.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #drop(file: IndexFile | undefined): void {
    if (file === undefined) return
    file.close()
    this.#files.delete(file.path)
  }
}
