import type { AuthConnection, AuthOutcome, AuthRefusal, SaslExchange } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { ByteStream } from '../net/byte-stream.ts'
import type { LoginResult, ProxySessionFields } from '../observe/events.ts'
import type { Credentials, LoginVerdict, Protocol, ProxyTarget } from '../protocols/protocol.ts'
import { ProxyFailure } from '../protocols/proxy-failure.ts'
import { type BackendConnection, loginToBackend } from '../proxy/connect.ts'
import { describeFailure, failureResult, failureVerdict, isRefusal } from '../proxy/failure.ts'
import { parseProxyFields, type ProxyFields } from '../proxy/fields.ts'
import { RESOLVE_LIMITS } from '../proxy/resolve.ts'
import { decideRoute, hostToResolve, type Route } from '../proxy/route.ts'
import { assertNever } from '../util/assert-never.ts'
import { authConnection } from './auth-connection.ts'
import type { LoginHistory } from './disconnect-reason.ts'
import type { HaproxyClient, LoginEnvironment, LoginShared } from './environment.ts'
import { refuseMechanism } from './mechanisms.ts'
import type { SessionRecord } from './session-record.ts'

/** What one attempt to log in works with. */
export interface AttemptContext {
  readonly shared: LoginShared
  readonly environment: LoginEnvironment
  readonly protocol: Protocol
  readonly stream: ByteStream
  readonly record: SessionRecord
  readonly history: LoginHistory
  readonly secured: boolean
  readonly haproxy: HaproxyClient | undefined
  /** How much of the client's time is left. */
  readonly limitMs: () => number
  readonly signal: AbortSignal
}

export interface AttemptEnd {
  readonly verdict: LoginVerdict
  readonly result: LoginResult
  /** The backend that let the user in. */
  readonly proxied?: ProxiedLogin
  /** The client has had its three minutes. */
  readonly tooLate?: true
}

/** A login that went through, without its secrets. */
export interface ProxiedLogin {
  readonly connection: BackendConnection
  readonly destination: Destination
  readonly alternatives: ReadonlyMap<string, string>
  readonly refreshSecs: number | undefined
}

/** Where a proxied session goes, as logs and listings tell it. */
export interface Destination {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly user: string
  readonly master: string | undefined
}

type Authenticated = Extract<AuthOutcome, { kind: 'ok' }>

/** Asks the databases, decides where the login goes, and takes it there. Faults are thrown. */
export async function attemptLogin(context: AttemptContext, credentials: Credentials): Promise<AttemptEnd> {
  const { environment, record, history, secured, signal } = context
  const refusal = refuseMechanism(environment.auth.mechanisms, record.settings, secured, record.mechanism)
  if (refusal !== undefined) {
    logMechanismRefusal(context, refusal)
    return refuse(context, refusal)
  }
  history.phase = 'auth'
  const outcome = await environment.auth.authenticate(connectionOf(context), exchangeOf(context, credentials), signal)
  if (outcome.kind === 'refused') {
    if (outcome.user !== undefined) record.user = outcome.user
    return refuse(context, outcome.why)
  }
  rememberUser(record, outcome)
  return await follow(context, outcome)
}

function rememberUser(record: SessionRecord, outcome: Authenticated): void {
  record.user = outcome.user
  record.originalUser = outcome.originalUser
  record.masterUser = outcome.masterUser
  // Only for formats that ask: the fields of thousands of sessions are not kept for nothing.
  if (record.settings.login_log_format_elements.includes('{passdb:')) record.passdbFields = outcome.fields
}

/** From what the databases said to a verdict. */
async function follow(context: AttemptContext, outcome: Authenticated): Promise<AttemptEnd> {
  const { shared, record, history } = context
  const { fields, problems } = parseProxyFields(outcome.fields)
  const name = hostToResolve(fields)
  const resolved = name === undefined ? undefined : await shared.resolver.resolve(name, resolveTimeout(fields))
  if (resolved?.kind === 'failed') return refuse(context, { kind: 'temporary' })
  if (fields.proxy || fields.proxyMaybe) {
    for (const problem of problems) shared.observer.log('error', record.service, record.line(problem))
  }
  const route = decideRoute(questionOf(context, outcome, fields, resolved?.addresses ?? []))
  if (route.kind === 'refuse' && route.why.kind === 'failed') {
    if (route.log !== undefined) shared.observer.log('error', 'auth', route.log)
    return refuse(context, route.why)
  }
  history.successes++
  return await take(context, route, outcome, fields)
}

async function take(
  context: AttemptContext,
  route: Route,
  outcome: Authenticated,
  fields: ProxyFields,
): Promise<AttemptEnd> {
  switch (route.kind) {
    case 'local':
      return serveHere(context, outcome)
    case 'refuse':
      return refuse(context, route.why)
    case 'broken':
      return cannotProxy(context, route.text, fields)
    case 'looping':
      return reportLoop(context, route.target, route.text)
    case 'proxy':
      return await proxyTo(context, route.target, fields)
    default:
      return assertNever(route)
  }
}

/** `proxy_timeout` bounds the lookup too when it is whole seconds. */
function resolveTimeout({ timeoutMs }: ProxyFields): number {
  return timeoutMs !== undefined && timeoutMs % 1000 === 0 ? timeoutMs : RESOLVE_LIMITS.timeoutMs
}

function questionOf(
  { protocol, record, environment }: AttemptContext,
  { user, masterUser, mechanism, secret }: Authenticated,
  fields: ProxyFields,
  addresses: readonly string[],
): Parameters<typeof decideRoute>[0] {
  const { identity, realLocal, settings } = record
  const self = {
    ip: realLocal.ip,
    port: realLocal.port,
    forwardedPort: identity.local.port,
    others: environment.proxySelf,
  }
  const { ttl, forward } = identity
  return { protocol, fields, user, masterUser, mechanism, secret, addresses, self, ttl, forward, settings }
}

function refuse({ history }: AttemptContext, why: AuthRefusal): AttemptEnd {
  history.lastRefusal = why.kind
  return { verdict: { kind: 'refused', why }, result: refusalResult(why) }
}

function refusalResult({ kind }: AuthRefusal): LoginResult {
  if (kind === 'failed') return 'auth_failed'
  return kind === 'temporary' ? 'auth_temporary' : 'refused'
}

function serveHere({ shared, record }: AttemptContext, { user, fields }: Authenticated): AttemptEnd {
  if (shared.serveLocal !== undefined) return { verdict: { kind: 'local', user, fields }, result: 'local' }
  const text = `${record.protocol}: user has no proxy field, and there is no local mail service`
  shared.observer.log('error', record.service, record.line(text))
  return { verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_internal_failure' }
}

/** The databases say to proxy, but not so that it can be done. */
function cannotProxy({ shared, record }: AttemptContext, text: string, { host }: ProxyFields): AttemptEnd {
  shared.observer.emit('proxy_session_failed', {
    ...record.fields(),
    user: record.user,
    dest_host: host ?? '',
    dest_ip: '',
    dest_port: 0,
    text,
    class: 'internal',
    verbose_only: false,
  })
  return { verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_internal_failure' }
}

function reportLoop(context: AttemptContext, target: ProxyTarget, text: string): AttemptEnd {
  const { shared, record } = context
  const failure = new ProxyFailure('remote-config', text)
  shared.observer.emit('proxy_session_failed', {
    ...proxySessionFields(record, destinationOf(target)),
    text: describeFailure(failure, {
      user: record.user,
      target,
      sourceIp: undefined,
      local: undefined,
      step: '',
      elapsedMs: 0,
      reconnects: 0,
    }),
    class: failure.class,
    verbose_only: false,
  })
  return { verdict: failureVerdict(failure), result: failureResult(failure) }
}

async function proxyTo(context: AttemptContext, target: ProxyTarget, fields: ProxyFields): Promise<AttemptEnd> {
  const { shared, environment, protocol, record, history, signal } = context
  const chain = shared.loops.chainOf(record.identity.session, record.realRemote)
  const loop = shared.loops.enter(chain, `${target.ip} ${target.port} ${target.destuser}`)
  if (loop === undefined) return reportLoop(context, target, 'This login is on its way there already - proxies loop')
  history.phase = 'backend'
  const destination = destinationOf(target)
  try {
    const end = await loginToBackend(shared.backends, {
      protocol,
      target,
      user: record.user,
      identity: record.identity,
      secured: context.stream.tls !== undefined,
      settings: record.settings,
      hostname: environment.hostname,
      fields: () => proxySessionFields(record, destination),
      limitMs: context.limitMs(),
      loop,
      signal,
    })
    switch (end.kind) {
      case 'connected':
        return connected(end.connection, destination, fields)
      case 'failed':
        history.backendRefused = isRefusal(end.failure)
        return { verdict: failureVerdict(end.failure), result: failureResult(end.failure) }
      case 'too-late':
        return { ...UNANSWERED, tooLate: true }
      case 'aborted':
        return UNANSWERED
      default:
        return assertNever(end)
    }
  } finally {
    loop.leave()
  }
}

/** Nobody reads it: the client is gone, or has been told something else. */
const UNANSWERED: AttemptEnd = {
  verdict: { kind: 'proxy-failed', retryLater: true },
  result: 'proxy_dest_connect_failed',
}

function connected(connection: BackendConnection, destination: Destination, fields: ProxyFields): AttemptEnd {
  const { alternatives, refreshSecs } = fields
  return {
    verdict: { kind: 'proxied', welcome: connection.welcome },
    result: 'proxied',
    proxied: { connection, destination, alternatives, refreshSecs },
  }
}

function destinationOf({ host, ip, port, destuser, master }: ProxyTarget): Destination {
  return { host, ip, port, user: destuser, master }
}

/** What every event of a proxied session carries. */
export function proxySessionFields(
  record: SessionRecord,
  { host, ip, port, user, master }: Destination,
): ProxySessionFields {
  const fields = {
    ...record.fields(),
    user: record.user,
    dest_host: host,
    dest_ip: ip,
    dest_port: port,
    dest_user: user,
  }
  return master === undefined ? fields : { ...fields, master_user: master }
}

function connectionOf({ record, stream, haproxy, secured }: AttemptContext): AuthConnection {
  return authConnection(record, { tls: stream.tls, haproxy, secured })
}

/** The SASL dialogue, with its position kept for the log. */
function exchangeOf({ history }: AttemptContext, credentials: Credentials): SaslExchange {
  return {
    mechanism: credentials.mechanism,
    initial: credentials.initial,
    async challenge(data) {
      history.phase = 'sasl'
      const response = await credentials.challenge(data)
      history.phase = 'auth'
      return response
    },
    finish: async (data) => await credentials.finish(data),
    // Dovecot 2.3 has no mechanism that binds to the channel.
    channelBinding: () => undefined,
  }
}

const MECHANISM_REFUSALS: Partial<Record<AuthRefusal['kind'], string>> = {
  'plaintext-disabled': 'Plaintext authentication disabled.',
  'unsupported-mechanism': 'Unsupported authentication mechanism.',
  'tls-required': 'SSL required for authentication',
}

function logMechanismRefusal({ shared, record }: AttemptContext, { kind }: AuthRefusal): void {
  if (!isVerbose(record.settings)) return
  const text = `Authenticate ${record.mechanism} failed: ${MECHANISM_REFUSALS[kind] ?? kind}`
  shared.observer.log('info', record.service, record.line(text))
}

function isVerbose(settings: Settings): boolean {
  return settings.auth_verbose || settings.auth_debug
}
