import type { LogLevel } from '../../observe/events.ts'
import type { Soon } from '../../util/soon.ts'
import type { Clock } from '../needs.ts'

/** The first rows of an answer: every value is the text the database has for it, or null. */
export interface SqlResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Makes a query for a connection: how its variables are escaped depends on the server. */
export type BuildQuery = (escape: (value: string) => string) => string

/** The part of a database that passdb and userdb use. */
export interface SqlClient {
  /** At most `maxRows` rows: at once where the database is in this process. Throws or rejects with SqlError, for any reason at all. */
  query(build: BuildQuery, maxRows: number, signal: AbortSignal): Soon<SqlResult>
  /** Begins to connect; faults go to the log. */
  warm(): Promise<void>
  /** For `doctor`: connects to every server; resolves with what is wrong. */
  check(signal: AbortSignal): Promise<string | undefined>
  close(): Promise<void>
}

export interface SqlNeeds {
  readonly clock: Clock
  /** Queries may change something; SQLite opens its file for that. */
  readonly writable?: boolean
  log(level: LogLevel, text: string): void
}

/** A kind of database. `open` throws SqlConnectError for a connect string that makes no sense. */
export interface SqlDriver {
  readonly name: string
  open(connect: string, needs: SqlNeeds): SqlClient
}

/** The connect string makes no sense; `message` is Dovecot's. */
export class SqlConnectError extends Error {
  override readonly name = 'SqlConnectError'
}

/** A query failed; `message` is the database's. `connectionLost`: it may work on another connection. */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly connectionLost: boolean

  constructor(message: string, connectionLost = false) {
    super(message)
    this.connectionLost = connectionLost
  }
}

export const SQL_LIMITS = {
  /** Dovecot: a query waits this long for a connection that can take it. */
  waitMs: 6_000,
  /** Queries that wait for a connection; more fail at once. */
  waiting: 5_000,
  /** Connections to each server, unless `maxconns` says otherwise. */
  maxConnections: 5,
  /** Dovecot: pause before connecting again, five times longer after each failure. */
  firstRetryMs: 1_000,
  retryFactor: 5,
  lastRetryMs: 30 * 60_000,
  /** Rows of an iteration. */
  iterateRows: 10_000_000,
} as const
