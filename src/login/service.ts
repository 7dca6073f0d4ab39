import type { SocketStream } from '../net/socket-stream.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { LiveList, type Place } from '../util/live-list.ts'
import type { Accepted, JoinedSession, LoginEnvironment, LoginShared, OpenMail, ReadyBackend } from './environment.ts'
import { type ListedSession, type SessionListing, SessionRegistry } from './registry.ts'
import { LoginSession } from './session.ts'
import type { SessionRecord } from './session-record.ts'

/** All login sessions of a process, and the proxied sessions they became. */
export interface LoginService {
  /** Takes a connection over from the listener, for good. */
  accept(stream: SocketStream, accepted: Accepted): void
  readonly registry: SessionRegistry
  /** Whether a stranger is left who began with it. */
  isUsed(environment: LoginEnvironment): boolean
  /**
   * Strangers are sent away; proxied sessions end as soon as they are idle, where `shutdown_clients` and the protocol allow
   * (Dovecot: not POP3 and Submission). Resolves when no session is left.
   */
  shutDown(): Promise<void>
}

const FULL = 'Connection queue full'
const STOPPING = 'Process shutting down'

/** Protocols whose sessions Dovecot ends at a shutdown. */
const ENDED_AT_SHUTDOWN: ReadonlySet<Protocol['name']> = new Set<Protocol['name']>(['imap', 'sieve'])

/** `environment` is asked at each connection, so that a reload needs only to change its answer. */
export function createLoginService(shared: LoginShared, environment: () => LoginEnvironment): LoginService {
  return new Service(shared, environment)
}

/** Sessions of one service: how many, and those that are strangers still, oldest first. */
interface Members {
  total: number
  readonly strangers: LiveList<LoginSession>
}

/** Where a session is listed before it is let in. */
interface Places {
  readonly stranger: Place<LoginSession>
  readonly listed: Place<ListedSession>
}

class Service implements LoginService {
  readonly registry = new SessionRegistry()
  readonly #shared: LoginShared
  readonly #environment: () => LoginEnvironment
  readonly #members = new Map<string, Members>()
  #stopping: PromiseWithResolvers<void> | undefined

  constructor(shared: LoginShared, environment: () => LoginEnvironment) {
    this.#shared = shared
    this.#environment = environment
  }

  accept(stream: SocketStream, accepted: Accepted): void {
    try {
      this.#accept(stream, accepted)
    } catch (error) {
      this.#logFault(accepted.protocol.service, error)
      stream.destroy()
    }
  }

  isUsed(environment: LoginEnvironment): boolean {
    for (const session of this.registry.sessions)
      if (session instanceof LoginSession && session.environment === environment) return true
    return false
  }

  async shutDown(): Promise<void> {
    if (this.#stopping === undefined) {
      this.#stopping = Promise.withResolvers()
      for (const { strangers } of this.#members.values()) {
        for (const session of strangers.all()) session.close(STOPPING, 'shutting-down')
      }
      for (const session of this.registry.sessions) {
        if (session instanceof Proxied || session instanceof Local) session.stop()
      }
    }
    this.#settleIfEmpty()
    await this.#stopping.promise
  }

  #accept(stream: SocketStream, accepted: Accepted): void {
    const environment = this.#environment()
    const { service } = accepted.protocol
    const members = this.#membersOf(service)
    const session = new LoginSession(this.#shared, environment, stream, accepted)
    if (this.#stopping !== undefined) return session.refuse('shutting-down', STOPPING)
    if (members.total >= environment.maxConnections(service)) {
      // It may linger while its last bytes leave, but it does not count any more.
      const oldest = members.strangers.removeOldest()
      if (oldest === undefined) return session.refuse('too-many-connections', FULL)
      oldest.close(FULL, 'too-many-connections')
    }
    members.total++
    const places = { stranger: members.strangers.add(session), listed: this.registry.add(session) }
    void this.#run(session, members, places)
  }

  async #run(session: LoginSession, members: Members, { stranger, listed }: Places): Promise<void> {
    const end = await session.run()
    members.strangers.remove(stranger)
    this.registry.remove(listed)
    try {
      if (end.kind === 'proxied') return this.#join(session, end.backend, members)
      if (end.kind === 'local') await this.#serve(session, end.mail)
    } catch (error) {
      this.#logFault(session.record.service, error)
      session.stream.destroy()
      if (end.kind === 'proxied') end.backend.discard()
    }
    this.#left(members)
  }

  #join(session: LoginSession, backend: ReadyBackend, members: Members): void {
    const proxied = new Proxied(session.record)
    const place = this.registry.add(proxied)
    try {
      proxied.joined = backend.join(session.stream, () => {
        this.registry.remove(place)
        this.#left(members)
      })
    } catch (error) {
      this.registry.remove(place)
      throw error
    }
    if (this.#stopping !== undefined) proxied.stop()
  }

  async #serve({ record, stream }: LoginSession, mail: OpenMail): Promise<void> {
    record.mailPid = mail.pid
    this.#shared.observer.emit('login_local', { ...record.fields(), user: record.user })
    const local = new Local(record, mail)
    const place = this.registry.add(local)
    if (this.#stopping !== undefined) local.stop()
    // From here on the protocol says how long it waits.
    stream.setDeadline(undefined)
    try {
      await mail.serve(stream)
    } finally {
      this.registry.remove(place)
    }
  }

  #logFault(service: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#shared.observer.log('error', service, `BUG: ${text}`)
  }

  #membersOf(service: string): Members {
    const known = this.#members.get(service)
    if (known !== undefined) return known
    const members = { total: 0, strangers: new LiveList<LoginSession>() }
    this.#members.set(service, members)
    return members
  }

  #left(members: Members): void {
    members.total--
    this.#settleIfEmpty()
  }

  #settleIfEmpty(): void {
    if (this.#stopping === undefined) return
    for (const { total } of this.#members.values()) if (total > 0) return
    this.#stopping.resolve()
  }
}

/** A proxied session in the registry. */
class Proxied implements ListedSession {
  joined: JoinedSession | undefined
  readonly #record: SessionRecord

  constructor(record: SessionRecord) {
    this.#record = record
  }

  describe(): SessionListing {
    const { joined } = this
    const listing = this.#record.describe('proxied')
    if (joined === undefined) return listing
    return { ...listing, alternatives: joined.alternatives, backend: joined.backend }
  }

  kick(reason: string): void {
    this.joined?.kick(reason)
  }

  stop(): void {
    const { settings, protocol } = this.#record
    if (settings.shutdown_clients && ENDED_AT_SHUTDOWN.has(protocol)) this.joined?.endWhenIdle(STOPPING)
  }
}

/** A session in the registry whose mail is here. */
class Local implements ListedSession {
  readonly #record: SessionRecord
  readonly #mail: OpenMail

  constructor(record: SessionRecord, mail: OpenMail) {
    this.#record = record
    this.#mail = mail
  }

  describe(): SessionListing {
    return this.#record.describe('local')
  }

  kick(reason: string): void {
    this.#mail.kick(reason)
  }

  stop(): void {
    this.kick(STOPPING)
  }
}
