// MySQL and MariaDB through mysql2, with the connect string of Dovecot's mysql driver.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection, type ConnectionOptions, type SslOptions } from 'mysql2'
import { type BuildQuery, SqlConnectError, type SqlDriver, SqlError, type SqlResult } from './client.ts'
import { parseConnectString } from './connect-string.ts'
import { QUERY_TIMED_OUT, ServerPool, type SqlConnection, type SqlServer } from './server-pool.ts'

/** Options beside `host` and `maxconns`. */
interface MysqlOptions {
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
  readonly tls: MysqlTls | undefined
  readonly optionFile: string | undefined
  readonly optionGroup: string
}

interface MysqlTls {
  readonly ca: string | undefined
  readonly caPath: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly ciphers: string
  readonly verify: boolean
}

export const mysqlDriver = {
  name: 'mysql',
  open(connect, needs) {
    const { hosts, maxConnections, options } = parseConnectString(connect, 'mysql')
    const parsed = parseOptions(options)
    if (hosts.length === 0) throw new SqlConnectError('mysql: No hosts given in connect string')
    return new ServerPool(
      hosts.map((host) => mysqlServer(host, parsed)),
      maxConnections,
      needs,
    )
  },
} as const satisfies SqlDriver

const KEYS: ReadonlySet<string> = new Set([
  'hostaddr',
  'port',
  'user',
  'password',
  'dbname',
  'client_flags',
  'connect_timeout',
  'read_timeout',
  'write_timeout',
  'ssl_ca',
  'ssl_ca_path',
  'ssl_cert',
  'ssl_key',
  'ssl_cipher',
  'ssl_verify_server_cert',
  'option_file',
  'option_group',
])

function parseOptions(options: ReadonlyMap<string, string>): MysqlOptions {
  for (const key of options.keys()) {
    if (!KEYS.has(key)) throw new SqlConnectError(`mysql: Unknown connect string: ${key}`)
  }
  const number = (key: string, fallback: number, text = `Invalid ${key}`): number => {
    const value = options.get(key) ?? String(fallback)
    if (!/^\d{1,9}$/.test(value)) throw new SqlConnectError(`mysql: ${text}: ${value}`)
    return Number(value)
  }
  number('client_flags', 0, 'Invalid client flags')
  const writeTimeout = number('write_timeout', 30)
  const port = number('port', 0, 'Invalid port number')
  if (port > 65_535) throw new SqlConnectError(`mysql: Invalid port number: ${port}`)
  return {
    port,
    user: options.get('user'),
    password: options.get('password'),
    database: options.get('dbname') ?? '',
    connectTimeoutMs: number('connect_timeout', 5) * 1000,
    // A query is one write and one read; whatever is slower counts.
    readTimeoutMs: Math.max(number('read_timeout', 30), Math.min(writeTimeout, number('read_timeout', 30))) * 1000,
    tls: tlsOptions(options),
    optionFile: options.get('option_file'),
    optionGroup: options.get('option_group') ?? 'client',
  }
}

function tlsOptions(options: ReadonlyMap<string, string>): MysqlTls | undefined {
  const verify = options.get('ssl_verify_server_cert') ?? 'yes'
  if (verify !== 'yes' && verify !== 'no') throw new SqlConnectError(`mysql: Invalid boolean: ${verify}`)
  const used = ['ssl_ca', 'ssl_ca_path', 'ssl_cert', 'ssl_key'].some((key) => options.has(key))
  if (!used) return undefined
  return {
    ca: options.get('ssl_ca'),
    caPath: options.get('ssl_ca_path'),
    cert: options.get('ssl_cert'),
    key: options.get('ssl_key'),
    ciphers: options.get('ssl_cipher') ?? 'HIGH',
    verify: verify === 'yes',
  }
}

function mysqlServer(host: string, options: MysqlOptions): SqlServer {
  return {
    label: `mysql(${host})`,
    database: options.database,
    connect: () => connect(host, options),
  }
}

async function connect(host: string, options: MysqlOptions): Promise<SqlConnection> {
  const connection = createConnection(connectionOptions(host, options))
  await new Promise<void>((resolve, reject) => {
    connection.once('error', reject)
    connection.connect((error) => {
      connection.removeListener('error', reject)
      if (error === null || error === undefined) resolve()
      else reject(new Error(error.message, { cause: error }))
    })
  }).catch((error: unknown) => {
    connection.on('error', () => undefined)
    connection.destroy()
    throw error
  })
  const open = new MysqlConnection(connection, options.readTimeoutMs)
  await open.learnMode()
  return open
}

function connectionOptions(host: string, options: MysqlOptions): ConnectionOptions {
  const file =
    options.optionFile === undefined
      ? new Map<string, string>()
      : readOptionFile(options.optionFile, options.optionGroup)
  const user = options.user ?? file.get('user')
  const password = options.password ?? file.get('password')
  const port = options.port === 0 ? Number(file.get('port') ?? 3306) : options.port
  const socketPath = socketFor(host, file.get('socket'))
  return {
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(options.database !== '' && { database: options.database }),
    ...(options.tls !== undefined && { ssl: readTls(options.tls) }),
    connectTimeout: options.connectTimeoutMs === 0 ? 24 * 3_600_000 : options.connectTimeoutMs,
    charset: 'utf8mb4',
    rowsAsArray: true,
    multipleStatements: false,
    enableKeepAlive: true,
    trace: false,
    // A server must not be able to ask for our files.
    flags: ['-LOCAL_FILES'],
  }
}

const SOCKETS = [
  '/run/mysqld/mysqld.sock',
  '/var/run/mysqld/mysqld.sock',
  '/var/lib/mysql/mysql.sock',
  '/tmp/mysql.sock',
]

/** As for the C library, `localhost` means the UNIX socket, where there is one. */
function socketFor(host: string, configured: string | undefined): string | undefined {
  if (host.startsWith('/')) return host
  if (host !== 'localhost' && host !== '') return undefined
  return configured ?? SOCKETS.find((path) => existsSync(path))
}

function readTls(tls: MysqlTls): SslOptions {
  const authorities = [
    ...(tls.ca === undefined ? [] : [readFileSync(tls.ca, 'utf8')]),
    ...(tls.caPath === undefined ? [] : readdirSync(tls.caPath).map((name) => readPem(join(tls.caPath ?? '', name)))),
  ]
  return {
    ...(authorities.length > 0 && { ca: authorities }),
    ...(tls.cert !== undefined && { cert: readFileSync(tls.cert, 'utf8') }),
    ...(tls.key !== undefined && { key: readFileSync(tls.key, 'utf8') }),
    ciphers: tls.ciphers,
    rejectUnauthorized: tls.verify,
    verifyIdentity: tls.verify,
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Directories of authorities hold links that lead nowhere.
    return ''
  }
}

/** The options of one group of a my.cnf. */
function readOptionFile(path: string, group: string): Map<string, string> {
  const options = new Map<string, string>()
  let current = ''
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const [, header] = /^\s*\[([^\]]+)\]/.exec(line) ?? []
    current = header ?? current
    const [, key = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (current === group && key !== '') options.set(key, value.replace(/^(["'])(.*)\1$/, '$2'))
  }
  return options
}

class MysqlConnection implements SqlConnection {
  readonly #connection: Connection
  readonly #timeoutMs: number
  #noBackslashEscapes = false
  #isBusy = false
  #lost: Error | undefined
  #listener: ((error: Error | undefined) => void) | undefined

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    connection.on('error', (error: Error) => this.#end(error))
    connection.on('end', () => this.#end(undefined))
  }

  /** How text is escaped depends on the session's sql_mode. */
  async learnMode(): Promise<void> {
    const { rows } = await this.query(() => 'SELECT @@SESSION.sql_mode', 1)
    this.#noBackslashEscapes = (rows[0]?.[0] ?? '').includes('NO_BACKSLASH_ESCAPES')
  }

  async query(build: BuildQuery, maxRows: number): Promise<SqlResult> {
    const escape = this.#noBackslashEscapes ? doubleQuotes : escapeText
    const sql = build(escape)
    if (this.#noBackslashEscapes) refuseDoubleQuotes(build)
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
      let columns: readonly string[] = []
      const rows: (readonly (string | null)[])[] = []
      const timer = setTimeout(
        () => settle(new SqlError(`${QUERY_TIMED_OUT} (${this.#timeoutMs / 1000} secs)`, true)),
        this.#timeoutMs,
      )
      const settle = (error: Error | undefined): void => {
        clearTimeout(timer)
        this.#connection.removeListener('end', ended)
        if (error === undefined) resolve({ columns, rows })
        else reject(error)
      }
      const ended = (): void => settle(new SqlError('Connection lost', true))
      this.#connection.once('end', ended)
      // Without typeCast the values come as the bytes of the text protocol.
      const query = this.#connection.query({ sql, rowsAsArray: true, typeCast: false })
      query.on('error', (error: Error & { fatal?: boolean; code?: string }) => {
        settle(new SqlError(error.message, error.fatal === true || isLost(error.code)))
      })
      query.on('fields', (fields: readonly { readonly name: string }[] | undefined) => {
        columns = fields?.map(({ name }) => name) ?? []
      })
      query.on('result', (row: unknown) => {
        if (Array.isArray(row) && rows.length < maxRows) rows.push(row.map(asText))
      })
      query.on('end', () => settle(undefined))
    })
  }

  onLost(listener: (error: Error | undefined) => void): void {
    this.#listener = listener
    if (this.#lost !== undefined) listener(this.#lost)
  }

  destroy(): void {
    this.#connection.destroy()
  }

  #end(error: Error | undefined): void {
    if (this.#lost !== undefined) return
    this.#lost = error ?? new Error('Connection closed by the server')
    if (!this.#isBusy) this.#listener?.(this.#lost)
  }
}

function asText(value: unknown): string | null {
  return Buffer.isBuffer(value) ? value.toString('utf8') : null
}

/** Errors after which the connection is of no more use: server shut down, killed, gone. */
function isLost(code: string | undefined): boolean {
  return (
    code !== undefined &&
    /^(PROTOCOL_|ECONN|EPIPE|ETIMEDOUT|ER_SERVER_SHUTDOWN|ER_CONNECTION_KILLED|ER_NORMAL_SHUTDOWN|CLIENT_INTERACTION_TIMEOUT)/.test(
      code,
    )
  )
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\0', '\\0'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\u001a', '\\Z'],
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
])

/** As mysql_real_escape_string. */
export function escapeText(value: string): string {
  return value.replace(/[\0\n\r\u001a\\'"]/g, (char) => ESCAPES.get(char) ?? char)
}

/** As mysql_real_escape_string with NO_BACKSLASH_ESCAPES. */
export function doubleQuotes(value: string): string {
  return value.replaceAll("'", "''")
}

/** In that mode a `"` inside "..." cannot be escaped without knowing that it stands there: such values are not let in. */
function refuseDoubleQuotes(build: BuildQuery): void {
  let hasDoubleQuote = false
  const template = build((value) => {
    hasDoubleQuote ||= value.includes('"')
    return ''
  })
  if (hasDoubleQuote && template.includes('"')) {
    throw new SqlError('A value with a double quote cannot be used in this query (sql_mode has NO_BACKSLASH_ESCAPES)')
  }
}
