// One LDAP connection (RFC 4511), by ldapts: connected once, never again by itself.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Client, Entry, SearchOptions } from 'ldapts'
import { faultText } from '../../net/fault-text.ts'
import { assertNever } from '../../util/assert-never.ts'
import type { Secret } from '../../util/secret.ts'
import type { LdapEntry } from './attributes.ts'
import type { LdapServer } from './server.ts'

export const LDAP_LIMITS = {
  /** A server has this long to accept a connection, TLS and the first bind. */
  connectMs: 5_000,
  /** A search or bind that has no answer by then has failed, and so has the connection. */
  operationMs: 10_000,
  /** Connections for `auth_bind`; each takes one bind at a time. */
  bindConnections: 8,
  /** A bind waits this long for one of them. */
  waitMs: 6_000,
  /** A server that failed is tried after the others for this long, and again at all after the shorter time. */
  avoidMs: 30_000,
  retryMs: 1_000,
  /** Entries in one page of an iteration. */
  pageEntries: 500,
} as const

/** Something about a connection went wrong, or an answer was no success. `message` is for the log. */
export class LdapError extends Error {
  override readonly name = 'LdapError'
  /** The result code of RFC 4511 §4.1.9; `undefined`: no answer came. */
  readonly code: number | undefined
  readonly isTimeout: boolean

  constructor(message: string, code?: number, isTimeout = false) {
    super(message)
    this.code = code
    this.isTimeout = isTimeout
  }
}

/** How a connection binds when it is opened. */
export type LdapBind =
  | { readonly kind: 'simple'; readonly dn: string; readonly password: Secret }
  | { readonly kind: 'sasl'; readonly mechanism: string; readonly response: Secret }
  | { readonly kind: 'none' }

export interface LdapSearch {
  readonly base: string
  readonly scope: 'sub' | 'one' | 'base'
  /** As ldapts wants it. */
  readonly filter: string
  readonly attributes: readonly string[]
}

export class LdapConnection {
  readonly server: LdapServer
  readonly #client: Client
  readonly #socket: Socket

  private constructor(server: LdapServer, client: Client, socket: Socket) {
    this.server = server
    this.#client = client
    this.#socket = socket
  }

  /** Connects, TLS and bind included. Rejects with LdapError. */
  static async open(server: LdapServer, bind: LdapBind): Promise<LdapConnection> {
    const socket = connectTo(server)
    const deadline = withDeadline(LDAP_LIMITS.connectMs)
    try {
      return await Promise.race([deadline.passed, LdapConnection.#begin(server, socket, bind)])
    } catch (error) {
      socket.destroy()
      throw asLdapError(error)
    } finally {
      deadline.cancel()
    }
  }

  static async #begin(server: LdapServer, socket: Socket, bind: LdapBind): Promise<LdapConnection> {
    await once(socket, server.security === 'tls' ? 'secureConnect' : 'connect')
    const { Client: LdapClient } = await import('ldapts')
    let isTaken = false
    const client = new LdapClient({
      url: 'ldap://localhost',
      timeout: LDAP_LIMITS.operationMs,
      createConnection: (() => {
        // A client that lost its connection would make another one, without TLS and bind.
        if (isTaken) throw new LdapError('Connection lost')
        isTaken = true
        return socket
      }) as typeof connect,
    })
    if (server.security === 'starttls') await client.startTLS({ ...server.tls })
    const connection = new LdapConnection(server, client, socket)
    await connection.#bindAs(bind)
    return connection
  }

  async #bindAs(bind: LdapBind): Promise<void> {
    switch (bind.kind) {
      case 'none':
        return
      case 'simple':
        return await this.#client.bind(bind.dn, bind.password.reveal().toString('utf8'))
      case 'sasl':
        return await this.#client.bindSASL(bind.mechanism, bind.response.reveal().toString('utf8'))
      default:
        return assertNever(bind)
    }
  }

  /** False when the connection is over. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState === 'open'
  }

  /** Entries in the server's order; at most two, since one is all that may be. Rejects with LdapError. */
  async search(search: LdapSearch): Promise<readonly LdapEntry[]> {
    const { searchEntries } = await this.#run(() =>
      this.#client.search(search.base, { ...optionsOf(search), sizeLimit: 2 }),
    )
    return searchEntries.map(entryOf)
  }

  /** All entries, page by page. */
  async *searchAll(search: LdapSearch, signal: AbortSignal): AsyncIterable<LdapEntry> {
    const pages = this.#client.searchPaginated(search.base, {
      ...optionsOf(search),
      paged: { pageSize: LDAP_LIMITS.pageEntries },
    })
    for (;;) {
      signal.throwIfAborted()
      const page = await this.#run(() => pages.next())
      if (page.done === true) return
      yield* page.value.searchEntries.map(entryOf)
    }
  }

  /** Checks a password. Rejects with LdapError, also when it is wrong: then with the server's code. */
  async bind(dn: string, password: string): Promise<void> {
    await this.#run(() => this.#client.bind(dn, password))
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.isOpen) throw new LdapError('Connection lost')
    try {
      return await operation()
    } catch (error) {
      const fault = asLdapError(error)
      if (fault.code === undefined) this.destroy()
      throw fault
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function connectTo({ address, security, tls }: LdapServer): Socket {
  const socket = security === 'tls' ? connectTls({ ...tls, ...address }) : connect(address)
  // Listeners come and go; an error without one would end the process.
  socket.on('error', () => undefined)
  return socket
}

function optionsOf({ scope, filter, attributes }: LdapSearch): SearchOptions {
  // An empty list would mean all attributes. RFC 4511 §4.5.1.8.
  return { scope, filter, attributes: attributes.length === 0 ? ['1.1'] : [...attributes] }
}

function entryOf({ dn, ...attributes }: Entry): LdapEntry {
  const byName = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(attributes)) {
    const values = (Array.isArray(value) ? value : [value]).map((each) => each.toString())
    if (values.length > 0) byName.set(name.toLowerCase(), values)
  }
  return { dn, attributes: byName }
}

function withDeadline(ms: number): { passed: Promise<never>; cancel(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  const timer = setTimeout(() => reject(new LdapError('Connection timed out', undefined, true)), ms)
  return { passed: promise, cancel: () => clearTimeout(timer) }
}

/** ldapts throws errors with a result code, and others. */
function asLdapError(error: unknown): LdapError {
  if (error instanceof LdapError) return error
  if (!(error instanceof Error)) return new LdapError(String(error))
  if ('code' in error && typeof error.code === 'number')
    return new LdapError(resultText(error.code, error.message), error.code)
  const isTimeout = error.message.endsWith('Operation timed out')
  return new LdapError(isTimeout ? 'Timed out' : faultText(error).replace(/\s+/g, ' '), undefined, isTimeout)
}

/** RFC 4511 §4.1.9, in the words of OpenLDAP's library; the rest are told by number. */
const RESULTS = new Map([
  [1, 'Operations error'],
  [2, 'Protocol error'],
  [3, 'Time limit exceeded'],
  [8, 'Strong(er) authentication required'],
  [10, 'Referral'],
  [11, 'Administrative limit exceeded'],
  [13, 'Confidentiality required'],
  [32, 'No such object'],
  [34, 'Invalid DN syntax'],
  [48, 'Inappropriate authentication'],
  [49, 'Invalid credentials'],
  [50, 'Insufficient access'],
  [51, 'Server is busy'],
  [52, 'Server is unavailable'],
  [53, 'Server is unwilling to perform'],
])

/** What the code means, and what the server says to it. */
function resultText(code: number, message: string): string {
  const said = message
    .replace(/ ?Code: 0x[0-9a-f]+$/, '')
    .replace(/\s+/g, ' ')
    .trim()
  const text = RESULTS.get(code) ?? `result code ${code}`
  return said === '' || said === text ? text : `${text}: ${said}`
}
