import type { AuthRefusal } from '../auth/auth.ts'
import type { LoginVerdict, ProxyTarget } from '../protocols/protocol.ts'
import { ProxyFailure } from '../protocols/proxy-failure.ts'
import { assertNever } from '../util/assert-never.ts'
import { andThen, type Soon } from '../util/soon.ts'
import {
  type AuthenticatedLogin,
  type Destination,
  destinationOf,
  type FollowEnd,
  type ProxyClient,
  proxySessionFields,
} from './client.ts'
import { type BackendAccess, type BackendLoginEnd, loginToBackend } from './connect.ts'
import { describeFailure, failureResult, failureVerdict, isRefusal } from './failure.ts'
import { parseProxyFields, type ProxyFields } from './fields.ts'
import type { LoopGuard, LoopPass } from './loops.ts'
import { ProxyBackend, type SessionAccess } from './proxied-session.ts'
import { type Resolved, type Resolver, resolveTimeoutMs } from './resolve.ts'
import { decideRoute, hostToResolve, type Route, type RouteQuestion } from './route.ts'

/** What following a route takes. Shared by all sessions of a process. */
export interface FollowAccess extends BackendAccess, SessionAccess {
  readonly resolver: Resolver
  readonly loops: LoopGuard
}

type End = FollowEnd<ProxyBackend>

/** From what the databases said to a verdict: decides where the login goes, and takes it there. */
export function follow(access: FollowAccess, login: AuthenticatedLogin): Soon<End> {
  const { client } = login
  const { fields, problems } = parseProxyFields(login.outcome.fields)
  const name = hostToResolve(fields)
  const resolved = name === undefined ? NOTHING : access.resolver.resolve(name, resolveTimeoutMs(fields))
  return andThen(resolved, (answer) => {
    if (answer.kind === 'failed') return refused({ kind: 'temporary' }, false)
    if (fields.proxy || fields.proxyMaybe) {
      for (const problem of problems) access.observer.log('error', client.service, client.line(problem))
    }
    return take(access, login, fields, decideRoute(questionOf(login, fields, answer.addresses)))
  })
}

/** There was no name to resolve. */
const NOTHING: Resolved = { kind: 'resolved', addresses: [] }

function take(access: FollowAccess, login: AuthenticatedLogin, fields: ProxyFields, route: Route): Soon<End> {
  switch (route.kind) {
    case 'local':
      return {
        ...ENDED,
        verdict: { kind: 'local', user: login.outcome.user, fields: login.outcome.fields },
        result: 'local',
      }
    case 'refuse':
      if (route.log !== undefined) access.observer.log('error', 'auth', route.log)
      return refused(route.why, route.why.kind !== 'failed')
    case 'broken':
      return cannotProxy(access, login, fields, route.text)
    case 'looping':
      return looping(access, login, route.target, route.text)
    case 'proxy':
      return proxy(access, login, fields, route.target)
    default:
      return assertNever(route)
  }
}

function questionOf(
  { protocol, outcome, client, proxySelf }: AuthenticatedLogin,
  fields: ProxyFields,
  addresses: readonly string[],
): RouteQuestion {
  const { identity, realLocal, settings } = client
  return {
    protocol,
    fields,
    user: outcome.user,
    masterUser: outcome.masterUser,
    mechanism: outcome.mechanism,
    secret: outcome.secret,
    addresses,
    self: { ip: realLocal.ip, port: realLocal.port, forwardedPort: identity.local.port, others: proxySelf },
    ttl: identity.ttl,
    settings,
  }
}

const ENDED = { authenticated: true, backendRefused: false, tooLate: false, backend: undefined } as const

function refused(why: AuthRefusal, authenticated: boolean): End {
  const result = why.kind === 'failed' ? 'auth_failed' : why.kind === 'temporary' ? 'auth_temporary' : 'refused'
  return { ...ENDED, verdict: { kind: 'refused', why }, result, authenticated }
}

const UNAVAILABLE: LoginVerdict = { kind: 'proxy-failed', retryLater: true }

/** The databases say to proxy, but not so that it can be done. */
function cannotProxy(
  access: FollowAccess,
  { client }: AuthenticatedLogin,
  { host = '' }: ProxyFields,
  text: string,
): End {
  // Without an address the log says `proxy(user): ` only.
  const nowhere = { host, ip: '', port: 0, user: client.user, master: undefined }
  access.observer.emit('proxy_session_failed', {
    ...proxySessionFields(client, nowhere),
    text,
    class: 'internal',
    at_once: false,
    verbose_only: false,
  })
  return { ...ENDED, verdict: UNAVAILABLE, result: 'proxy_dest_internal_failure' }
}

function looping(access: FollowAccess, { client }: AuthenticatedLogin, target: ProxyTarget, reason: string): End {
  const failure = new ProxyFailure('remote-config', reason)
  const { user } = client
  const nothing = { sourceIp: undefined, local: undefined, step: '', elapsedMs: 0, reconnects: 0 }
  access.observer.emit('proxy_session_failed', {
    ...proxySessionFields(client, destinationOf(target)),
    text: describeFailure(failure, { user, target, ...nothing }),
    class: failure.class,
    at_once: false,
    verbose_only: false,
  })
  return { ...ENDED, verdict: failureVerdict(failure), result: failureResult(failure) }
}

function proxy(access: FollowAccess, login: AuthenticatedLogin, fields: ProxyFields, target: ProxyTarget): Soon<End> {
  const { identity, realLocal, realRemote } = login.client
  const { session, sessionForwarded, ttl } = identity
  const origin = { session, forwarded: sessionForwarded === true, ttl, remote: realRemote, local: realLocal }
  const loop = access.loops.enter(origin, target)
  if (loop === undefined) return looping(access, login, target, 'This login is on its way there already - proxies loop')
  const destination = destinationOf(target)
  const settle = (end: BackendLoginEnd): End => {
    loop.leave()
    return conclude(access, login.client, end, target, fields)
  }
  const fail = (error: unknown): never => {
    loop.leave()
    throw error
  }
  try {
    login.onBackend(destination)
    return connect(access, login, target, destination, loop).then(settle, fail)
  } catch (error) {
    return fail(error)
  }
}

function connect(
  access: FollowAccess,
  { protocol, client, tls, hostname, limitMs, signal }: AuthenticatedLogin,
  target: ProxyTarget,
  destination: Destination,
  loop: LoopPass,
): Promise<BackendLoginEnd> {
  return loginToBackend(access, {
    protocol,
    target,
    user: client.user,
    identity: client.identity,
    secured: tls,
    settings: client.settings,
    hostname,
    fields: () => proxySessionFields(client, destination),
    limitMs: limitMs(),
    loop,
    signal,
  })
}

function conclude(
  access: SessionAccess,
  client: ProxyClient,
  end: BackendLoginEnd,
  target: ProxyTarget,
  fields: ProxyFields,
): End {
  switch (end.kind) {
    case 'connected': {
      const { connection } = end
      const verdict: LoginVerdict = { kind: 'proxied', welcome: connection.welcome }
      const backend = new ProxyBackend(access, client, { connection, target, fields })
      return { ...ENDED, verdict, result: 'proxied', backend }
    }
    case 'failed': {
      const { failure } = end
      const backendRefused = isRefusal(failure)
      return { ...ENDED, verdict: failureVerdict(failure), result: failureResult(failure), backendRefused }
    }
    case 'too-late':
      return { ...ENDED, verdict: UNAVAILABLE, result: 'proxy_dest_connect_failed', tooLate: true }
    case 'aborted':
      // Nobody reads it.
      return { ...ENDED, verdict: UNAVAILABLE, result: 'proxy_dest_connect_failed' }
    default:
      return assertNever(end)
  }
}
