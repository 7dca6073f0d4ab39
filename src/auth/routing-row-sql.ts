// Rows of a SQL passdb: found with password_query, changed with postern_move_query.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfigFiles } from '../config/config.ts'
import { ExpandError, type Template, type VariableLookup } from '../config/expand.ts'
import { compileLate } from './field-template.ts'
import type { AuthNeeds } from './needs.ts'
import type { AuthRequest } from './request.ts'
import { type RouteChange, type RoutingRow, RoutingRowError, type RowRoute, type RowSource } from './routing-row.ts'
import { type SqlClient, SqlError, type SqlResult } from './sql/client.ts'
import { SqlConnections, type SqlDatabase } from './sql/connections.ts'

const LIMITS = {
  /** Servers that follow another see a change within this time, or the move fails. */
  seenMs: 5_000,
  lookAgainMs: 200,
} as const

/** The database of one ext file. */
export class SqlRows implements RowSource {
  readonly #connections: SqlConnections
  readonly #path: string
  readonly #database: SqlDatabase
  readonly #moveQuery: Template
  #writer: SqlClient | undefined

  /** Throws DatabaseConfigError. */
  constructor(path: string, files: ConfigFiles, needs: AuthNeeds) {
    const log = needs.observer.log.bind(needs.observer)
    this.#connections = new SqlConnections(
      files,
      { clock: needs.clock, log: (level, text) => log(level, 'auth', text) },
      () => undefined,
    )
    this.#path = path
    this.#database = this.#connections.open(path, 'passdb')
    this.#moveQuery = compileLate(this.#database.settings.postern_move_query)
  }

  async find({ lookup }: AuthRequest, signal: AbortSignal): Promise<RoutingRow | undefined> {
    const current = await this.#read(lookup, signal)
    if (current === undefined) return undefined
    if (this.#database.settings.postern_move_query === '') {
      throw new RoutingRowError(`${this.#path} has no postern_move_query, which says how to change a row`)
    }
    return new SqlRow(this.#path, current, {
      read: async (within) => await this.#read(lookup, within),
      write: async (variables, within) => await this.#write(withRoute(lookup, variables), within),
      show: (variables) => this.#moveQuery.expand(withRoute(lookup, variables), (text) => text.replaceAll("'", "''")),
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#connections.close(), this.#writer?.close()])
  }

  async #read(lookup: VariableLookup, signal: AbortSignal): Promise<RowRoute | undefined> {
    const { client, passwordQuery } = this.#database
    const result = await run(client, passwordQuery, lookup, 2, signal)
    if (result.rows.length > 1) throw new RoutingRowError('password_query returned multiple matches')
    const host = column(result, 'host')
    return host === undefined || host === '' ? undefined : { host, port: column(result, 'port') }
  }

  async #write(lookup: VariableLookup, signal: AbortSignal): Promise<void> {
    this.#writer ??= this.#connections.openWriter(this.#path)
    await run(this.#writer, this.#moveQuery, lookup, 1, signal)
  }
}

async function run(
  client: SqlClient,
  query: Template,
  lookup: VariableLookup,
  maxRows: number,
  signal: AbortSignal,
): Promise<SqlResult> {
  try {
    return await client.query((escape) => query.expand(lookup, escape), maxRows, signal)
  } catch (error) {
    if (error instanceof SqlError || error instanceof ExpandError) throw new RoutingRowError(error.message)
    throw error
  }
}

function column({ columns, rows }: SqlResult, name: string): string | undefined {
  const at = columns.indexOf(name)
  return at < 0 ? undefined : (rows[0]?.[at] ?? undefined)
}

type Variables = ReadonlyMap<string, string>

function withRoute(lookup: VariableLookup, variables: Variables): VariableLookup {
  return (name) => variables.get(name) ?? lookup(name)
}

interface SqlAccess {
  read(signal: AbortSignal): Promise<RowRoute | undefined>
  write(variables: Variables, signal: AbortSignal): Promise<void>
  show(variables: Variables): string
}

class SqlRow implements RoutingRow {
  readonly place: string
  readonly current: RowRoute
  readonly #access: SqlAccess
  #written: RowRoute | undefined

  constructor(path: string, current: RowRoute, access: SqlAccess) {
    this.place = `sql ${path}`
    this.current = current
    this.#access = access
  }

  describe(change: RouteChange): string {
    try {
      return this.#access.show(this.#variables(change, this.current))
    } catch (error) {
      if (error instanceof ExpandError) throw new RoutingRowError(`postern_move_query: ${error.message}`)
      throw error
    }
  }

  async change(change: RouteChange, signal: AbortSignal): Promise<void> {
    const wanted = { host: change.host, port: change.port ?? this.current.port }
    this.#written = wanted
    await this.#access.write(this.#variables(change, this.current), signal)
    await this.#seen(wanted, signal)
  }

  async restore(signal: AbortSignal): Promise<void> {
    if (this.#written === undefined) return
    await this.#access.write(this.#variables({ ...this.current, delayUntil: '0' }, this.#written), signal)
    await this.#seen(this.current, signal)
  }

  #variables({ host, port, delayUntil }: RouteChange, before: RowRoute): Variables {
    return new Map([
      ['host', host],
      ['port', port ?? this.current.port ?? ''],
      ['delay_until', delayUntil],
      ['old_host', before.host],
      ['old_port', before.port ?? ''],
    ])
  }

  /** What a driver says about changed rows differs; what password_query says is what counts. */
  async #seen(wanted: RowRoute, signal: AbortSignal): Promise<void> {
    const latest = performance.now() + LIMITS.seenMs
    for (;;) {
      const now = await this.#access.read(signal)
      if (now?.host === wanted.host && (now.port ?? '') === (wanted.port ?? '')) return
      if (performance.now() >= latest) {
        const seen = now === undefined ? 'nothing' : `host=${now.host} port=${now.port ?? ''}`
        throw new RoutingRowError(
          `postern_move_query ran, but password_query says ${seen}, not host=${wanted.host} port=${wanted.port ?? ''}`,
        )
      }
      await sleep(LIMITS.lookAgainMs, undefined, { signal })
    }
  }
}
