import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type FileSchema, INDEX_SCHEMA } from './index-schema.ts'

/** Longest wait for another process that writes. The event loop waits too: transactions are short. */
const BUSY_MS = 250
/** Result codes of SQLite: SQLITE_CORRUPT, SQLITE_NOTADB. */
const BROKEN = new Set([11, 26])

export type IndexLog = (level: 'debug' | 'info' | 'warning' | 'error', text: string) => void

/** An open index, for as long as one piece of work takes. */
export interface OpenIndex {
  /** A statement, prepared once. Rows are arrays. */
  statement(sql: string): StatementSync
  /** Changes when the file was replaced: what was known of its rows is void. */
  readonly generation: number
}

interface OpenFile {
  readonly db: DatabaseSync
  readonly inode: bigint
  readonly statements: Map<string, StatementSync>
}

/**
 * The index of one mail root, an SQLite file. Several processes use it at once; anybody may delete it at any time. A broken
 * one is moved aside, with one line in the log, and made anew.
 */
export class IndexFile {
  readonly path: string
  /** When it was used last, on the clock of `performance`. */
  usedAt = 0
  readonly #log: IndexLog
  readonly #schema: FileSchema
  #open:
    | { readonly db: DatabaseSync; readonly inode: bigint; readonly statements: Map<string, StatementSync> }
    | undefined
  #generation = 0

  constructor(path: string, log: IndexLog, schema: FileSchema = INDEX_SCHEMA) {
    this.path = path
    this.#log = log
    this.#schema = schema
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Runs something with the index. Throws what SQLite throws when the file cannot be used. */
  run<T>(work: (index: OpenIndex) => T): T {
    try {
      return this.#run(work)
    } catch (error) {
      if (!isBroken(error)) throw error
      this.#setAside(error)
      return this.#run(work)
    }
  }

  /** The same in one transaction that writes. */
  write<T>(work: (index: OpenIndex) => T): T {
    return this.run((index) => {
      index.statement('BEGIN IMMEDIATE').run()
      try {
        const done = work(index)
        index.statement('COMMIT').run()
        return done
      } catch (error) {
        index.statement('ROLLBACK').run()
        throw error
      }
    })
  }

  close(): void {
    const open = this.#open
    this.#open = undefined
    open?.db.close()
  }

  #run<T>(work: (index: OpenIndex) => T): T {
    this.usedAt = performance.now()
    const { db, statements } = this.#ready()
    const statement = (sql: string): StatementSync => {
      let prepared = statements.get(sql)
      if (prepared === undefined) {
        prepared = db.prepare(sql)
        prepared.setReturnArrays(true)
        statements.set(sql, prepared)
      }
      return prepared
    }
    return work({ statement, generation: this.#generation })
  }

  #ready(): OpenFile {
    const now = inodeOf(this.path)
    if (this.#open !== undefined && this.#open.inode === now) return this.#open
    this.close()
    if (now === undefined) makeFile(this.path)
    const db = new DatabaseSync(this.path, { timeout: BUSY_MS })
    try {
      prepare(db, this.#schema)
    } catch (error) {
      db.close()
      throw error
    }
    this.#generation += 1
    this.#open = { db, inode: inodeOf(this.path) ?? 0n, statements: new Map() }
    return this.#open
  }

  #setAside(error: unknown): void {
    this.close()
    const aside = `${this.path}.broken`
    this.#log('error', `Index ${this.path} is broken (${messageOf(error)}): moved to ${aside}, made anew`)
    if (existsSync(this.path)) renameSync(this.path, aside)
    for (const part of ['-wal', '-shm']) rmSync(this.path + part, { force: true })
  }
}

function prepare(db: DatabaseSync, { version, tables, isCache }: FileSchema): void {
  // NORMAL: a power cut may undo the last changes, never break the file. The cache: sessions are many, and mostly idle.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512')
  const found = versionOf(db)
  if (found === version) return
  if (!isCache && found !== 0) throw new Error(`it has version ${String(found)}, this program writes ${version}`)
  db.exec('BEGIN IMMEDIATE')
  // Another process may have been faster.
  if (versionOf(db) !== version) {
    for (const name of tablesOf(db)) db.exec(`DROP TABLE "${name}"`)
    db.exec(tables)
  }
  db.exec('COMMIT')
}

function versionOf(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA user_version').get()?.['user_version']
}

function tablesOf(db: DatabaseSync): readonly string[] {
  return db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all()
    .map(({ name }) => String(name))
}

/** Readable by those who may read the mail beside it. */
function makeFile(path: string): void {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', statSync(directory).mode & 0o666))
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}

function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return BROKEN.has((Reflect.get(error, 'errcode') as number) & 0xff) || /no such (table|column)/.test(error.message)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
