import { LiveList } from '../../util/live-list.ts'
import { type BuildQuery, SQL_LIMITS, type SqlClient, SqlError, type SqlNeeds, type SqlResult } from './client.ts'

/** One connection to a server. It takes one query at a time. */
export interface SqlConnection {
  query(build: BuildQuery, maxRows: number): Promise<SqlResult>
  /** Runs once when the connection is over while no query is running. */
  onLost(listener: (error: Error | undefined) => void): void
  destroy(): void
}

/** One of the `host=` of a connect string. */
export interface SqlServer {
  /** `mysql(10.0.0.1)`: how its log lines begin. */
  readonly label: string
  readonly database: string
  connect(): Promise<SqlConnection>
}

interface Waiter {
  readonly take: (host: Host, connection: SqlConnection) => void
  readonly fail: (error: SqlError) => void
}

interface Host {
  readonly server: SqlServer
  readonly connections: Set<SqlConnection>
  readonly idle: SqlConnection[]
  connecting: number
  /** When the last attempt to connect began, and how long to wait until the next when it failed. */
  attemptedAtMs: number
  retryMs: number
  cancelRetry: (() => void) | undefined
}

const NOT_CONNECTED = 'Not connected to database'

/**
 * Spreads queries over the ready connections of several servers, round robin. A server that fails is tried again by itself
 * after 1 s, then 5 s ... up to 30 min; when none is left, each query tries again, at most once a second.
 */
export class ServerPool implements SqlClient {
  readonly #hosts: readonly Host[]
  readonly #needs: SqlNeeds
  readonly #maxConnections: number
  readonly #waiters = new LiveList<Waiter>()
  #next = 0
  #closed = false

  constructor(servers: readonly SqlServer[], maxConnections: number, needs: SqlNeeds) {
    this.#needs = needs
    this.#maxConnections = maxConnections
    this.#hosts = servers.map((server) => ({
      server,
      connections: new Set(),
      idle: [],
      connecting: 0,
      attemptedAtMs: Number.NEGATIVE_INFINITY,
      retryMs: 0,
      cancelRetry: undefined,
    }))
  }

  /** Connects once to every server. */
  async warm(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => this.#connect(host)))
  }

  async query(build: BuildQuery, maxRows: number, signal: AbortSignal): Promise<SqlResult> {
    // A connection may turn out to be dead, and so may the others to the same server.
    for (let attempt = 0; ; attempt++) {
      const { host, connection } = await this.#acquire(signal)
      try {
        const result = await connection.query(build, maxRows)
        this.#release(host, connection)
        return result
      } catch (error) {
        const fault = error instanceof SqlError ? error : new SqlError(messageOf(error), true)
        if (!fault.connectionLost) {
          this.#release(host, connection)
          throw fault
        }
        this.#lose(host, connection, fault)
        if (attempt >= this.#hosts.length * this.#maxConnections || signal.aborted || isTimeout(fault)) throw fault
      }
    }
  }

  async check(signal: AbortSignal): Promise<string | undefined> {
    const faults = await Promise.all(
      this.#hosts.map(async ({ server }) => {
        try {
          ;(await server.connect()).destroy()
          return undefined
        } catch (error) {
          return `${server.label}: ${messageOf(error)}`
        }
      }),
    )
    signal.throwIfAborted()
    const found = faults.filter((fault) => fault !== undefined)
    return found.length === 0 ? undefined : found.join('; ')
  }

  close(): Promise<void> {
    this.#closed = true
    for (const host of this.#hosts) {
      host.cancelRetry?.()
      for (const connection of host.connections) connection.destroy()
      host.connections.clear()
      host.idle.length = 0
    }
    this.#failWaiters(new SqlError(NOT_CONNECTED))
    return Promise.resolve()
  }

  /** A ready connection, now or within the wait limit. */
  #acquire(signal: AbortSignal): Promise<{ host: Host; connection: SqlConnection }> {
    if (signal.aborted) return Promise.reject(new SqlError('Query was cancelled'))
    const ready = this.#takeIdle()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#waiters.size >= SQL_LIMITS.waiting) return Promise.reject(new SqlError('Too many queries are waiting'))
    this.#connectMore()
    if (!this.#mayGetConnection()) return Promise.reject(new SqlError(NOT_CONNECTED))
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.remove(place)
        cancelTimer()
        signal.removeEventListener('abort', aborted)
      }
      const fail = (error: SqlError): void => {
        settle()
        reject(error)
      }
      const aborted = (): void => fail(new SqlError('Query was cancelled'))
      const place = this.#waiters.add({
        fail,
        take: (host, connection) => {
          settle()
          resolve({ host, connection })
        },
      })
      const waited = (): void => fail(new SqlError(`No connection within ${SQL_LIMITS.waitMs / 1000} secs`))
      const cancelTimer = this.#needs.clock.timer(SQL_LIMITS.waitMs, waited)
      signal.addEventListener('abort', aborted)
    })
  }

  #takeIdle(): { host: Host; connection: SqlConnection } | undefined {
    for (let i = 0; i < this.#hosts.length; i++) {
      const host = this.#hosts[(this.#next + i) % this.#hosts.length]
      const connection = host?.idle.pop()
      if (host !== undefined && connection !== undefined) {
        this.#next = (this.#next + i + 1) % this.#hosts.length
        return { host, connection }
      }
    }
    return undefined
  }

  /** Opens one more connection to the server with the fewest, when one may be opened. */
  #connectMore(): void {
    const now = this.#needs.clock.now()
    const anyUp = this.#hosts.some((host) => host.connections.size > 0)
    const candidates = this.#hosts.filter((host) => {
      const pauseMs = anyUp ? host.retryMs : Math.min(host.retryMs, SQL_LIMITS.firstRetryMs)
      const isFree = host.connections.size + host.connecting < this.#maxConnections
      return isFree && (host.retryMs === 0 || now - host.attemptedAtMs >= pauseMs)
    })
    // Nothing works: try all servers at once, and take the first that answers.
    if (!anyUp) for (const host of candidates) if (host.connecting === 0) void this.#connect(host)
    const [first] = candidates.sort((a, b) => a.connections.size + a.connecting - b.connections.size - b.connecting)
    if (anyUp && first !== undefined) void this.#connect(first)
  }

  #mayGetConnection(): boolean {
    return this.#hosts.some((host) => host.connections.size > 0 || host.connecting > 0)
  }

  async #connect(host: Host): Promise<void> {
    if (this.#closed) return
    host.connecting += 1
    host.attemptedAtMs = this.#needs.clock.now()
    host.cancelRetry?.()
    host.cancelRetry = undefined
    try {
      const connection = await host.server.connect()
      host.connecting -= 1
      this.#connected(host, connection)
    } catch (error) {
      host.connecting -= 1
      this.#connectFailed(host, messageOf(error))
    }
  }

  #connected(host: Host, connection: SqlConnection): void {
    if (this.#closed) {
      connection.destroy()
      return
    }
    host.retryMs = 0
    host.connections.add(connection)
    connection.onLost((error) => this.#lose(host, connection, error))
    this.#needs.log('debug', `${host.server.label}: Connected to database ${host.server.database}`)
    this.#release(host, connection)
  }

  #connectFailed(host: Host, error: string): void {
    if (this.#closed) return
    const next = host.retryMs === 0 ? SQL_LIMITS.firstRetryMs : host.retryMs * SQL_LIMITS.retryFactor
    host.retryMs = Math.min(next, SQL_LIMITS.lastRetryMs)
    const { label, database } = host.server
    const wait = `waiting for ${host.retryMs / 1000} seconds before retry`
    this.#needs.log('error', `${label}: Connect failed to database (${database}): ${error} - ${wait}`)
    this.#scheduleRetry(host)
    if (!this.#mayGetConnection()) this.#failWaiters(new SqlError(NOT_CONNECTED))
  }

  #scheduleRetry(host: Host): void {
    host.cancelRetry?.()
    host.cancelRetry = this.#needs.clock.timer(host.retryMs, () => {
      host.cancelRetry = undefined
      if (host.connections.size === 0 && host.connecting === 0) void this.#connect(host)
    })
  }

  #release(host: Host, connection: SqlConnection): void {
    if (this.#closed || !host.connections.has(connection)) return
    const waiter = this.#waiters.oldest
    if (waiter === undefined) host.idle.push(connection)
    else waiter.take(host, connection)
  }

  /** A connection is over. The last one to a server is replaced at once. */
  #lose(host: Host, connection: SqlConnection, error: Error | undefined): void {
    if (!host.connections.delete(connection)) return
    const at = host.idle.indexOf(connection)
    if (at >= 0) host.idle.splice(at, 1)
    connection.destroy()
    if (this.#closed) return
    const { label } = host.server
    this.#needs.log('warning', `${label}: Connection lost${error === undefined ? '' : `: ${messageOf(error)}`}`)
    if (host.connections.size === 0 && host.connecting === 0 && host.retryMs === 0) void this.#connect(host)
    else if (this.#waiters.size > 0) this.#connectMore()
  }

  #failWaiters(error: SqlError): void {
    for (const waiter of this.#waiters.all()) waiter.fail(error)
  }
}

/** The query was too slow: trying it elsewhere would double the load. */
export const QUERY_TIMED_OUT = 'Query timed out'

function isTimeout(error: SqlError): boolean {
  return error.message.startsWith(QUERY_TIMED_OUT)
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
