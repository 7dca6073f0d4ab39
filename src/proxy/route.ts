import type { AuthRefusal } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { Protocol, ProxyTarget } from '../protocols/protocol.ts'
import { ipFamily, normalizeIp } from '../util/ip.ts'
import type { Secret } from '../util/secret.ts'
import { chooseDestination } from './candidates.ts'
import type { ProxyFields } from './fields.ts'

/** All that the choice depends on: the same question has the same answer. */
export interface RouteQuestion {
  readonly protocol: Pick<Protocol, 'name' | 'ports'>
  readonly fields: ProxyFields
  /** The name after authentication, and the master's in a master login. */
  readonly user: string
  readonly masterUser: string | undefined
  /** What the client used, and what it revealed. */
  readonly mechanism: string
  readonly secret: Secret | undefined
  /** What `hostToResolve` was resolved to; empty when there was nothing to resolve. */
  readonly addresses: readonly string[]
  readonly self: SelfAddress
  readonly ttl: number
  readonly settings: Pick<Settings, 'login_proxy_timeout' | 'ssl_client_require_valid_cert'>
}

/** Where this very connection was accepted. */
export interface SelfAddress {
  /** Of the socket itself. */
  readonly ip: string
  readonly port: number
  /** The port the client connected to, as a trusted proxy in front may have said. */
  readonly forwardedPort: number
  /** `auth_proxy_self`, resolved. */
  readonly others: ReadonlySet<string>
}

export type Route =
  | { readonly kind: 'local' }
  | { readonly kind: 'proxy'; readonly target: ProxyTarget }
  /** An answer of the databases: the protocol has words for it. `log` is a line for the auth log. */
  | { readonly kind: 'refuse'; readonly why: AuthRefusal; readonly log?: string }
  /** The proxy fields cannot be followed; `text` comes after `proxy(user): `. */
  | { readonly kind: 'broken'; readonly text: string }
  /** Too many proxies in a row. No connection is made. */
  | { readonly kind: 'looping'; readonly text: string; readonly target: ProxyTarget }

/** What a proxy can say to a backend; see "Credentials" in the manual's proxy chapter. */
const BACKEND_MECHANISMS: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'EXTERNAL', 'XOAUTH2', 'OAUTHBEARER'])

/** The name that must be resolved before a route can be decided, if any. */
export function hostToResolve(fields: ProxyFields): string | undefined {
  if (!fields.proxy && !fields.proxyMaybe) return undefined
  if (fields.host === undefined || fields.hostip !== undefined) return undefined
  return normalizeIp(fields.host) === undefined ? fields.host : undefined
}

/** Decides where a login goes. Precedence: `proxy`, then `host` without it (a referral), then `nologin`. */
export function decideRoute(question: RouteQuestion): Route {
  const { fields } = question
  if (!fields.proxy && !fields.proxyMaybe) return fields.nologin ? refuseLogin(question) : { kind: 'local' }
  if (!fields.proxyMaybe || !isSelf(question)) return decideProxy(question)
  // Self: host, port and destuser are forgotten; with proxy_always somebody else would have to name a host.
  if (fields.proxyAlways) return { kind: 'broken', text: 'host not given' }
  return fields.nologin ? disabled(fields) : { kind: 'local' }
}

/** `host` without `proxy` matters only together with `nologin`: as a referral (RFC 2221). */
function refuseLogin({ fields, user, mechanism }: RouteQuestion): Route {
  if (fields.host === undefined) return disabled(fields)
  const why: AuthRefusal = {
    kind: 'referral',
    user: fields.destuser ?? user,
    mechanism,
    host: fields.host,
    ...(fields.port === undefined ? {} : { port: fields.port }),
    ...(fields.reason === undefined ? {} : { reason: fields.reason }),
  }
  return { kind: 'refuse', why }
}

function disabled({ reason }: ProxyFields): Route {
  return { kind: 'refuse', why: reason === undefined ? { kind: 'nologin' } : { kind: 'nologin', reason } }
}

/** The test of `proxy_maybe`: the address is ours, and the port is ours or not given. */
function isSelf({ fields, addresses, self }: RouteQuestion): boolean {
  if (fields.port !== undefined && fields.port !== self.forwardedPort) return false
  return namedAddresses(fields, addresses).some((ip) => ip === self.ip || self.others.has(ip))
}

/** An address in `host` is looked at before `hostip`. */
function namedAddresses(fields: ProxyFields, addresses: readonly string[]): readonly string[] {
  const literal = normalizeIp(fields.host ?? '') ?? normalizeIp(fields.hostip ?? '')
  return literal === undefined ? addresses.map((address) => normalizeIp(address) ?? address) : [literal]
}

function decideProxy(question: RouteQuestion): Route {
  const { fields, user, self } = question
  const problem = fields.unusable ?? (fields.host === undefined ? 'host not given' : undefined)
  if (problem !== undefined) return { kind: 'broken', text: problem }
  if (fields.hostip !== undefined && normalizeIp(fields.hostip) === undefined) return wrongHostip(fields)
  const credentials = chooseCredentials(question)
  if (credentials.problem !== undefined) return { kind: 'broken', text: credentials.problem }
  const port = fields.port ?? defaultPort(question)
  if (port === undefined)
    return { kind: 'broken', text: `port not given (ssl has no default port for ${question.protocol.name})` }
  const host = fields.host ?? ''
  const ips = connectAddresses(fields, question.addresses)
  const destination = chooseDestination(ips.map((ip) => ({ host, ip, port })))
  if (destination === undefined) return { kind: 'broken', text: `no address for ${host}` }
  const target = makeTarget(question, destination, credentials)
  if (port === self.port && destination.ip === self.ip && target.destuser === user) {
    return { kind: 'broken', text: 'Proxying loops to itself' }
  }
  if (question.ttl > 1) return { kind: 'proxy', target }
  return { kind: 'looping', text: 'TTL reached zero - proxies appear to be looping?', target }
}

/** Beside a host name the auth service notices it, beside an address the login service does: different answers. */
function wrongHostip({ host, hostip }: ProxyFields): Route {
  if (normalizeIp(host ?? '') !== undefined) return { kind: 'broken', text: `Invalid hostip ${hostip}` }
  return { kind: 'refuse', why: { kind: 'failed' }, log: `Invalid hostip in passdb: ${hostip}` }
}

/** `hostip` is connected to whenever it is there, even beside an address in `host`. */
export function connectAddresses(fields: ProxyFields, addresses: readonly string[]): readonly string[] {
  const text = fields.hostip ?? fields.host ?? ''
  const literal = normalizeIp(text)
  if (literal === undefined) return addresses
  // A zone says on which link a link-local address lives.
  return [text.includes('%') ? text : literal]
}

function defaultPort({ protocol, fields }: RouteQuestion): number | undefined {
  return fields.tls === 'implicit' ? protocol.ports.tls : protocol.ports.plain
}

interface Credentials {
  readonly mechanism: string | undefined
  readonly master: string | undefined
  readonly secret: Secret | undefined
  readonly problem: string | undefined
}

function chooseCredentials(question: RouteQuestion): Credentials {
  const { protocol, fields, masterUser } = question
  const master = fields.master ?? masterUser
  const secret = fields.pass ?? question.secret
  const asked = fields.mechanism === '%M' ? question.mechanism.toUpperCase() : fields.mechanism
  const mechanism = asked ?? (master === undefined ? undefined : 'PLAIN')
  const needsSecret = mechanism !== 'EXTERNAL' && !(fields.noauth && protocol.name === 'submission')
  if (secret === undefined && needsSecret) return { mechanism, master, secret, problem: 'password not given' }
  if (mechanism !== undefined && !BACKEND_MECHANISMS.has(mechanism)) {
    return { mechanism, master, secret, problem: `Unsupported SASL mechanism ${mechanism}` }
  }
  return { mechanism, master, secret, problem: undefined }
}

function makeTarget(
  { fields, user, ttl, settings }: RouteQuestion,
  { host, ip, port }: { host: string; ip: string; port: number },
  { mechanism, master, secret }: Credentials,
): ProxyTarget {
  const sourceIp = fields.sourceIp === undefined ? undefined : normalizeIp(fields.sourceIp)
  return {
    host,
    ip,
    port,
    // What is no address is ignored, and so is one of the other family: connecting with it could only fail.
    ...(sourceIp !== undefined && ipFamily(sourceIp) === ipFamily(ip) ? { sourceIp } : undefined),
    tls: fields.tls,
    verifyCertificate: !fields.anyCert && settings.ssl_client_require_valid_cert,
    destuser: fields.destuser ?? user,
    ...(master === undefined ? undefined : { master }),
    secret,
    ...(mechanism === undefined ? undefined : { mechanism }),
    nopipelining: fields.nopipelining,
    notTrusted: fields.notTrusted,
    noauth: fields.noauth,
    ttl: ttl - 1,
    // What a proxy in front forwarded is among the fields, unless the databases took it out.
    forward: fields.forward,
    timeoutMs: fields.timeoutMs ?? settings.login_proxy_timeout,
    immediateFailureAfterMs: fields.immediateFailureAfterMs,
    ...(fields.haproxy === undefined ? undefined : { haproxy: fields.haproxy }),
  }
}
