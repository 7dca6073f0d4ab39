import type { AuthService, ExtraFields } from '../auth/auth.ts'
import type { Filter, Settings } from '../config/config.ts'
import type { ByteStream, Endpoint } from '../net/byte-stream.ts'
import type { ServerTlsContext } from '../net/tls-context.ts'
import type { Observer } from '../observe/events.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { BackendAccess } from '../proxy/connect.ts'
import type { LoopGuard } from '../proxy/loops.ts'
import type { Resolver } from '../proxy/resolve.ts'
import type { SessionRecord } from './session-record.ts'

/** What one configuration gives to login sessions. A reload makes a new one; a session keeps the one it began with. */
export interface LoginEnvironment {
  readonly settings: (filter: Filter) => Settings
  readonly auth: AuthService
  /** Our name in greetings, EHLO and temporary failures. */
  readonly hostname: string
  /** A certificate is configured and `ssl` is not `no`. */
  readonly tlsAvailable: (settings: Settings) => boolean
  /** Certificate and rules of these settings. Throws TlsSettingsError. */
  readonly tlsContext: (settings: Settings) => ServerTlsContext
  /** There are `local_name` blocks: the name a client asks for decides the settings. */
  readonly localNames: boolean
  /** `auth_proxy_self`, resolved to addresses. */
  readonly proxySelf: ReadonlySet<string>
  /** How many connections of this service (`imap-login`) this process may have: its share of client_limit × process_limit. */
  readonly maxConnections: (service: string) => number
}

/** What all sessions of a process share, across configurations. */
export interface LoginShared {
  readonly observer: Observer
  readonly backends: BackendAccess
  readonly resolver: Resolver
  readonly loops: LoopGuard
  /** Milliseconds since 1970, with fractions. */
  readonly now: () => number
  /** Serves the user's own mail until the session ends. Absent: every user must be proxied. */
  readonly serveLocal?: (handover: LocalHandover) => Promise<void>
}

export interface LocalHandover {
  readonly stream: ByteStream
  readonly protocol: Protocol
  readonly user: string
  readonly fields: ExtraFields
  readonly record: SessionRecord
}

/** A connection as the listener hands it over. */
export interface Accepted {
  readonly protocol: Protocol
  readonly listenerName: string
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** What the PROXY header said, on listeners with `haproxy = yes`. */
  readonly haproxy?: HaproxyClient
}

export interface HaproxyClient {
  /** Absent for LOCAL and UNKNOWN: then the socket's own. */
  readonly remote?: Endpoint
  readonly local?: Endpoint
  /** The client's connection to the one that sent the header was TLS. */
  readonly tls: boolean
  readonly serverName?: string
  readonly certificateUser?: string
}
