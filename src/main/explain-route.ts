import type { ExplainedRoute } from '../admin/explain/explanation.ts'
import type { AuthConnection, AuthRefusal, AuthService, ExtraFields } from '../auth/auth.ts'
import { shownValue } from '../auth/log-text.ts'
import type { Settings } from '../config/config.ts'
import { LOGIN_LIMITS } from '../login/limits.ts'
import { loginProtocols } from '../protocols/index.ts'
import type { ClientIdentity, ProxyTarget } from '../protocols/protocol.ts'
import { parseProxyFields, type ProxyFields } from '../proxy/fields.ts'
import { decideLmtpRoute, type LmtpRoute } from '../proxy/lmtp-route.ts'
import { systemLookUp, type LookUp } from '../proxy/resolve.ts'
import { decideRoute, hostToResolve, type Route } from '../proxy/route.ts'
import { Secret } from '../util/secret.ts'
import { destinationDetails, type Detail } from './explain-destination.ts'
import { rehearse } from './rehearsal.ts'

/** A user that the databases let in or know. */
export interface RoutedUser {
  readonly user: string
  /** The name that was asked for. */
  readonly asked: string
  readonly masterUser: string | undefined
  /** The client's; PLAIN in a lookup. */
  readonly mechanism: string
  readonly fields: ExtraFields
  readonly userdbFields: ExtraFields
}

export interface RouteScene {
  readonly connection: AuthConnection
  readonly settings: Settings
  readonly hostname: string
  /** `auth_proxy_self`, resolved. */
  readonly proxySelf: ReadonlySet<string>
  readonly auth: Pick<AuthService, 'lookupUser'>
  /** Of mail that is kept here. */
  readonly mail?: (user: string, fields: ReadonlyMap<string, string>) => readonly Detail[]
  readonly lookUp?: LookUp
  readonly signal: AbortSignal
}

/** Where a session of this user goes, and how: the same decision that the server makes. */
export async function explainRoute(user: RoutedUser, scene: RouteScene): Promise<ExplainedRoute> {
  const { fields, problems } = parseProxyFields(user.fields)
  const name = hostToResolve(fields)
  const resolved = name === undefined ? [] : await lookUpAll(name, scene.lookUp ?? systemLookUp)
  const notes: Detail[] = problems.map((problem) => ['problem', problem])
  if (typeof resolved === 'string') {
    return { kind: 'broken', text: `DNS lookup for ${name} failed: ${resolved}`, details: notes, sent: [] }
  }
  if (name !== undefined) notes.push(['DNS', `${name} is ${resolved.join(', ')}`])
  const found =
    scene.connection.service === 'lmtp'
      ? await explainLmtp(user, fields, resolved, scene)
      : await explainLogin(user, fields, resolved, scene)
  return { ...found, details: [...notes, ...found.details] }
}

async function lookUpAll(name: string, lookUp: LookUp): Promise<readonly string[] | string> {
  try {
    return await lookUp(name)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function explainLogin(
  user: RoutedUser,
  fields: ProxyFields,
  addresses: readonly string[],
  scene: RouteScene,
): Promise<ExplainedRoute> {
  const { connection, settings, proxySelf, hostname } = scene
  const protocol = loginProtocols.find((candidate) => candidate.name === connection.service)
  if (protocol === undefined)
    return nothingMore(`no proxy for service ${connection.service}: the fields are what it gets`)
  const route = decideRoute({
    protocol,
    fields,
    user: user.user,
    masterUser: user.masterUser,
    mechanism: user.mechanism,
    // What a client would give; it is never shown.
    secret: new Secret('(password)'),
    addresses,
    self: {
      ip: connection.realLocal.ip,
      port: connection.realLocal.port,
      forwardedPort: connection.local.port,
      others: proxySelf,
    },
    ttl: LOGIN_LIMITS.ttl,
    settings,
  })
  if (route.kind === 'local') return await explainLocal(user, scene)
  if (route.kind !== 'proxy') return explainStop(route)
  const target = { ...route.target, forward: shownForward(route.target.forward) }
  return {
    kind: 'proxy',
    text: `proxied to ${target.host}, port ${target.port}`,
    details: [...destinationDetails(target, settings), ...loginDetails(target, fields, settings)],
    sent: await rehearse(protocol, target, { settings, hostname, identity: identityOf(connection) }),
  }
}

/** Forwarded fields may be secrets too. */
function shownForward(forward: ReadonlyMap<string, string | null>): ReadonlyMap<string, string | null> {
  return new Map([...forward].map(([name, value]) => [name, value === null ? null : shownValue(name, value)]))
}

function identityOf({ session, remote, local, forward, localName }: AuthConnection): ClientIdentity {
  return {
    session,
    remote,
    local,
    ttl: LOGIN_LIMITS.ttl,
    forward,
    ...(localName !== undefined && { localName }),
  }
}

function loginDetails(target: ProxyTarget, fields: ProxyFields, settings: Settings): readonly Detail[] {
  const { destuser, master, mechanism, noauth, ttl, timeoutMs } = target
  const password = fields.pass === undefined ? "the client's own" : 'the `pass` field of the passdb'
  return [
    ['user', master === undefined ? destuser : `${destuser}, with the name and password of ${master}`],
    ['password', noauth ? 'none (proxy_noauth, Submission only)' : password],
    ['mechanism', mechanism ?? "the protocol's own login"],
    ['time limit', `${timeoutMs / 1000} s, at most ${settings.login_proxy_max_reconnects + 1} attempts`],
    ['hops left', String(ttl)],
  ]
}

async function explainLmtp(
  user: RoutedUser,
  fields: ProxyFields,
  addresses: readonly string[],
  scene: RouteScene,
): Promise<ExplainedRoute> {
  const { connection, settings, proxySelf } = scene
  if (!settings.lmtp_proxy && (fields.proxy || fields.proxyMaybe)) {
    return { ...(await explainLocal(user, scene)), text: 'delivered here: lmtp_proxy = no' }
  }
  const route: LmtpRoute = decideLmtpRoute({
    fields: user.fields,
    user: user.asked,
    found: user.user,
    addresses,
    self: { ...connection.realLocal, others: proxySelf },
    ttl: undefined,
    settings,
  })
  switch (route.kind) {
    case 'local':
      return await explainLocal(user, scene)
    case 'misconfigured':
      return { kind: 'broken', text: `cannot be proxied: ${route.text}`, details: [], sent: [] }
    case 'looping':
      return { kind: 'broken', text: `cannot be proxied: it would loop (${route.why})`, details: [], sent: [] }
    case 'proxy': {
      const { destination, destuser } = route
      const forward = shownForward(route.forward)
      const details: readonly Detail[] = [
        ['protocol', destination.protocol],
        ...destinationDetails({ ...destination, forward }, settings),
        ['recipient', destuser],
      ]
      return { kind: 'proxy', text: `proxied to ${destination.host}, port ${destination.port}`, details, sent: [] }
    }
  }
}

async function explainLocal(
  { user, userdbFields }: RoutedUser,
  { auth, connection, signal, mail }: RouteScene,
): Promise<ExplainedRoute> {
  const lookup = await auth.lookupUser(connection, user, userdbFields, signal)
  const route = { kind: 'local', text: 'served on this server', sent: [] } as const
  switch (lookup.kind) {
    case 'found':
      return {
        ...route,
        details: [
          ...[...lookup.fields].map(([name, value]): Detail => [`userdb ${name}`, value]),
          ...(mail?.(lookup.user, lookup.fields) ?? []),
        ],
      }
    case 'unknown':
      return { ...route, details: [['problem', 'the userdbs do not know the user: the login fails']] }
    case 'temporary':
      return { ...route, details: [['problem', 'a userdb failed: the login fails for now']] }
  }
}

function explainStop(route: Exclude<Route, { kind: 'local' | 'proxy' }>): ExplainedRoute {
  switch (route.kind) {
    case 'refuse':
      return { ...nothingMore(`refused: ${refusalText(route.why)}`), kind: 'refuse' }
    case 'broken':
    case 'looping':
      return { ...nothingMore(`cannot be proxied: ${route.text}`), kind: 'broken' }
  }
}

function refusalText(why: AuthRefusal): string {
  switch (why.kind) {
    case 'nologin':
      return `nologin${why.reason === undefined ? '' : ` (reason: ${why.reason})`}`
    case 'referral':
      return `the client is referred to ${why.host}`
    default:
      return why.kind
  }
}

function nothingMore(text: string): ExplainedRoute {
  return { kind: 'refuse', text, details: [], sent: [] }
}
