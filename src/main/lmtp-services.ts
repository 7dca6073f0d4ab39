import { randomBytes } from 'node:crypto'
import type { Settings } from '../config/config.ts'
import { compileTemplate, loginShortNames } from '../config/expand.ts'
import type { LoginEnvironment } from '../login/environment.ts'
import { isTrusted } from '../login/trust.ts'
import type { Endpoint } from '../net/byte-stream.ts'
import { dial as dialBackend } from '../net/dial.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import { startTlsServer } from '../net/tls.ts'
import type { ServerTlsContext } from '../net/tls-context.ts'
import type { Observer } from '../observe/events.ts'
import { type LmtpIo, type LmtpServices, serveLmtp } from '../protocols/lmtp/index.ts'
import { backendContexts, type ClientContexts } from '../proxy/backend-tls.ts'
import { type BackendHosts, createBackendHosts } from '../proxy/hosts.ts'
import { connectLmtpBackend, type LmtpProxyAccess, routeLmtpRecipient } from '../proxy/lmtp.ts'
import { createOwnConnections } from '../proxy/own-connections.ts'
import { createResolver, type LookUp, systemLookUp } from '../proxy/resolve.ts'
import { type Cancellable, Cancellation } from '../util/cancellation.ts'
import { LiveList } from '../util/live-list.ts'

/** All LMTP connections of a process. */
export interface LmtpService {
  /** Takes a connection over from the listener, for good. */
  accept(stream: SocketStream, accepted: LmtpAccepted): void
  readonly size: number
  /** Whether a client is left that began with it. */
  isUsed(environment: LmtpEnvironment): boolean
  /** Clients that are owed nothing are sent away, others when they got what they are owed. Resolves when none is left. */
  shutDown(): Promise<void>
}

/** A connection as the listener hands it over. */
export interface LmtpAccepted {
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** On listeners with `haproxy = yes`: what the PROXY header said. */
  readonly haproxy?: ProxyHeader
}

export interface LmtpServiceOptions {
  readonly observer: Observer
  /** The process's TLS cache. */
  readonly tlsContexts: ClientContexts
  /** Shared with the login proxy, so that `proxy backends` shows one table. */
  readonly hosts?: BackendHosts
  /** Local delivery, when there is one. */
  readonly mailboxes?: (environment: LmtpEnvironment) => LmtpServices['mailboxes']
  readonly dial?: LmtpProxyAccess['dial']
  readonly lookUp?: LookUp
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What a configuration gives to LMTP connections; they keep the one they began with. */
export type LmtpEnvironment = Pick<
  LoginEnvironment,
  'settings' | 'auth' | 'hostname' | 'tlsAvailable' | 'tlsContext' | 'localNames' | 'proxySelf' | 'maxConnections'
>

/** `environment` is asked at each connection, so that a reload needs only to change its answer. */
export function createLmtpService(options: LmtpServiceOptions, environment: () => LmtpEnvironment): LmtpService {
  return new Service(options, environment)
}

const SERVICE = 'lmtp'
/** Clients that wait for their turn; further ones are told to come later. */
const MAX_WAITING = 1_000
/** As Dovecot: a warning a minute says it all. */
const LIMIT_TOLD_MS = 60_000

class Service implements LmtpService {
  readonly #options: LmtpServiceOptions
  readonly #environment: () => LmtpEnvironment
  readonly #access: LmtpProxyAccess
  readonly #now: () => number
  readonly #stopping = new Cancellation()
  readonly #running = new LiveList<{ readonly done: Promise<void>; readonly environment: LmtpEnvironment }>()
  /** Accepted beyond the limit: not greeted until somebody leaves, as those whom Dovecot does not accept yet. */
  readonly #waiting: { readonly io: Connection; readonly environment: LmtpEnvironment }[] = []
  #toldLimitMs = Number.NEGATIVE_INFINITY
  #accepted = 0

  constructor(options: LmtpServiceOptions, environment: () => LmtpEnvironment) {
    const { observer, tlsContexts, dial = dialBackend, lookUp = systemLookUp, now = Date.now } = options
    this.#options = options
    this.#environment = environment
    this.#now = now
    this.#access = {
      observer,
      dial,
      resolver: createResolver({ observer, now, lookUp }),
      hosts: options.hosts ?? createBackendHosts(observer, now),
      own: createOwnConnections(),
      tlsContext: backendContexts(tlsContexts),
      now,
    }
  }

  get size(): number {
    return this.#running.size
  }

  isUsed(environment: LmtpEnvironment): boolean {
    return [...this.#running.all(), ...this.#waiting].some((client) => client.environment === environment)
  }

  accept(stream: SocketStream, accepted: LmtpAccepted): void {
    const environment = this.#environment()
    const { own } = this.#access
    const io = new Connection(stream, accepted, environment, {
      number: ++this.#accepted,
      stopping: this.#stopping,
      hopsLeft: (forwarded) => own.hopsLeft(stream.remote, forwarded),
    })
    const limit = environment.maxConnections(SERVICE)
    if (this.#running.size < limit) return this.#serve(io, environment)
    this.#tellLimit(limit)
    if (this.#waiting.length >= MAX_WAITING || this.#stopping.aborted) return refuse(io)
    this.#waiting.push({ io, environment })
  }

  async shutDown(): Promise<void> {
    this.#stopping.abort()
    for (const { io } of this.#waiting.splice(0)) refuse(io)
    await Promise.all(this.#running.all().map(({ done }) => done))
  }

  #serve(io: Connection, environment: LmtpEnvironment): void {
    const done = this.#run(io, environment)
    const place = this.#running.add({ done, environment })
    void done.finally(() => {
      this.#running.remove(place)
      this.#serveNext()
    })
  }

  #serveNext(): void {
    let next = this.#waiting.shift()
    while (next?.io.stream.ended === true) next = this.#waiting.shift()
    if (next !== undefined) this.#serve(next.io, next.environment)
  }

  #tellLimit(limit: number): void {
    if (this.#now() - this.#toldLimitMs < LIMIT_TOLD_MS) return
    this.#toldLimitMs = this.#now()
    const text = `service(${SERVICE}): ${limit} connections in this process, clients have to wait (client_limit, process_limit)`
    this.#options.observer.log('warning', 'master', text)
  }

  async #run(io: Connection, environment: LmtpEnvironment): Promise<void> {
    const { observer } = this.#options
    try {
      await io.begin()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      observer.log('info', SERVICE, `Disconnect from ${io.remote.ip}: Connection closed: ${reason} (state=GREETING)`)
      return io.stream.destroy()
    }
    await serveLmtp(io, this.#servicesFor(environment))
  }

  #servicesFor(environment: LmtpEnvironment): LmtpServices {
    const { auth, proxySelf } = environment
    const { observer } = this.#options
    const mailboxes = this.#options.mailboxes?.(environment)
    const access = this.#access
    return {
      observer,
      now: this.#now,
      makeId,
      routeRecipient: async (question, signal) =>
        await routeLmtpRecipient(access, { auth, proxySelf }, question, signal),
      connect: async (destination, client, limits) => await connectLmtpBackend(access, destination, client, limits),
      ...(mailboxes === undefined ? undefined : { mailboxes }),
    }
  }
}

/** 128 bits, as Dovecot's: 22 characters of base64. */
function makeId(): string {
  return randomBytes(16).toString('base64').slice(0, 22)
}

function refuse(io: Connection): void {
  if (!io.tlsAtOnce) io.stream.write(`421 4.3.2 ${io.hostname} Connection queue full\r\n`)
  void io.stream.close()
}

/** TLS handshakes of strangers get no longer than a login has. */
const HANDSHAKE_MS = 30_000

/** A client's connection, as the dialogue sees it. */
class Connection implements LmtpIo {
  readonly stream: SocketStream
  readonly remote: Endpoint
  readonly haproxy?: ProxyHeader
  readonly trusted: boolean
  readonly tlsAtOnce: boolean
  readonly number: number
  readonly stopping: Cancellable
  readonly hopsLeft: LmtpIo['hopsLeft']
  readonly #environment: LmtpEnvironment
  readonly #local: Endpoint
  #localName: string | undefined
  #settings: Settings

  constructor(
    stream: SocketStream,
    { ssl, haproxy }: LmtpAccepted,
    environment: LmtpEnvironment,
    start: Pick<LmtpIo, 'number' | 'stopping' | 'hopsLeft'>,
  ) {
    this.stream = stream
    if (haproxy !== undefined) this.haproxy = haproxy
    this.remote = haproxy?.source ?? stream.remote
    this.#local = haproxy?.destination ?? stream.local
    this.#localName = haproxy?.authority
    this.#environment = environment
    this.tlsAtOnce = ssl
    this.number = start.number
    this.stopping = start.stopping
    this.hopsLeft = start.hopsLeft
    this.#settings = this.#findSettings(this.#localName)
    // Whoever stands before us, not whom it speaks for.
    this.trusted = isTrusted(this.#settings, stream.remote.ip)
  }

  get settings(): Settings {
    return this.#settings
  }

  get hostname(): string {
    return this.#environment.hostname
  }

  get greeting(): string {
    const values = new Map([
      ['lip', this.#local.ip],
      ['rip', this.remote.ip],
      ['service', SERVICE],
      ['local_name', this.#localName ?? ''],
    ])
    return compileTemplate(this.#settings.login_greeting, loginShortNames).expand((name) => values.get(name))
  }

  get localName(): string | undefined {
    return this.#localName
  }

  get tlsAvailable(): boolean {
    return this.stream.tls === undefined && this.#environment.tlsAvailable(this.#settings)
  }

  /** Everything before the first word. Rejects when TLS, where it comes first, fails. */
  async begin(): Promise<void> {
    if (!this.tlsAtOnce) return
    this.stream.setDeadline(HANDSHAKE_MS)
    await this.#handshake('feed')
  }

  async startTls(): Promise<void> {
    await this.#handshake('drop')
  }

  async #handshake(unread: 'drop' | 'feed'): Promise<void> {
    const { tlsContext, localNames } = this.#environment
    const byServerName = (name: string): ServerTlsContext => tlsContext(this.#findSettings(name))
    await startTlsServer(this.stream, {
      context: tlsContext(this.#settings),
      unread,
      ...(localNames ? { byServerName } : undefined),
    })
    const serverName = this.stream.tls?.serverName
    if (serverName === undefined) return
    this.#localName = serverName
    this.#settings = this.#findSettings(serverName)
  }

  #findSettings(localName: string | undefined): Settings {
    return this.#environment.settings({
      protocol: SERVICE,
      localIp: this.#local.ip,
      remoteIp: this.remote.ip,
      ...(localName === undefined ? undefined : { localName }),
    })
  }
}
