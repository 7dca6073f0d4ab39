// PostgreSQL through pg, with the connection options of libpq.
import { existsSync, readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type BuildQuery, type SqlDriver, SqlError, type SqlResult } from './client.ts'
import { parseConnectString } from './connect-string.ts'
import { QUERY_TIMED_OUT, ServerPool, type SqlConnection, type SqlServer } from './server-pool.ts'

/** Dovecot gives up connecting after this long, and libpq's own default is never. */
const CONNECT_TIMEOUT_SECS = 5
const QUERY_TIMEOUT_MS = 30_000
const DEFAULT_PORT = 5432

const KEYS: ReadonlySet<string> = new Set([
  'hostaddr',
  'port',
  'dbname',
  'user',
  'password',
  'passfile',
  'connect_timeout',
  'client_encoding',
  'options',
  'application_name',
  'fallback_application_name',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'sslmode',
  'sslcompression',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslrootcert',
  'sslcrl',
  'sslsni',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'channel_binding',
  'gssencmode',
  'krbsrvname',
  'gsslib',
  'target_session_attrs',
  'require_auth',
])

export const pgsqlDriver = {
  name: 'pgsql',
  open(connect, needs) {
    const { hosts, maxConnections, options } = parseConnectString(connect, 'pgsql')
    // Without a host libpq takes the UNIX socket.
    const servers = (hosts.length === 0 ? [''] : hosts).map((host) => pgsqlServer(host, options))
    return new ServerPool(servers, maxConnections, needs)
  },
} as const satisfies SqlDriver

type Options = ReadonlyMap<string, string>

function pgsqlServer(host: string, options: Options): SqlServer {
  return {
    label: `pgsql(${host})`,
    database: options.get('dbname') ?? options.get('user') ?? '',
    connect: () => connect(host, options),
  }
}

type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
const TLS_MODES: ReadonlySet<string> = new Set<TlsMode>([
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
])

async function connect(host: string, options: Options): Promise<SqlConnection> {
  for (const key of options.keys()) {
    if (!KEYS.has(key)) throw new Error(`invalid connection option "${key}"`)
  }
  const mode = options.get('sslmode') ?? 'prefer'
  if (!TLS_MODES.has(mode)) throw new Error(`invalid sslmode value: "${mode}"`)
  const isSocket = host === '' || host.startsWith('/')
  if (isSocket || mode === 'disable' || mode === 'allow') return await connectWith(host, options, undefined)
  try {
    return await connectWith(host, options, tlsOptions(host, options, mode))
  } catch (error) {
    const refused = error instanceof Error && /does not support SSL/.test(error.message)
    if (mode !== 'prefer' || !refused) throw error
    return await connectWith(host, options, undefined)
  }
}

type PgTls = Exclude<pg.ClientConfig['ssl'], boolean | undefined>

function tlsOptions(host: string, options: Options, mode: string): PgTls {
  const read = (key: string): string | undefined => {
    const path = options.get(key)
    return path === undefined ? undefined : readFileSync(path, 'utf8')
  }
  const rootPath = join(homedir(), '.postgresql', 'root.crt')
  const ca =
    options.get('sslrootcert') === 'system'
      ? undefined
      : (read('sslrootcert') ?? (existsSync(rootPath) ? readFileSync(rootPath, 'utf8') : undefined))
  const cert = read('sslcert')
  const key = read('sslkey')
  // With a root certificate `require` checks the chain too, as in libpq.
  const verifies = mode.startsWith('verify-') || (mode === 'require' && ca !== undefined)
  return {
    rejectUnauthorized: verifies,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
  }
}

async function connectWith(host: string, options: Options, ssl: PgTls | undefined): Promise<SqlConnection> {
  const client = new pg.Client(clientConfig(host, options, ssl))
  // A client without a listener turns a lost connection into a crash.
  const ignore = (): void => undefined
  client.on('error', ignore)
  try {
    await client.connect()
  } catch (error) {
    void client.end().catch(ignore)
    throw error
  }
  const connection = new PgsqlConnection(client)
  await connection.learnMode()
  return connection
}

function clientConfig(host: string, options: Options, ssl: PgTls | undefined): pg.ClientConfig {
  const user = options.get('user') ?? userInfo().username
  const password = options.get('password')
  const timeoutSecs = Number(options.get('connect_timeout') ?? CONNECT_TIMEOUT_SECS) || CONNECT_TIMEOUT_SECS
  const extra = options.get('options')
  return {
    host: options.get('hostaddr') ?? (host === '' ? '/var/run/postgresql' : host),
    port: Number(options.get('port') ?? DEFAULT_PORT),
    database: options.get('dbname') ?? user,
    user,
    // Not from the environment of whoever started the server.
    password: password ?? '',
    ssl: ssl ?? false,
    connectionTimeoutMillis: timeoutSecs * 1000,
    application_name: options.get('application_name') ?? options.get('fallback_application_name') ?? 'postern',
    ...(extra !== undefined && { options: extra }),
    keepAlive: options.get('keepalives') !== '0',
    client_encoding: 'UTF8',
    // Every value as the text that the server sent.
    types: { getTypeParser: () => keepText },
  }
}

function keepText(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('utf8')
}

class PgsqlConnection implements SqlConnection {
  readonly #client: pg.Client
  #doublesBackslashes = false
  #isBusy = false
  #lost: Error | undefined
  #listener: ((error: Error | undefined) => void) | undefined

  constructor(client: pg.Client) {
    this.#client = client
    client.on('error', (error: Error) => this.#end(error))
    client.on('end', () => this.#end(undefined))
  }

  async learnMode(): Promise<void> {
    const { rows } = await this.query(() => 'SHOW standard_conforming_strings', 1)
    this.#doublesBackslashes = rows[0]?.[0] === 'off'
  }

  async query(build: BuildQuery, maxRows: number): Promise<SqlResult> {
    const sql = build(this.#doublesBackslashes ? escapeWithBackslashes : escapeText)
    if (this.#lost !== undefined) throw new SqlError(this.#lost.message, true)
    this.#isBusy = true
    try {
      return await this.#run(sql, maxRows)
    } finally {
      this.#isBusy = false
    }
  }

  #run(sql: string, maxRows: number): Promise<SqlResult> {
    return new Promise((resolve, reject) => {
      const rows: (readonly (string | null)[])[] = []
      const timer = setTimeout(
        () => settle(new SqlError(`${QUERY_TIMED_OUT} (${QUERY_TIMEOUT_MS / 1000} secs)`, true)),
        QUERY_TIMEOUT_MS,
      )
      const settle = (outcome: SqlError | SqlResult): void => {
        clearTimeout(timer)
        this.#client.removeListener('end', ended)
        if (outcome instanceof SqlError) reject(outcome)
        else resolve(outcome)
      }
      const ended = (): void => settle(new SqlError('Connection lost', true))
      this.#client.once('end', ended)
      const query = new pg.Query<(string | null)[]>({ text: sql, rowMode: 'array' } as pg.QueryConfig)
      query.on('row', (row: (string | null)[]) => {
        if (rows.length < maxRows) rows.push(row)
      })
      query.on('error', (error: Error & { code?: string; severity?: string }) =>
        settle(new SqlError(error.message, isLost(error))),
      )
      query.on('end', (result) => settle({ columns: result.fields.map(({ name }) => name), rows }))
      this.#client.query(query)
    })
  }

  onLost(listener: (error: Error | undefined) => void): void {
    this.#listener = listener
    if (this.#lost !== undefined) listener(this.#lost)
  }

  destroy(): void {
    // A polite goodbye would wait behind a query that hangs.
    this.#client.connection.stream.destroy()
  }

  #end(error: Error | undefined): void {
    if (this.#lost !== undefined) return
    this.#lost = error ?? new Error('Connection closed by the server')
    if (!this.#isBusy) this.#listener?.(this.#lost)
  }
}

/** Not an answer of the server, or one that ends the connection: class 57P is shutdown and kill, 08 connection trouble. */
function isLost(error: { readonly code?: string; readonly severity?: string }): boolean {
  return error.severity === undefined || error.severity === 'FATAL' || /^(57P0|08)/.test(error.code ?? '')
}

/** As PQescapeString: strings mean what they say. */
export function escapeText(value: string): string {
  return withoutNul(value).replaceAll("'", "''")
}

/** As PQescapeString while standard_conforming_strings is off. */
export function escapeWithBackslashes(value: string): string {
  return withoutNul(value).replace(/['\\]/g, '$&$&')
}

/** PostgreSQL text has no NUL, and libpq would end the value there. */
function withoutNul(value: string): string {
  return value.split('\0', 1)[0] ?? ''
}
