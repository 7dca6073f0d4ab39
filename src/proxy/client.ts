import type { AuthOutcome } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { Endpoint } from '../net/byte-stream.ts'
import type { LoginResult, ProxySessionFields, SessionFields } from '../observe/events.ts'
import type { ClientIdentity, LoginVerdict, Protocol, ProxyTarget } from '../protocols/protocol.ts'
import type { Cancellable } from '../util/cancellation.ts'

/** A client's session as the proxy sees it: who it is, and how to tell the log about it. */
export interface ProxyClient {
  /** The process part of a log line: imap-login. */
  readonly service: string
  /** The name after authentication. */
  readonly user: string
  readonly identity: ClientIdentity
  readonly settings: Settings
  /** Of the socket itself, whatever was forwarded. */
  readonly realLocal: Endpoint
  readonly realRemote: Endpoint
  /** When the client connected. Milliseconds since 1970. */
  readonly startedMs: number
  /** A log line about the session. */
  line(message: string): string
  /** What every event of the session carries. */
  fields(): SessionFields
}

/** A login that the databases let in, on its way to wherever they say. */
export interface AuthenticatedLogin {
  readonly protocol: Protocol
  readonly outcome: Extract<AuthOutcome, { kind: 'ok' }>
  readonly client: ProxyClient
  /** The client's connection is TLS, here or at a balancer in front. */
  readonly tls: boolean
  /** Our name for backends. */
  readonly hostname: string
  /** `auth_proxy_self`, resolved. */
  readonly proxySelf: ReadonlySet<string>
  /** How much of the client's time is left. */
  readonly limitMs: () => number
  /** Fires when the client is gone. */
  readonly signal: Cancellable
  /** The passwords are done with; now a backend is waited for. */
  readonly onBackend: (backend: Destination) => void
}

/** Where a login came out. */
export interface FollowEnd<Backend> {
  /** `local` when the user's mail is here. */
  readonly verdict: LoginVerdict
  readonly result: LoginResult
  /** The password was right, whatever came then. */
  readonly authenticated: boolean
  /** The backend itself said no. */
  readonly backendRefused: boolean
  /** The client has had its time. */
  readonly tooLate: boolean
  /** With a `proxied` verdict: the backend, waiting for its client. */
  readonly backend: Backend | undefined
}

/** Where a proxied session goes, as logs and listings tell it. */
export interface Destination {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly user: string
  readonly master: string | undefined
}

export function destinationOf({ host, ip, port, destuser, master }: ProxyTarget): Destination {
  return { host, ip, port, user: destuser, master }
}

/** What every event of a proxied session carries. */
export function proxySessionFields(
  client: ProxyClient,
  destination: Destination,
  sourceIp?: string,
): ProxySessionFields {
  const { host, ip, port, user, master } = destination
  return {
    ...client.fields(),
    user: client.user,
    dest_host: host,
    dest_ip: ip,
    dest_port: port,
    dest_user: user,
    ...(master === undefined ? undefined : { master_user: master }),
    ...(sourceIp === undefined ? undefined : { source_ip: sourceIp }),
  }
}
