import type { AuthConnection, AuthService, PassdbLookup } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { Endpoint } from '../net/byte-stream.ts'
import { DialFailed, type DialOptions } from '../net/dial.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import { writeProxyHeader } from '../net/haproxy-write.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import { type ClientTlsOptions, startTlsClient } from '../net/tls.ts'
import type { ClientTlsContext } from '../net/tls-context.ts'
import type { Observer } from '../observe/events.ts'
import { parseProxyFields } from './fields.ts'
import type { BackendHosts } from './hosts.ts'
import { decideLmtpRoute, type LmtpDestination, type LmtpRoute } from './lmtp-route.ts'
import type { OwnConnections } from './own-connections.ts'
import { type Resolver, resolveTimeoutMs } from './resolve.ts'
import { hostToResolve } from './route.ts'

/** What the LMTP proxy needs of the rest of the server. Shared by all connections of a process. */
export interface LmtpProxyAccess {
  readonly observer: Observer
  readonly resolver: Resolver
  readonly hosts: BackendHosts
  readonly own: OwnConnections
  readonly dial: (options: DialOptions) => Promise<SocketStream>
  /** Whom to trust, and our own certificate. Throws TlsSettingsError. */
  readonly tlsContext: (settings: Settings) => ClientTlsContext
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** The client on whose behalf mail is sent on. */
export interface LmtpSender {
  readonly remote: Endpoint
  readonly realRemote: Endpoint
  readonly realLocal: Endpoint
  /** Where it connected to: us, or the balancer in front. */
  readonly local: Endpoint
  /** The name that it asked for in TLS. */
  readonly localName: string | undefined
  /** TLS ends here, or ended at the balancer in front, or there is none. */
  readonly tls: 'here' | 'before' | 'none'
  /** Hops left; undefined when nobody said. */
  readonly ttl: number | undefined
  readonly settings: Settings
}

export interface LmtpLookup {
  /** The recipient without detail. */
  readonly user: string
  readonly forward: ReadonlyMap<string, string>
  readonly client: LmtpSender
}

/** What the databases make of a recipient. */
export type LmtpRecipientRoute =
  | Exclude<LmtpRoute, { kind: 'local' }>
  | {
      readonly kind: 'local'
      readonly account: { readonly user: string; readonly fields: ReadonlyMap<string, string> }
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'lookup-failed' }

/** One configuration's databases. */
export interface LmtpDirectory {
  readonly auth: AuthService
  /** `auth_proxy_self`, resolved. */
  readonly proxySelf: ReadonlySet<string>
}

/**
 * Asks the passdb (with `lmtp_proxy`) whether the recipient lives elsewhere, and the userdb whether here. Never rejects:
 * databases that do not answer are `lookup-failed`, and in the log.
 */
export async function routeLmtpRecipient(
  access: LmtpProxyAccess,
  { auth, proxySelf }: LmtpDirectory,
  lookup: LmtpLookup,
  signal: AbortSignal,
): Promise<LmtpRecipientRoute> {
  const { user, client } = lookup
  const connection = connectionOf(lookup)
  if (client.settings.lmtp_proxy) {
    const found = await auth.lookupPassdb(connection, user, signal)
    if (found.kind === 'refused') return { kind: 'lookup-failed' }
    if (found.kind === 'found') {
      const addresses = await resolveHost(access.resolver, found)
      if (addresses === undefined) return { kind: 'lookup-failed' }
      const route = decideLmtpRoute({
        fields: found.fields,
        user,
        found: found.user,
        addresses,
        self: { ip: client.realLocal.ip, port: client.realLocal.port, others: proxySelf },
        ttl: client.ttl,
        settings: client.settings,
      })
      if (route.kind !== 'local') return route
    }
  }
  const userdb = await auth.lookupUser(connection, user, undefined, signal)
  if (userdb.kind === 'temporary') return { kind: 'lookup-failed' }
  return userdb.kind === 'found'
    ? { kind: 'local', account: { user: userdb.user, fields: userdb.fields } }
    : { kind: 'unknown' }
}

/** Undefined when the DNS failed; the log has the reason. */
async function resolveHost(
  resolver: Resolver,
  { fields }: Extract<PassdbLookup, { kind: 'found' }>,
): Promise<readonly string[] | undefined> {
  const proxyFields = parseProxyFields(fields).fields
  const name = hostToResolve(proxyFields)
  if (name === undefined) return []
  const resolved = await resolver.resolve(name, resolveTimeoutMs(proxyFields))
  return resolved.kind === 'resolved' ? resolved.addresses : undefined
}

function connectionOf({ client, forward }: LmtpLookup): AuthConnection {
  const { remote, realRemote, local, realLocal, tls } = client
  return {
    service: 'lmtp',
    // As Dovecot: a lookup is not part of a session.
    session: '',
    local,
    remote,
    realLocal,
    realRemote,
    secured: tls === 'here' ? 'TLS' : tls === 'before' || realLocal.ip === realRemote.ip ? 'secured' : '',
    forward,
  }
}

/** A connection to a backend, and its STARTTLS. */
export interface LmtpLink {
  readonly stream: SocketStream
  startTls(): Promise<void>
}

/** Connects to a backend: source address, PROXY header, TLS where it comes first. Rejects with DialFailed, TlsFailed or TlsSettingsError. */
export async function connectLmtpBackend(
  access: LmtpProxyAccess,
  destination: LmtpDestination,
  client: LmtpSender,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<LmtpLink> {
  const { ip, port, sourceIp, haproxy } = destination
  const tlsOptions = (): ClientTlsOptions => ({
    context: access.tlsContext(client.settings),
    host: destination.host,
    verify: destination.verifyCertificate,
  })
  // A PROXY header goes in clear text before the handshake.
  const tlsAtOnce = destination.tls === 'implicit' && haproxy === undefined
  const tls = tlsAtOnce ? tlsOptions() : undefined
  const bare = client.settings.postern_bare_sockets
  const stream = await watchedDial(access, { ip, port, sourceIp, tls, onread: bare, bare, timeoutMs, signal })
  access.own.opened(stream, client.ttl)
  if (haproxy !== undefined) {
    stream.write(writeProxyHeader(haproxy, headerOf(client)))
    if (destination.tls === 'implicit') {
      stream.setDeadline(timeoutMs)
      await startTlsClient(stream, tlsOptions())
    }
  }
  return { stream, startTls: async () => await startTlsClient(stream, tlsOptions()) }
}

/** What `haproxy=v1|v2` tells a backend: the client as we know it. */
function headerOf({ remote, local, localName, tls }: LmtpSender): ProxyHeader {
  return {
    // A client on a UNIX socket has no address to tell.
    ...(remote.ip === '' ? undefined : { source: remote, destination: local }),
    ...(localName === undefined ? undefined : { authority: localName }),
    ...(tls === 'none' ? undefined : { tls: { certificateVerified: false } }),
  }
}

/** Tells the table of backends who answers. Mail is never refused by it: who sent it tries again anyway. */
async function watchedDial({ hosts, dial, now }: LmtpProxyAccess, options: DialOptions): Promise<SocketStream> {
  const { ip, port } = options
  const begunMs = now()
  hosts.begin(ip, port, 0)
  try {
    const stream = await dial(options)
    hosts.connected(ip, port)
    return stream
  } catch (error) {
    const isDead = error instanceof DialFailed && (error.fault === 'connect' || error.fault === 'timeout')
    if (isDead) hosts.failed(ip, port, error.message, begunMs)
    throw error
  } finally {
    hosts.end(ip, port)
  }
}
