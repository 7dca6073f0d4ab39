import type { AuthConnection, AuthOutcome, AuthRefusal, SaslExchange } from '../auth/auth.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { LentConnection } from '../net/lent-connection.ts'
import { hears, type LoginResult, type Observer } from '../observe/events.ts'
import type { Credentials, LoginVerdict, Protocol } from '../protocols/protocol.ts'
import { InvalidBase64, InvalidBase64Data } from '../sasl/mechanism.ts'
import type { Cancellation } from '../util/cancellation.ts'
import { andFinally, andThen, type Soon } from '../util/soon.ts'
import { authConnection } from './auth-connection.ts'
import type { LoginHistory } from './disconnect-reason.ts'
import type { LoginEnvironment, LoginShared, OpenMail, ReadyBackend } from './environment.ts'
import { type HeldLogin, holdLogin } from './held-login.ts'
import { refuseMechanism } from './mechanisms.ts'
import type { SessionRecord } from './session-record.ts'
import type { ListedBackend } from './registry.ts'

/** What one attempt to log in works with. */
export interface AttemptContext {
  readonly shared: LoginShared
  readonly environment: LoginEnvironment
  readonly protocol: Protocol
  readonly record: SessionRecord
  readonly history: LoginHistory
  readonly secured: boolean
  readonly haproxy: ProxyHeader | undefined
  /** How much of the client's time is left. */
  readonly limitMs: () => number
  /** Of everything that is done for the client, once it is gone. */
  readonly cancellation: Cancellation
  /** The passwords are done with; now a backend is waited for. */
  readonly onBackend: (backend: ListedBackend) => void
  /** As in `LocalLogin`. */
  readonly lend: () => LentConnection | undefined
}

export interface AttemptEnd {
  readonly verdict: LoginVerdict
  readonly result: LoginResult
  /** The client has had its time. */
  readonly tooLate: boolean
  /** With a `proxied` verdict. */
  readonly backend: ReadyBackend | undefined
  /** With a `local` verdict. */
  readonly mail?: OpenMail
}

/** Asks the databases, and follows where they send the login. Faults are thrown, or reject. */
export function attemptLogin(context: AttemptContext, credentials: Credentials): Soon<AttemptEnd> {
  const { shared, environment, record, history, secured, haproxy, cancellation } = context
  const known = credentials.ownCommand ? undefined : environment.auth.mechanisms
  // A command of the protocol's own names its mechanism as the table does.
  const mechanism = credentials.simple === true ? credentials.mechanism : credentials.mechanism.toUpperCase()
  const refusal = refuseMechanism(known, record.settings, secured, context.protocol.name, mechanism)
  if (refusal !== undefined) return refuseAtOnce(context, credentials, refusal)
  record.mechanism = mechanism
  history.phase = 'auth'
  const sinceMs = shared.now()
  const connection = authConnection(record, { haproxy, secured })
  const outcome = environment.auth.authenticate(connection, exchangeOf(context, credentials), cancellation.signal)
  return andThen(outcome, (settled) =>
    settled.kind === 'refused'
      ? authRefused(context, settled)
      : authenticated(context, { connection, tag: credentials.tag }, settled, sinceMs),
  )
}

/** Tells whoever wants to know how an attempt was answered. */
export function tellAttempt(observer: Observer, record: SessionRecord, result: LoginResult, durationMs: number): void {
  if (!hears(observer, 'login_attempt_finished')) return
  observer.emit('login_attempt_finished', {
    ...record.fields(),
    ...(record.user === '' ? undefined : { user: record.user }),
    mechanism: record.mechanism,
    result,
    duration_ms: durationMs,
  })
}

type Authenticated = Parameters<SessionRecord['authenticated']>[0]

function authRefused(context: AttemptContext, { user, why }: Refused): AttemptEnd {
  const { record, history } = context
  if (user !== undefined) record.user = user
  // These come behind the right password.
  if (why.kind === 'nologin' || why.kind === 'referral') history.successes++
  return refuse(history, why)
}

type Refused = Extract<AuthOutcome, { kind: 'refused' }>

/** What was asked, and by which command. */
interface Asked {
  readonly connection: AuthConnection
  readonly tag: string | undefined
}

function authenticated(
  context: AttemptContext,
  asked: Asked,
  outcome: Authenticated,
  sinceMs: number,
): Soon<AttemptEnd> {
  const { shared, environment, record, limitMs, cancellation } = context
  record.authenticated(outcome)
  if (shared.holds === undefined) return followRoute(context, asked, outcome)
  const { auth } = environment
  const { connection } = asked
  const held = holdLogin(shared.holds, { auth, connection, outcome, sinceMs, limitMs, cancellation })
  return andThen(held, (settled) => followHeld(context, asked, settled))
}

function followHeld(context: AttemptContext, asked: Asked, held: HeldLogin): Soon<AttemptEnd> {
  if (held.kind === 'refused') return refuse(context.history, held.why)
  return andFinally(() => followRoute(context, asked, held.outcome), held.leave)
}

function followRoute(context: AttemptContext, asked: Asked, outcome: Authenticated): Soon<AttemptEnd> {
  const { shared, environment, protocol, record, history, haproxy, limitMs, cancellation, onBackend } = context
  const followed = shared.proxy.follow({
    protocol,
    outcome,
    client: record,
    tls: record.tls !== undefined || haproxy?.tls !== undefined,
    hostname: environment.hostname,
    proxySelf: environment.proxySelf,
    limitMs,
    signal: cancellation,
    onBackend,
  })
  return andThen(followed, (end) => {
    if (end.authenticated) history.successes++
    history.backendRefused = end.backendRefused
    if (end.verdict.kind === 'refused') history.lastRefusal = end.verdict.why.kind
    return end.verdict.kind === 'local' ? openMail(context, asked, outcome, end.verdict) : end
  })
}

async function openMail(
  context: AttemptContext,
  { connection, tag }: Asked,
  outcome: Authenticated,
  verdict: Extract<LoginVerdict, { kind: 'local' }>,
): Promise<AttemptEnd> {
  const { shared, environment, protocol, record, history, cancellation, lend } = context
  const { auth, hostname } = environment
  if (shared.local === undefined || protocol.serve === undefined) return notServed(context)
  const { signal } = cancellation
  const opening = await shared.local.open({
    protocol,
    auth,
    connection,
    outcome,
    record,
    hostname,
    tag: tag ?? '',
    lend,
    signal,
  })
  if (opening.kind === 'refused') return refuse(history, opening.why)
  const { mail } = opening
  return {
    verdict: { ...verdict, session: mail.session },
    result: 'local',
    tooLate: false,
    backend: undefined,
    mail,
  }
}

function notServed({ shared, record }: AttemptContext): AttemptEnd {
  const text = `User ${record.user} is to be served here, but there is no local mail service (and no proxy field)`
  shared.observer.log('error', record.service, record.line(text))
  return {
    verdict: { kind: 'proxy-failed', retryLater: true },
    result: 'proxy_dest_internal_failure',
    tooLate: false,
    backend: undefined,
  }
}

function refuse(history: LoginHistory, why: AuthRefusal): AttemptEnd {
  history.lastRefusal = why.kind
  return {
    verdict: { kind: 'refused', why },
    result: refusalResult(why),
    tooLate: false,
    backend: undefined,
  }
}

function refusalResult({ kind }: AuthRefusal): LoginResult {
  if (kind === 'failed') return 'auth_failed'
  return kind === 'temporary' ? 'auth_temporary' : 'refused'
}

/** The SASL dialogue, with its position kept for the log. */
function exchangeOf(context: AttemptContext, credentials: Credentials): SaslExchange {
  const { history, record } = context
  return {
    mechanism: credentials.mechanism,
    initial: credentials.initial,
    async challenge(data) {
      history.phase = 'sasl'
      try {
        const response = await credentials.challenge(data)
        history.phase = 'auth'
        return response
      } catch (error) {
        // The auth service says the others.
        const isOurs = error instanceof InvalidBase64 && !(error instanceof InvalidBase64Data)
        if (isOurs) logVerbosely(context, `Authenticate ${record.mechanism} failed: ${error.message}`)
        throw error
      }
    },
    finish: async (data) => await credentials.finish(data),
    channelBinding: (type) => record.tls?.channelBinding?.(type),
  }
}

/** Before any database is asked. */
function refuseAtOnce(context: AttemptContext, credentials: Credentials, why: AuthRefusal): AttemptEnd {
  if (credentials.simple === true && why.kind !== 'unsupported-mechanism') return refuseShown(context, credentials)
  const { record, history } = context
  record.mechanism = credentials.mechanism.toUpperCase()
  logVerbosely(context, describeRefusal(why, record.mechanism))
  return refuse(history, why)
}

/** A password that was shown in clear by a command of the protocol's own: Dovecot has other words for it. */
function refuseShown(context: AttemptContext, { initial }: Credentials): AttemptEnd {
  const { record, history } = context
  logVerbosely(context, 'Login failed: Plaintext authentication disabled')
  const [, user = ''] = initial?.reveal().toString('utf8').split('\0') ?? []
  if (user !== '') record.user = user
  const end = refuse(history, { kind: 'plaintext-disabled' })
  history.lastRefusal = 'failed'
  return end
}

function describeRefusal({ kind }: AuthRefusal, mechanism: string): string {
  switch (kind) {
    case 'tls-required':
      return 'Login failed: SSL required for authentication'
    case 'plaintext-disabled':
      return `Authenticate ${mechanism} failed: Plaintext authentication disabled.`
    default:
      return `Authenticate ${mechanism} failed: Unsupported authentication mechanism.`
  }
}

function logVerbosely({ shared, record }: AttemptContext, text: string): void {
  if (!record.settings.auth_verbose && !record.settings.auth_debug) return
  shared.observer.log('info', record.service, record.line(text))
}
