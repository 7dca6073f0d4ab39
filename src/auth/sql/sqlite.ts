// SQLite through node:sqlite. Queries run on the event loop: they are short, and never wait for a lock there.
import { statSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import {
  type BuildQuery,
  SQL_LIMITS,
  type SqlClient,
  type SqlDriver,
  SqlError,
  type SqlNeeds,
  type SqlResult,
} from './client.ts'
import type { Soon } from '../../util/soon.ts'

/** Pauses before a locked database is asked again: short at first, a writer is usually done at once. */
const LOCKED_PAUSE_MS = 5
const LOCKED_PAUSE_MAX_MS = 100
/** A file that was replaced is noticed at most this late. */
const LOOK_AGAIN_MS = 1_000
/** Result codes of SQLite: SQLITE_BUSY, SQLITE_LOCKED. */
const BUSY = 5
const LOCKED = 6

export const sqliteDriver = {
  name: 'sqlite',
  open(connect, needs) {
    // Newer Dovecot lets options follow the path.
    const [path = '', ...options] = connect.split(' ').filter((word) => word !== '')
    return new SqliteClient(options.every((option) => option.includes('=')) ? path : connect, needs)
  },
} as const satisfies SqlDriver

class SqliteClient implements SqlClient {
  readonly #path: string
  readonly #needs: SqlNeeds
  #database: DatabaseSync | undefined
  #file = ''
  #lookedAtMs = 0

  constructor(path: string, needs: SqlNeeds) {
    this.#path = path
    this.#needs = needs
  }

  query(build: BuildQuery, maxRows: number, signal: AbortSignal): Soon<SqlResult> {
    const sql = build(escapeText)
    const result = this.#run(sql, maxRows)
    return result === 'locked' ? this.#runUnlocked(sql, maxRows, signal) : result
  }

  /** Asks until whoever writes is done. */
  async #runUnlocked(sql: string, maxRows: number, signal: AbortSignal): Promise<SqlResult> {
    const giveUpAt = this.#needs.clock.now() + SQL_LIMITS.waitMs
    for (let pauseMs = LOCKED_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LOCKED_PAUSE_MAX_MS)) {
      if (this.#needs.clock.now() >= giveUpAt || signal.aborted) throw new SqlError('database is locked')
      await new Promise<void>((resolve) => this.#needs.clock.timer(pauseMs, resolve))
      const result = this.#run(sql, maxRows)
      if (result !== 'locked') return result
    }
  }

  warm(): Promise<void> {
    try {
      this.#open()
    } catch (error) {
      this.#needs.log('error', `sqlite: open(${this.#path}) failed: ${messageOf(error)}`)
    }
    return Promise.resolve()
  }

  async check(signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.query(() => 'SELECT 1', 1, signal)
      return undefined
    } catch (error) {
      return `sqlite(${this.#path}): ${messageOf(error)}`
    }
  }

  close(): Promise<void> {
    this.#database?.close()
    this.#database = undefined
    return Promise.resolve()
  }

  #run(sql: string, maxRows: number): SqlResult | 'locked' {
    try {
      const statement = this.#open().prepare(sql)
      const columns = statement.columns().map(({ name }) => name)
      statement.setReturnArrays(true)
      statement.setReadBigInts(true)
      return { columns, rows: firstRows(statement, maxRows) }
    } catch (error) {
      const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
      if (code === BUSY || code === LOCKED) return 'locked'
      throw new SqlError(messageOf(error))
    }
  }

  #open(): DatabaseSync {
    this.#noticeReplacement()
    this.#database ??= openFile(this.#path, this.#needs.writable === true)
    return this.#database
  }

  /** Another file may have been moved over ours. */
  #noticeReplacement(): void {
    const now = this.#needs.clock.now()
    if (this.#database !== undefined && now - this.#lookedAtMs < LOOK_AGAIN_MS) return
    this.#lookedAtMs = now
    const status = statSync(this.#path, { throwIfNoEntry: false })
    const file = status === undefined ? '' : `${status.dev}:${status.ino}`
    if (this.#database !== undefined && file !== this.#file) {
      this.#database.close()
      this.#database = undefined
    }
    this.#file = file
  }
}

function firstRows(statement: StatementSync, maxRows: number): readonly (string | null)[][] {
  const rows: (string | null)[][] = []
  const iterator = statement.iterate() as Iterator<unknown>
  try {
    for (let step = iterator.next(); step.done !== true && rows.length < maxRows; step = iterator.next()) {
      rows.push((step.value as SQLOutputValue[]).map(asText))
    }
    return rows
  } finally {
    // A statement that ran into a lock would otherwise keep the database locked for writers.
    iterator.return?.()
  }
}

function openFile(path: string, writable: boolean): DatabaseSync {
  const open = (mode: 'ro' | 'rw'): DatabaseSync => {
    const url = pathToFileURL(path)
    url.searchParams.set('mode', mode)
    const database = new DatabaseSync(url, { readOnly: mode === 'ro', timeout: 0, enableForeignKeyConstraints: false })
    // Opening is lazy: a file that is none shows itself here.
    database.prepare('PRAGMA schema_version').get()
    return database
  }
  if (writable) return open('rw')
  try {
    return open('ro')
  } catch (error) {
    // Reading a database in WAL mode may need its index to be made first.
    if (!/readonly|unable to open/.test(messageOf(error))) throw error
    return open('rw')
  }
}

/** As SQLite itself would write the value as text. */
function asText(value: SQLOutputValue): string | null {
  if (value === null) return null
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
}

/** Doubles quotes. SQLite has no other special character inside '...'. */
export function escapeText(value: string): string {
  return value.replaceAll("'", "''")
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
