import type { Settings } from '../config/config.ts'
import { DeadlineExceeded, type Endpoint } from '../net/byte-stream.ts'
import { DialFailed, type DialOptions } from '../net/dial.ts'
import { writeProxyHeader } from '../net/haproxy-write.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import type { Tap } from '../net/tap.ts'
import { type ClientTlsOptions, startTlsClient } from '../net/tls.ts'
import type { ClientTlsContext } from '../net/tls-context.ts'
import { hears, type Observer, type ProxySessionFields } from '../observe/events.ts'
import type {
  BackendIo,
  BackendWelcome,
  ClientIdentity,
  Protocol,
  ProtocolName,
  ProxyTarget,
} from '../protocols/protocol.ts'
import { ProxyFailure } from '../protocols/proxy-failure.ts'
import { assertNever } from '../util/assert-never.ts'
import type { Cancellable } from '../util/cancellation.ts'
import { ConnectionFailure, describeFailure, dialFailure, dialogueFailure, isRefusal } from './failure.ts'
import type { BackendHosts } from './hosts.ts'
import type { LoopPass } from './loops.ts'
import { mayReconnect, RECONNECT_PAUSE_MS } from './reconnect.ts'
import type { SourceIps } from './source-ips.ts'

/** What logging in to backends needs of the rest of the server. Shared by all sessions of a process. */
export interface BackendAccess {
  readonly observer: Observer
  readonly hosts: BackendHosts
  readonly sourceIps: SourceIps
  /** `net/dial.ts`; tests bring their own. The timeout goes on as the stream's deadline. */
  readonly dial: (options: DialOptions) => Promise<SocketStream>
  /** Whom to trust, and our own certificate. Throws TlsSettingsError. */
  readonly tlsContext: (settings: Settings) => ClientTlsContext
  /** With `login_proxy_rawlog_dir`: makes the files for a connection that came up. */
  readonly openRawlog?: (settings: Settings) => (() => Tap) | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One user on the way to one backend. */
export interface BackendLoginRequest {
  readonly protocol: Protocol
  readonly target: ProxyTarget
  readonly user: string
  readonly identity: ClientIdentity
  /** The client's connection is TLS: told to a backend by the PROXY header. */
  readonly secured: boolean
  readonly settings: Settings
  readonly hostname: string
  /** Fields of this session's events, made when one is emitted. */
  readonly fields: () => ProxySessionFields
  /** What came of the user's client having three minutes. */
  readonly limitMs: number
  readonly loop: LoopPass
  readonly signal: Cancellable
}

export interface BackendConnection {
  readonly stream: SocketStream
  readonly welcome: BackendWelcome
  readonly sourceIp: string | undefined
  readonly reconnects: number
  /** From the first connect to the backend's OK. */
  readonly connectMs: number
}

export type BackendLoginEnd =
  | { readonly kind: 'connected'; readonly connection: BackendConnection }
  | { readonly kind: 'failed'; readonly failure: ProxyFailure }
  /** The client's three minutes are over. */
  | { readonly kind: 'too-late' }
  /** The signal said that nobody waits any more. */
  | { readonly kind: 'aborted' }

/** What the protocol's `step` is before its dialogue has begun: a TLS handshake may fail there. */
const FIRST_STEP: Readonly<Record<ProtocolName, string>> = {
  imap: '/none',
  pop3: 'banner',
  submission: 'banner',
  sieve: 'none',
  lmtp: 'banner',
}

/**
 * Logs in to a backend: connects, tries again where that may help, and tells the log and the metrics what became of it.
 * Never rejects.
 */
export function loginToBackend(access: BackendAccess, request: BackendLoginRequest): Promise<BackendLoginEnd> {
  return new BackendLogin(access, request).run()
}

class BackendLogin {
  readonly #access: BackendAccess
  readonly #request: BackendLoginRequest
  readonly #startedMs: number
  #attempts = 0
  /** When the newest connection was begun. */
  #begunMs = 0
  #sourceIp: string | undefined
  #local: Endpoint | string | undefined
  readonly #step: string
  #io: BackendIo | undefined
  #rawlog: (() => Tap) | undefined
  #bindProblemLogged = false

  constructor(access: BackendAccess, request: BackendLoginRequest) {
    this.#access = access
    this.#request = request
    this.#startedMs = access.now()
    this.#step = FIRST_STEP[request.protocol.name]
  }

  async run(): Promise<BackendLoginEnd> {
    const { target, settings, signal, fields } = this.#request
    const { observer } = this.#access
    if (hears(observer, 'proxy_session_started')) observer.emit('proxy_session_started', fields())
    this.#sourceIp = target.sourceIp
    if (target.sourceIp === undefined && settings.login_source_ips.length > 0) {
      this.#sourceIp = await this.#access.sourceIps.next(settings.login_source_ips, target.ip)
    }
    for (;;) {
      this.#attempts++
      let dialled: SocketStream | ProxyFailure
      try {
        dialled = await this.#dial()
      } catch (error) {
        dialled = this.#notDialled(error)
      }
      const end = dialled instanceof ProxyFailure ? dialled : await this.#logIn(dialled)
      if (!(end instanceof ProxyFailure)) return { kind: 'connected', connection: this.#connected(end) }
      if (signal.aborted) return { kind: 'aborted' }
      if (this.#elapsedMs() >= this.#request.limitMs) return { kind: 'too-late' }
      const attempts = {
        made: this.#attempts,
        startedMs: this.#startedMs,
        nowMs: this.#access.now(),
        timeoutMs: this.#timeoutMs(),
        maxReconnects: settings.login_proxy_max_reconnects,
      }
      if (end instanceof HostDown || !mayReconnect(end.class, attempts)) return this.#failed(end)
      this.#access.observer.emit('proxy_session_reconnecting', {
        ...fields(),
        attempt: this.#attempts,
        error: end.message,
      })
      if (!(await pause(RECONNECT_PAUSE_MS, signal))) return { kind: 'aborted' }
    }
  }

  /** Connects, unless somebody else waits for this host in vain. Rejects with DialFailed; throws what is wrong with TLS settings. */
  #dial(): Promise<SocketStream> | HostDown {
    const { hosts, dial } = this.#access
    const { target, signal, settings, limitMs } = this.#request
    const { ip, port, immediateFailureAfterMs } = target
    this.#io = undefined
    this.#local = this.#sourceIp
    this.#begunMs = this.#access.now()
    if (!hosts.begin(ip, port, immediateFailureAfterMs)) {
      hosts.end(ip, port)
      return new HostDown(target)
    }
    const tls = this.#tlsAtOnce ? this.#tlsOptions() : undefined
    this.#rawlog = this.#access.openRawlog?.(settings)
    const bare = settings.postern_bare_sockets
    const onread = this.#rawlog === undefined && (bare || target.tls === 'none' || this.#tlsAtOnce)
    // One deadline for all of it: it goes on counting when the connection is there.
    const timeoutMs = Math.min(this.#timeoutMs(), limitMs)
    return dial({ ip, port, sourceIp: this.#sourceIp, tls, onread, bare, timeoutMs, signal })
  }

  #notDialled(error: unknown): ProxyFailure {
    const { target } = this.#request
    this.#dialFailed(error)
    this.#access.hosts.end(target.ip, target.port)
    return dialFailure(target, error, this.#step)
  }

  /**
   * The connection is there; a backend must not outlive the client that it is logged in to for. A failure has closed it. Handlers
   * instead of awaits: every login comes this way.
   */
  #logIn(stream: SocketStream): Promise<Welcomed | ProxyFailure> {
    const { hosts } = this.#access
    const { signal, target, loop } = this.#request
    hosts.connected(target.ip, target.port)
    hosts.end(target.ip, target.port)
    const abort = (): void => stream.destroy()
    const fail = (error: unknown): ProxyFailure => {
      signal.removeEventListener('abort', abort)
      return this.#notWelcome(stream, error)
    }
    try {
      if (this.#rawlog !== undefined) stream.tap(this.#rawlog())
      this.#local = stream.local
      loop.connected(stream.local)
      signal.addEventListener('abort', abort)
      if (signal.aborted) abort()
      return this.#converse(stream).then((welcome) => {
        signal.removeEventListener('abort', abort)
        stream.setDeadline(undefined)
        hosts.answered(target.ip, target.port)
        return { stream, welcome }
      }, fail)
    } catch (error) {
      return Promise.resolve(fail(error))
    }
  }

  #notWelcome(stream: SocketStream, error: unknown): ProxyFailure {
    const { ip, port } = this.#request.target
    stream.destroy()
    const failure = dialogueFailure(error, this.#reached)
    const { hosts } = this.#access
    if (isRefusal(failure)) hosts.answered(ip, port)
    else if (error instanceof DeadlineExceeded && this.#hadItsTime)
      hosts.silent(ip, port, failure.message, this.#begunMs)
    return failure
  }

  /** What a failed connect says about the backend, and about our own address. */
  #dialFailed(error: unknown): void {
    if (!(error instanceof DialFailed)) return
    const { ip, port } = this.#request.target
    this.#local = error.local ?? this.#sourceIp
    switch (error.fault) {
      case 'timeout':
      case 'tls-timeout':
        if (!this.#hadItsTime) return undefined
        return this.#access.hosts.failed(ip, port, error.message, this.#begunMs)
      case 'connect':
        return this.#access.hosts.failed(ip, port, error.message, this.#begunMs)
      case 'bind':
        return this.#logBindProblem(error.message)
      case 'tls':
      case 'certificate':
      case 'closed':
        return this.#access.hosts.connected(ip, port)
      case 'aborted':
        return undefined
      default:
        return assertNever(error.fault)
    }
  }

  /** Not behind a PROXY header, which goes in clear text before the handshake. */
  get #tlsAtOnce(): boolean {
    const { tls, haproxy } = this.#request.target
    return tls === 'implicit' && haproxy === undefined
  }

  #tlsOptions(): ClientTlsOptions {
    const { target, settings } = this.#request
    return { context: this.#access.tlsContext(settings), host: target.host, verify: target.verifyCertificate }
  }

  #converse(stream: SocketStream): Promise<BackendWelcome> {
    const { target, protocol } = this.#request
    if (target.haproxy !== undefined) return this.#converseBehindHeader(stream, target.haproxy)
    return protocol.backend(this.#backendIo(stream), target)
  }

  async #converseBehindHeader(stream: SocketStream, version: 'v1' | 'v2'): Promise<BackendWelcome> {
    const { target, protocol, identity, secured } = this.#request
    stream.write(writeProxyHeader(version, headerOf(identity, secured)))
    if (target.tls === 'implicit') await startTlsClient(stream, this.#tlsOptions())
    return await protocol.backend(this.#backendIo(stream), target)
  }

  #backendIo(stream: SocketStream): BackendIo {
    const { settings, identity, hostname, protocol } = this.#request
    const { observer } = this.#access
    this.#io = {
      stream,
      settings,
      identity,
      hostname,
      step: this.#step,
      startTls: () => startTlsClient(stream, this.#tlsOptions()),
      // None of the mechanisms towards backends binds to the channel.
      channelBinding: () => undefined,
      warn: (text) =>
        observer.log('warning', protocol.service, this.#request.fields().line(`${this.#prefix()}${text}`)),
    }
    return this.#io
  }

  /** How far the newest connection came. */
  get #reached(): string {
    return this.#io?.step ?? this.#step
  }

  #prefix(): string {
    const { user, target } = this.#request
    return `proxy(${user},${target.ip}:${target.port}): `
  }

  #connected({ stream, welcome }: Welcomed): BackendConnection {
    return {
      stream,
      welcome,
      sourceIp: this.#sourceIp,
      reconnects: this.#attempts - 1,
      connectMs: this.#elapsedMs(),
    }
  }

  #failed(failure: ProxyFailure): BackendLoginEnd {
    const { user, target, settings, fields } = this.#request
    const text = describeFailure(failure, {
      user,
      target,
      sourceIp: this.#sourceIp,
      local: this.#local,
      step: this.#reached,
      elapsedMs: this.#elapsedMs(),
      reconnects: this.#attempts - 1,
    })
    this.#access.observer.emit('proxy_session_failed', {
      ...fields(),
      ...(this.#sourceIp === undefined ? undefined : { source_ip: this.#sourceIp }),
      text,
      class: failure.class,
      at_once: failure instanceof HostDown,
      verbose_only: isRefusal(failure) && !settings.auth_verbose && !settings.auth_debug,
    })
    return { kind: 'failed', failure }
  }

  /** Once a login, not once a try. */
  #logBindProblem(text: string): void {
    if (this.#bindProblemLogged) return
    this.#bindProblemLogged = true
    this.#access.observer.log('error', this.#request.protocol.service, text)
  }

  /** `login_proxy_timeout = 0` is no limit of its own: the client's three minutes remain. */
  #timeoutMs(): number {
    const { timeoutMs } = this.#request.target
    return timeoutMs === 0 ? this.#request.limitMs : timeoutMs
  }

  /** A timeout was the backend's own, and not the end of the client's three minutes. */
  get #hadItsTime(): boolean {
    return this.#timeoutMs() <= this.#request.limitMs
  }

  #elapsedMs(): number {
    return this.#access.now() - this.#startedMs
  }
}

interface Welcomed {
  readonly stream: SocketStream
  readonly welcome: BackendWelcome
}

/** Somebody else waits for this dead host already; waiting too would not help. */
class HostDown extends ConnectionFailure {
  constructor({ ip, port }: ProxyTarget) {
    super('connect', `connect(${ip}, ${port}) failed: Host is down`, 'after')
  }
}

/** What `haproxy=v1|v2` tells a backend: the client as we know it, possibly itself forwarded. */
function headerOf({ remote, local, localName }: ClientIdentity, secured: boolean): ProxyHeader {
  return {
    source: remote,
    destination: local,
    ...(localName === undefined ? undefined : { authority: localName }),
    ...(secured ? { tls: { certificateVerified: false } } : undefined),
  }
}

/** Resolves with false as soon as the signal fires. */
async function pause(ms: number, signal: Cancellable): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, ms, true)
  const abort = (): void => resolve(false)
  signal.addEventListener('abort', abort)
  try {
    return signal.aborted ? false : await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
