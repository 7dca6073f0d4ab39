import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { AuthConnection, AuthOutcome, AuthService, SaslExchange } from '../../src/auth/auth.ts'
import type { Filter, Settings } from '../../src/config/config.ts'
import type { Accepted, LocalMail, LoginEnvironment } from '../../src/login/environment.ts'
import { createLoginService, type LoginService } from '../../src/login/service.ts'
import type { ByteStream } from '../../src/net/byte-stream.ts'
import { SocketStream } from '../../src/net/socket-stream.ts'
import { TlsContextCache } from '../../src/net/tls-cache.ts'
import type { EventName, EventTable, LogLevel, Observer } from '../../src/observe/events.ts'
import { sentence } from '../../src/observe/sentences.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { createProxy, type ProxyOptions } from '../../src/proxy/proxy.ts'
import { Secret } from '../../src/util/secret.ts'
import type { MailStore } from '../../src/storage/store.ts'
import { PATIENCE_MS, within } from '../support/deadline.ts'
import { testSettings } from '../support/protocol-session.ts'
import { connectRaw, type RawClientOptions } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import { toy } from './toy-protocol.ts'

/** What the databases say: extra fields by user name. Every password but `wrong` is right. */
export type Users = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface DoorOptions {
  readonly users?: Users
  readonly settings?: Partial<Settings>
  /** Settings by filter, instead of the same for everybody. */
  readonly settingsFor?: (filter: Filter, base: Settings) => Settings
  readonly protocol?: Protocol
  /** Beside what a real listener would know. */
  readonly accepted?: Partial<Accepted>
  readonly authenticate?: AuthService['authenticate']
  readonly mechanisms?: AuthService['mechanisms']
  readonly proxy?: Partial<ProxyOptions>
  /** Serves users whose mail is here. */
  readonly serveLocal?: (stream: ByteStream, user: string) => Promise<void>
  readonly maxConnections?: number
  readonly now?: () => number
  /** Where to listen. */
  readonly address?: string
  readonly environment?: Partial<LoginEnvironment>
}

/** A login service behind a real listener, with databases that a test writes down, and everything it said. */
export interface Door {
  readonly port: number
  readonly service: LoginService
  readonly settings: Settings
  /** What sessions begin with. */
  readonly environment: LoginEnvironment
  /** `imap-login: info: text`, as the text log has it. */
  readonly log: readonly string[]
  readonly events: readonly { readonly name: EventName; readonly fields: EventTable[EventName] }[]
  /** What the databases were asked. */
  readonly asked: readonly AuthConnection[]
  client(options?: Partial<RawClientOptions>): Promise<Wire>
  /** The first log line that matches, waiting for it. */
  logged(pattern: RegExp): Promise<string>
  /** Waits for the nth event of this name, counted from 1. */
  event<Name extends EventName>(name: Name, number?: number): Promise<EventTable[Name]>
  /** Waits until no session is left. */
  empty(): Promise<void>
}

export async function openDoor(t: TestContext, options: DoorOptions = {}): Promise<Door> {
  const inner = createDoor(options)
  const port = await listen(t, options, inner.service)
  return {
    ...inner,
    port,
    client: async (client) => {
      const wire = await connectRaw({ port, host: options.address ?? '127.0.0.1', ...client })
      t.after(() => wire.destroy())
      return wire
    },
  }
}

/** The same without a listener: the test brings streams. */
export function createDoor(options: DoorOptions): Omit<Door, 'port' | 'client'> {
  const settings = testSettings({ disable_plaintext_auth: false, ...options.settings })
  const recorder = new Recorder()
  const tls = new TlsContextCache(randomBytes(48))
  const now = options.now ?? ((): number => performance.timeOrigin + performance.now())
  const proxy = createProxy({
    observer: recorder,
    tlsContexts: tls,
    now,
    ...options.proxy,
  })
  const asked: AuthConnection[] = []
  const environment: LoginEnvironment = {
    settings: (filter) => options.settingsFor?.(filter, settings) ?? settings,
    auth: fakeAuth(options, asked),
    hostname: 'mail.example.org',
    tlsAvailable: ({ ssl, ssl_cert }) => ssl !== 'no' && ssl_cert !== '',
    tlsContext: (from) => tls.server(from),
    localNames: options.settingsFor !== undefined,
    proxySelf: new Set(),
    maxConnections: () => options.maxConnections ?? 1000,
    ...options.environment,
  }
  const { serveLocal } = options
  const shared = {
    observer: recorder,
    proxy,
    now,
    ...(serveLocal === undefined ? {} : { local: localMail(serveLocal) }),
  }
  const service = createLoginService(shared, () => environment)
  return {
    service,
    settings,
    environment,
    asked,
    log: recorder.lines,
    events: recorder.events,
    logged: async (pattern) =>
      await recorder.find(String(pattern), () => recorder.lines.find((line) => pattern.test(line))),
    event: async (name, number = 1) => await recorder.find(name, () => recorder.nth(name, number)),
    empty: async () => void (await recorder.find('no session', () => (service.registry.size === 0 ? true : undefined))),
  }
}

function localMail(serveLocal: NonNullable<DoorOptions['serveLocal']>): LocalMail {
  const unused = (): never => assert.fail('the toy protocol has no commands for mail')
  return {
    open: async ({ record, hostname, signal }) => {
      const { user, settings, identity } = record
      const store = new Proxy({} as MailStore, { get: unused })
      const plugins = new Set<string>()
      const session = { user, store, settings, identity, hostname, tlsActive: false, plugins, signal, log: unused }
      const serve = async (client: ByteStream): Promise<void> => await serveLocal(client, user)
      return await Promise.resolve({ kind: 'ready', mail: { session, pid: 4711, serve, discard() {}, kick() {} } })
    },
  }
}

async function listen(t: TestContext, options: DoorOptions, service: LoginService): Promise<number> {
  const accepted = { protocol: options.protocol ?? toy, listenerName: 'imap', ssl: false, ...options.accepted }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    service.accept(new SocketStream(socket), accepted)
  })
  server.listen(0, options.address ?? '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const session of service.registry.sessions) session.kick('test is over')
  })
  return (server.address() as AddressInfo).port
}

function fakeAuth(options: DoorOptions, asked: AuthConnection[]): AuthService {
  // Looked up late: a test may learn ports first and write its users down then.
  const users = (): Map<string, Readonly<Record<string, string>>> => new Map(Object.entries(options.users ?? {}))
  const notUsed = async (): Promise<never> => await Promise.reject(new Error('not used'))
  return {
    authenticate: async (connection, exchange, signal) => {
      asked.push(connection)
      return await (options.authenticate?.(connection, exchange, signal) ?? authenticatePlain(users(), exchange))
    },
    mechanisms: options.mechanisms ?? [{ name: 'PLAIN', plaintext: true }],
    lookupPassdb: notUsed,
    lookupUser: notUsed,
    explain: notUsed,
    iterateUsers: () => {
      throw new Error('not used')
    },
    check: async () => [],
    flushCache: () => 0,
    storedPassword: async (_service, user) => await Promise.resolve({ user }),
    close: async () => {},
  }
}

async function authenticatePlain(
  users: ReadonlyMap<string, Readonly<Record<string, string>>>,
  exchange: SaslExchange,
): Promise<AuthOutcome> {
  const { initial, mechanism } = exchange
  const message = initial?.reveal() ?? (await exchange.challenge(Buffer.alloc(0)).catch(() => undefined))
  if (message === undefined) return { kind: 'refused', why: { kind: 'aborted' } }
  const [, user = '', password = ''] = message.toString('utf8').split('\0')
  const fields = users.get(user)
  if (fields === undefined || password === 'wrong') return { kind: 'refused', why: { kind: 'failed' }, user }
  const secret = new Secret(password)
  const extra = new Map(Object.entries(fields))
  return { kind: 'ok', user, originalUser: user, mechanism, fields: extra, userdbFields: new Map(), secret }
}

class Recorder implements Observer {
  readonly lines: string[] = []
  readonly events: { name: EventName; fields: EventTable[EventName] }[] = []
  #changed = Promise.withResolvers<void>()

  emit<Name extends EventName>(name: Name, fields: EventTable[Name]): void {
    this.events.push({ name, fields })
    const line = sentence(name, fields)
    if (line !== undefined) this.log(line.level, line.service, line.text)
    this.#wake()
  }

  log(level: LogLevel, service: string, text: string): void {
    this.lines.push(`${service}: ${level}: ${text}`)
    this.#wake()
  }

  nth<Name extends EventName>(name: Name, number: number): EventTable[Name] | undefined {
    return this.events.filter((event) => event.name === name)[number - 1]?.fields as EventTable[Name] | undefined
  }

  /** Waits until `look` finds something; looked again at whatever happens, and a little later for what says nothing. */
  async find<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    const latest = performance.now() + PATIENCE_MS
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (performance.now() > latest) throw new Error(`never came: ${what}\n${this.lines.join('\n')}`)
      await within(PATIENCE_MS, () => what, Promise.race([this.#changed.promise, pause()]))
    }
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5))
}
