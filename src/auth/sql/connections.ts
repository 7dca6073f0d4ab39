import type { Complaint, ConfigFiles } from '../../config/config.ts'
import type { Template } from '../../config/expand.ts'
import { compileLate } from '../field-template.ts'
import { DatabaseConfigError } from '../passdb/passdb.ts'
import { type SqlClient, SqlConnectError, type SqlDriver, type SqlNeeds } from './client.ts'
import { mysqlDriver } from './mysql.ts'
import { pgsqlDriver } from './pgsql.ts'
import { readSqlSettings, type SqlSettings } from './settings.ts'
import { sqliteDriver } from './sqlite.ts'

const sqlDrivers: readonly SqlDriver[] = [mysqlDriver, pgsqlDriver, sqliteDriver]

/** One ext file: its settings, its compiled queries, its connections. */
export interface SqlDatabase {
  readonly settings: SqlSettings
  readonly passwordQuery: Template
  readonly userQuery: Template
  readonly iterateQuery: Template
  readonly client: SqlClient
}

/** Opens ext files; the same file is opened once, whoever uses it. */
export class SqlConnections {
  readonly #files: ConfigFiles
  readonly #needs: SqlNeeds
  readonly #complain: (complaint: Complaint) => void
  readonly #databases = new Map<string, SqlDatabase>()
  readonly #usedByUserdb = new Set<string>()

  constructor(files: ConfigFiles, needs: SqlNeeds, complain: (complaint: Complaint) => void) {
    this.#files = files
    this.#needs = needs
    this.#complain = complain
  }

  /** Throws DatabaseConfigError. */
  open(path: string, user: 'passdb' | 'userdb'): SqlDatabase {
    if (user === 'userdb') this.#usedByUserdb.add(path)
    let database = this.#databases.get(path)
    if (database === undefined) {
      database = this.#open(path)
      this.#databases.set(path, database)
    }
    return database
  }

  /** Opens what `postern_move_query` runs on; the caller closes it. Throws DatabaseConfigError. */
  openWriter(path: string): SqlClient {
    const { settings } = this.open(path, 'passdb')
    const { postern_move_connect, connect } = settings
    const needs = { ...this.#needs, writable: true }
    return openClient(driverOf(settings), postern_move_connect === '' ? connect : postern_move_connect, needs)
  }

  /** Dovecot warns about queries that are set and never run. */
  warnings(): readonly string[] {
    return [...this.#databases.values()]
      .filter(
        ({ settings }) =>
          settings.changed.has('user_query') &&
          !settings.userdb_warning_disable &&
          !this.#usedByUserdb.has(settings.path),
      )
      .map(
        ({ settings }) =>
          `sql: Ignoring changed user_query in ${settings.path}, because userdb sql not used. (If this is intentional, set userdb_warning_disable=yes)`,
      )
  }

  async warm(): Promise<void> {
    await Promise.all([...this.#databases.values()].map(({ client }) => client.warm()))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#databases.values()].map(({ client }) => client.close()))
  }

  #open(path: string): SqlDatabase {
    const settings = readSqlSettings(path, this.#files, this.#complain)
    const driver = driverOf(settings)
    return {
      settings,
      passwordQuery: compileLate(settings.password_query),
      userQuery: compileLate(settings.user_query),
      iterateQuery: compileLate(settings.iterate_query),
      client: openClient(driver, settings.connect, this.#needs),
    }
  }
}

function driverOf(settings: SqlSettings): SqlDriver {
  const driver = sqlDrivers.find(({ name }) => name === settings.driver)
  if (driver === undefined) throw new DatabaseConfigError(`sql: Unknown database driver '${settings.driver}'`)
  return driver
}

function openClient(driver: SqlDriver, connect: string, needs: SqlNeeds): SqlClient {
  try {
    return driver.open(connect, needs)
  } catch (error) {
    if (error instanceof SqlConnectError)
      throw new DatabaseConfigError(`sqlpool: ${error.message.replace(/^\w+: /, '')}`)
    throw error
  }
}
