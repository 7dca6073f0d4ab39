import type { Settings } from '../config/config.ts'
import { ConnectionLost, DeadlineExceeded } from '../net/byte-stream.ts'
import { faultText } from '../net/fault-text.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import { type LentConnection, lendConnection } from '../net/lent-connection.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import { startTlsServer, TlsFailed } from '../net/tls.ts'
import { type ServerTlsContext, TlsSettingsError } from '../net/tls-context.ts'
import type {
  ClientIdentity,
  Credentials,
  DisconnectRemark,
  ForwardedIdentity,
  Goodbye,
  LoginEnd,
  LoginIo,
  LoginVerdict,
  Protocol,
} from '../protocols/protocol.ts'
import { assertNever } from '../util/assert-never.ts'
import { Cancellation } from '../util/cancellation.ts'
import type { Soon } from '../util/soon.ts'
import { type AttemptContext, type AttemptEnd, attemptLogin, tellAttempt } from './attempt.ts'
import {
  certificateReason,
  closedBecause,
  disconnectReason,
  type LoginHistory,
  newHistory,
} from './disconnect-reason.ts'
import type { Accepted, LoginEnvironment, LoginShared, SessionEnd } from './environment.ts'
import { expandGreeting } from './greeting.ts'
import { firstIdentity, overrideIdentity } from './identity.ts'
import { LOGIN_LIMITS } from './limits.ts'
import { offeredMechanisms } from './mechanisms.ts'
import type { ListedBackend, ListedSession, SessionListing } from './registry.ts'
import { SessionRecord } from './session-record.ts'
import { settingsFor } from './settings-for.ts'
import { isTrusted } from './trust.ts'

/** What a fault of ours looks like to the client. */
const FAULT: AttemptEnd = {
  verdict: { kind: 'refused', why: { kind: 'temporary' } },
  result: 'auth_temporary',
  tooLate: false,
  backend: undefined,
}

/**
 * One stranger's connection, from the first byte until it is handed over. It is the `LoginIo` of the protocol's dialogue:
 * the dialogue knows the words, the session knows trust, time and what became of attempts. A fault in here ends this session
 * and no other.
 */
export class LoginSession implements LoginIo, ListedSession {
  readonly stream: SocketStream
  readonly trusted: boolean
  readonly record: SessionRecord
  readonly protocol: Protocol
  readonly #shared: LoginShared
  /** What it began with, and keeps. */
  readonly environment: LoginEnvironment
  readonly #haproxy: ProxyHeader | undefined
  readonly #history: LoginHistory
  readonly #ssl: boolean
  readonly #cancellation = new Cancellation()
  #deadlineMs = 0
  /** Within a TLS handshake, and before one that has to come, nobody reads words. */
  #shakingHands: boolean
  #end: AttemptEnd | undefined
  /** Where the newest attempt went. */
  #backend: ListedBackend | undefined
  /** Set when we end it: what the log says. */
  #closing: string | undefined
  /** Another process answers the client. */
  #lent: LentConnection | undefined

  constructor(shared: LoginShared, environment: LoginEnvironment, stream: SocketStream, accepted: Accepted) {
    const { protocol, listenerName, ssl, haproxy } = accepted
    const nowMs = shared.now()
    const identity = firstIdentity(stream, haproxy, nowMs)
    const settings = settingsFor(environment, protocol, identity)
    this.stream = stream
    this.protocol = protocol
    this.#shared = shared
    this.environment = environment
    this.#haproxy = haproxy
    this.#ssl = ssl
    this.#shakingHands = ssl
    this.#history = newHistory(nowMs)
    this.trusted = isTrusted(settings, identity.remote.ip)
    this.record = new SessionRecord({
      protocol,
      listener: listenerName,
      identity,
      realLocal: stream.local,
      realRemote: stream.remote,
      startedMs: nowMs,
      settings,
      secured:
        this.trusted || (haproxy === undefined ? stream.local.ip === stream.remote.ip : haproxy.tls !== undefined),
    })
  }

  /** Runs until the stranger is a user or gone. Never rejects. */
  async run(): Promise<SessionEnd> {
    this.#shared.observer.emit('connection_opened', this.record.fields())
    this.stream.onEnd((error) => this.#streamEnded(error))
    this.#extendDeadline()
    try {
      if (this.#ssl) await this.#handshake('feed')
      return this.#finish(await this.protocol.login(this))
    } catch (error) {
      return this.#fail(error)
    }
  }

  get settings(): Settings {
    return this.record.settings
  }

  get identity(): ClientIdentity {
    return this.record.identity
  }

  get secured(): boolean {
    return this.record.secured !== ''
  }

  get tlsActive(): boolean {
    return this.stream.tls !== undefined
  }

  get tlsAvailable(): boolean {
    return !this.tlsActive && this.environment.tlsAvailable(this.settings)
  }

  get hostname(): string {
    return this.environment.hostname
  }

  get greeting(): string {
    return expandGreeting(this.settings.login_greeting, this.protocol, this.identity)
  }

  offeredMechanisms(): readonly string[] {
    const binds = this.stream.tls?.channelBinding !== undefined
    return offeredMechanisms(this.environment.auth.mechanisms, this.settings, this.secured, this.protocol.name, binds)
  }

  forwarded(update: ForwardedIdentity): void {
    if (!this.trusted) {
      const text = 'Ignoring forwarded client address: not in login_trusted_networks'
      this.#shared.observer.log('debug', this.record.service, this.record.line(text))
      return
    }
    this.#identify(overrideIdentity(this.identity, update))
  }

  note({ clientId, askedCapability, helo, proto }: Parameters<LoginIo['note']>[0]): void {
    this.record.identity = {
      ...this.identity,
      ...(clientId === undefined ? undefined : { clientId }),
      ...(askedCapability === undefined ? undefined : { askedCapability }),
      ...(helo === undefined ? undefined : { helo }),
      ...(proto === undefined ? undefined : { proto }),
    }
  }

  async startTls(): Promise<void> {
    await this.#handshake('drop')
  }

  /** Tries a login. Never rejects: a fault of ours is a temporary failure, and in the log. */
  attempt(credentials: Credentials): Soon<LoginVerdict> {
    const startedMs = this.#beginAttempt()
    const conclude = (end: AttemptEnd): LoginVerdict => {
      this.#endAttempt(end, startedMs)
      return end.verdict
    }
    const fail = (error: unknown): LoginVerdict => {
      this.#logFault(error)
      return conclude(FAULT)
    }
    let end: Soon<AttemptEnd>
    try {
      end = attemptLogin(this.#attemptContext(), credentials)
    } catch (error) {
      return fail(error)
    }
    return end instanceof Promise ? end.then(conclude, fail) : conclude(end)
  }

  #attemptContext(): AttemptContext {
    return {
      shared: this.#shared,
      environment: this.environment,
      protocol: this.protocol,
      record: this.record,
      history: this.#history,
      secured: this.secured,
      haproxy: this.#haproxy,
      limitMs: () => Math.max(1, this.#deadlineMs - this.#shared.now()),
      cancellation: this.#cancellation,
      onBackend: (backend) => this.#beginBackend(backend),
      lend: () => (this.#lent = lendConnection(this.stream, () => this.#takeBack())),
    }
  }

  #takeBack(): void {
    this.#lent = undefined
    this.stream.onEnd((error) => this.#streamEnded(error))
    if (this.#closing === undefined) this.stream.setDeadline(Math.max(1, this.#deadlineMs - this.#shared.now()))
    else void this.stream.close()
  }

  log(text: string): void {
    this.#shared.observer.log('info', this.record.service, this.record.line(text))
  }

  remark(text: DisconnectRemark): void {
    this.#history.remark = text
  }

  describe(): SessionListing {
    // With a backend, it is on its way until the two are joined: the client's OK may still have to leave.
    const isOnItsWay = this.#history.phase === 'backend' || this.#end?.backend !== undefined
    if (!isOnItsWay) return this.record.describe(this.#lent === undefined ? 'login' : 'local')
    const listing = this.record.describe('backend-login')
    return this.#backend === undefined ? listing : { ...listing, backend: this.#backend }
  }

  kick(reason: string): void {
    this.close(reason)
  }

  /** Sends the stranger away before anything else is said. */
  refuse(goodbye: Goodbye, reason: string): void {
    this.close(reason, goodbye)
    this.#gone(reason)
  }

  /** Ends the session now, with last words where the protocol has some; `reason` is for the log. */
  close(reason: string, goodbye?: Goodbye): void {
    if (this.#closing !== undefined) return
    this.#closing = reason
    // Whoever has the connection says goodbye.
    if (this.#lent !== undefined) return this.#cancellation.abort()
    if (goodbye !== undefined && !this.#shakingHands) {
      this.stream.write(this.protocol.goodbye(goodbye, this.hostname))
    }
    // Waiting dialogues see the end of the stream.
    void this.stream.close()
    this.#cancellation.abort()
  }

  #identify(identity: ClientIdentity): void {
    this.record.identity = identity
    this.record.settings = settingsFor(this.environment, this.protocol, identity)
  }

  async #handshake(unread: 'drop' | 'feed'): Promise<void> {
    const { stream, record } = this
    const { tlsContext, localNames } = this.environment
    const { alpn } = this.protocol
    const byServerName = (localName: string): ServerTlsContext =>
      tlsContext(settingsFor(this.environment, this.protocol, { ...this.identity, localName }))
    this.#shakingHands = true
    try {
      await startTlsServer(stream, {
        context: tlsContext(this.settings),
        unread,
        ...(localNames ? { byServerName } : undefined),
        ...(alpn === undefined ? undefined : { alpn }),
      })
    } catch (error) {
      record.secured = `TLS handshaking: ${error instanceof Error ? error.message : String(error)}`
      throw error
    }
    this.#shakingHands = false
    record.tls = stream.tls
    record.secured = 'TLS'
    const localName = stream.tls?.serverName
    if (localName !== undefined) this.#identify({ ...this.identity, localName })
  }

  #extendDeadline(): void {
    this.#deadlineMs = this.#shared.now() + LOGIN_LIMITS.loginMs
    this.stream.setDeadline(LOGIN_LIMITS.loginMs)
  }

  /**
   * A client that only finished sending still gets its answers. But nobody logs in to a backend for it: what it could not
   * say any more is all that a session is for, and a client that is gone looks the same.
   */
  #streamEnded(error: Error | undefined): void {
    if (error !== undefined || this.#history.phase === 'backend') this.#cancellation.abort()
  }

  #beginBackend(backend: ListedBackend): void {
    this.#history.phase = 'backend'
    this.#backend = backend
    if (this.stream.ended) this.#cancellation.abort()
  }

  #beginAttempt(): number {
    const history = this.#history
    const nowMs = this.#shared.now()
    if (history.attempts++ === 0) history.firstAttemptMs = nowMs
    history.remark = undefined
    history.lastRefusal = undefined
    history.backendRefused = false
    this.#extendDeadline()
    return nowMs
  }

  #endAttempt(end: AttemptEnd, startedMs: number): void {
    const { stream, record } = this
    const nowMs = this.#shared.now()
    if (this.#cancellation.aborted) {
      end.mail?.discard()
      return end.backend?.discard()
    }
    if (end.tooLate) {
      tellAttempt(this.#shared.observer, record, end.result, nowMs - startedMs)
      const secs = Math.round((nowMs - startedMs) / 1000)
      return this.close(`Logging in timed out (waited ${secs} secs)`, 'login-timeout')
    }
    this.#end = end
    const unfinished = this.#history.phase === 'sasl' && stream.ended
    // A dialogue that broke off or ran out of time keeps its phase for the last words.
    if (nowMs < this.#deadlineMs && !unfinished) {
      this.#history.phase = 'idle'
      if (end.backend === undefined && end.mail === undefined) this.#extendDeadline()
    }
    tellAttempt(this.#shared.observer, record, end.result, nowMs - startedMs)
  }

  #finish(end: LoginEnd): SessionEnd {
    switch (end.kind) {
      case 'proxied':
        if (this.#end?.backend === undefined) throw new Error('the dialogue says proxied, but there is no backend')
        return { kind: 'proxied', backend: this.#end.backend }
      case 'local':
        if (this.#end?.mail !== undefined) return { kind: 'local', mail: this.#end.mail }
        if (!this.#cancellation.aborted) throw new Error('the dialogue says local, but no mail is open')
        return this.#gone('Connection closed')
      case 'closed':
        return this.#gone(end.reason)
      default:
        return assertNever(end)
    }
  }

  /** What the dialogue threw. */
  #fail(error: unknown): SessionEnd {
    if (error instanceof DeadlineExceeded) {
      const during = this.#history.phase === 'sasl' || this.#history.phase === 'auth'
      this.close(during ? 'Inactivity during authentication' : 'Inactivity', during ? 'idle-during-auth' : 'idle')
      return this.#gone('Inactivity')
    }
    if (error instanceof TlsFailed) return this.#gone(closedBecause(error))
    if (error instanceof TlsSettingsError) {
      const text = `Failed to initialize SSL: ${error.message}`
      this.#shared.observer.log('error', this.record.service, this.record.line(text))
      return this.#gone('Connection closed')
    }
    if (error instanceof ConnectionLost) {
      const { cause } = error
      return this.#gone(`Connection closed: ${cause instanceof Error ? faultText(cause) : error.message}`)
    }
    this.#logFault(error)
    return this.#gone('Internal error')
  }

  /** Closes, and tells the log how a stranger left. */
  #gone(reason: string): SessionEnd {
    const { record } = this
    this.#end?.backend?.discard()
    this.#end?.mail?.discard()
    const details = certificateReason(record) ?? disconnectReason(this.#history, this.#shared.now())
    const text = `Disconnected: ${this.#closing ?? reason} ${details}`
    this.#shared.observer.emit('login_aborted', {
      ...record.fields(),
      ...(record.user === '' ? undefined : { user: record.user }),
      text,
      reason: this.#closing ?? reason,
    })
    this.close(reason)
    return { kind: 'gone' }
  }

  #logFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#shared.observer.log('error', this.record.service, this.record.line(`BUG: ${text}`))
  }
}
