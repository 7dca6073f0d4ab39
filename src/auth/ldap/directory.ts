// The servers of an ext file as one directory: which of them is asked, and what happens when one fails.
import type { LogLevel } from '../../observe/events.ts'
import type { Clock } from '../needs.ts'
import type { LdapEntry } from './attributes.ts'
import { LDAP_LIMITS, type LdapBind, LdapConnection, LdapError, type LdapSearch } from './connection.ts'
import type { LdapServer } from './server.ts'
import { Turns } from '../turns.ts'

interface Host {
  readonly server: LdapServer
  failedAtMs: number
  /** Why it failed the last time. */
  fault: LdapError
}

export interface DirectoryNeeds {
  readonly clock: Clock
  log(level: LogLevel, text: string): void
}

/** RFC 4511 §4.1.9: the server itself is in trouble; another may not be. */
const UNAVAILABLE = new Set([51, 52])

/** Searches share one connection; binds have connections of their own. Methods reject with LdapError. */
export class Directory {
  readonly #hosts: readonly Host[]
  readonly #bind: LdapBind
  readonly #needs: DirectoryNeeds
  #searching: Promise<LdapConnection> | undefined
  readonly #idle: LdapConnection[] = []
  readonly #open = new Set<LdapConnection>()
  readonly #binds: Turns
  #isDown = false
  #isClosed = false

  constructor(servers: readonly LdapServer[], bind: LdapBind, needs: DirectoryNeeds) {
    this.#hosts = servers.map((server) => ({
      server,
      failedAtMs: Number.NEGATIVE_INFINITY,
      fault: new LdapError("Can't contact LDAP server"),
    }))
    this.#bind = bind
    this.#needs = needs
    this.#binds = new Turns(needs.clock, LDAP_LIMITS.bindConnections, LDAP_LIMITS.waitMs)
  }

  async search(search: LdapSearch): Promise<readonly LdapEntry[]> {
    return await this.#attempt(
      () => this.#searchConnection(),
      (connection) => connection.search(search),
    )
  }

  async *searchAll(search: LdapSearch, signal: AbortSignal): AsyncIterable<LdapEntry> {
    const connection = await this.#connect(this.#bind)
    try {
      yield* connection.searchAll(search, signal)
    } finally {
      this.#drop(connection)
    }
  }

  /** Whether the password is right: binds with it. A wrong one rejects with the server's code. */
  async bind(dn: string, password: string): Promise<void> {
    const attempt = (): Promise<void> =>
      this.#attempt(
        () => this.#bindConnection(),
        async (connection) => {
          try {
            await connection.bind(dn, password)
          } finally {
            if (connection.isOpen) this.#idle.push(connection)
          }
        },
      )
    await this.#binds.run(attempt, (secs) => new LdapError(`No connection for a bind within ${secs} secs`))
  }

  /** Connects; the log has what goes wrong. */
  async warm(): Promise<void> {
    await this.#searchConnection().catch(() => undefined)
  }

  /** For `doctor`: every server is tried. */
  async check(): Promise<string | undefined> {
    const faults = await Promise.all(
      this.#hosts.map(async ({ server }) => {
        try {
          ;(await LdapConnection.open(server, this.#bind)).destroy()
          return undefined
        } catch (error) {
          return `${server.uri}: ${messageOf(error)}`
        }
      }),
    )
    const found = faults.filter((fault) => fault !== undefined)
    return found.length === 0 ? undefined : found.join('; ')
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#open) connection.destroy()
    this.#open.clear()
  }

  /** Runs an operation; when its connection turns out to be dead, once more on a new one. */
  async #attempt<T>(take: () => Promise<LdapConnection>, run: (connection: LdapConnection) => Promise<T>): Promise<T> {
    for (let isLast = false; ; isLast = true) {
      const connection = await take()
      try {
        return await run(connection)
      } catch (error) {
        if (!(error instanceof LdapError)) throw error
        const isUnavailable = error.code !== undefined && UNAVAILABLE.has(error.code)
        if (error.code !== undefined && !isUnavailable) throw error
        // A connection that was closed says nothing about the next one.
        if (error.isTimeout || isUnavailable) this.#fail(connection.server, error)
        this.#drop(connection)
        // Whoever has waited for a server that hangs does not wait for another.
        if (isLast || error.isTimeout) throw error
      }
    }
  }

  /** The connection that all searches share. The first that needs it makes it. */
  async #searchConnection(): Promise<LdapConnection> {
    const current = this.#searching
    const known = await current?.catch(() => undefined)
    if (known?.isOpen === true) return known
    if (known !== undefined) this.#drop(known)
    if (this.#searching === current) this.#searching = this.#connect(this.#bind)
    return await (this.#searching ?? this.#connect(this.#bind))
  }

  async #bindConnection(): Promise<LdapConnection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isOpen) return idle
      this.#drop(idle)
    }
    return await this.#connect({ kind: 'none' })
  }

  /** The first server that works. Servers that failed of late come last; when all have just failed, none is tried. */
  async #connect(bind: LdapBind): Promise<LdapConnection> {
    const now = this.#needs.clock.now()
    const isAvoided = ({ failedAtMs }: Host): boolean => now - failedAtMs < LDAP_LIMITS.avoidMs
    const order = [...this.#hosts.filter((host) => !isAvoided(host)), ...this.#hosts.filter(isAvoided)]
    for (const host of order) {
      if (this.#isClosed) throw new LdapError('Connection closed')
      if (now - host.failedAtMs < LDAP_LIMITS.retryMs) continue
      try {
        return this.#opened(await LdapConnection.open(host.server, bind))
      } catch (error) {
        this.#fail(host.server, error instanceof LdapError ? error : new LdapError(String(error)))
      }
    }
    // A code would be taken for the answer to a user's bind.
    throw new LdapError(order.map(({ server, fault }) => `${server.uri}: ${fault.message}`).join('; '))
  }

  #opened(connection: LdapConnection): LdapConnection {
    if (this.#isClosed) {
      connection.destroy()
      throw new LdapError('Connection closed')
    }
    this.#open.add(connection)
    if (this.#isDown) this.#needs.log('info', `LDAP: Connected to ${connection.server.uri}`)
    this.#isDown = false
    return connection
  }

  #drop(connection: LdapConnection): void {
    connection.destroy()
    this.#open.delete(connection)
  }

  #fail(server: LdapServer, error: LdapError): void {
    const host = this.#hosts.find((each) => each.server === server)
    if (host !== undefined) Object.assign(host, { failedAtMs: this.#needs.clock.now(), fault: error })
    if (!this.#isDown && !this.#isClosed) this.#needs.log('error', `LDAP: ${server.uri} failed: ${error.message}`)
    this.#isDown = true
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
