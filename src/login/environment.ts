import type { AuthConnection, AuthOutcome, AuthRefusal, AuthService } from '../auth/auth.ts'
import type { Filter, Settings } from '../config/config.ts'
import type { ByteStream } from '../net/byte-stream.ts'
import type { LentConnection } from '../net/lent-connection.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { ServerTlsContext } from '../net/tls-context.ts'
import type { LoginResult, Observer } from '../observe/events.ts'
import type { SessionFeatures } from '../protocols/mail-session.ts'
import type { LoginVerdict, Protocol } from '../protocols/protocol.ts'
import type { Cancellable } from '../util/cancellation.ts'
import type { Soon } from '../util/soon.ts'
import type { LoginHolds } from './holds.ts'
import type { SessionRecord } from './session-record.ts'
import type { ListedBackend } from './registry.ts'

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
  readonly proxy: LoginProxy
  /** Milliseconds since 1970, with fractions. */
  readonly now: () => number
  /** Users whose logins wait while they are moved. */
  readonly holds?: LoginHolds
  /** Opens the mail of users who are served here. Absent: every user must be proxied. */
  readonly local?: LocalMail
}

/** Takes a login that the databases let in to wherever they say. `src/proxy/proxy.ts` is one. */
export interface LoginProxy {
  follow(login: AuthenticatedLogin): Soon<{
    /** `local` when the user's mail is here. */
    readonly verdict: LoginVerdict
    readonly result: LoginResult
    /** The password was right, whatever came then. */
    readonly authenticated: boolean
    /** The backend itself said no. */
    readonly backendRefused: boolean
    /** The client has had its time. */
    readonly tooLate: boolean
    /** With a `proxied` verdict. */
    readonly backend: ReadyBackend | undefined
  }>
}

export interface AuthenticatedLogin {
  readonly protocol: Protocol
  readonly outcome: Extract<AuthOutcome, { kind: 'ok' }>
  readonly client: SessionRecord
  /** The client's connection is TLS. */
  readonly tls: boolean
  readonly hostname: string
  readonly proxySelf: ReadonlySet<string>
  /** How much of the client's time is left. */
  readonly limitMs: () => number
  /** Fires when the client is gone. */
  readonly signal: Cancellable
  /** The passwords are done with; now a backend is waited for. */
  readonly onBackend: (backend: ListedBackend) => void
}

/** A backend that let the user in, waiting for its client. */
export interface ReadyBackend {
  /** Joins the two until either leaves; it speaks for itself in the log. `onEnded`: no longer to be listed. */
  join(client: ByteStream, onEnded: () => void): JoinedSession
  /** The client is gone. */
  discard(): void
}

/** A proxied session. */
export interface JoinedSession {
  readonly backend: { readonly host: string; readonly ip: string; readonly port: number; readonly user: string }
  /** `user_*` fields of the passdb. */
  readonly alternatives: ReadonlyMap<string, string>
  /** Ends it now; `reason` in Dovecot's words: `Kicked by admin`. */
  kick(reason: string): void
  /** Ends it as soon as it is idle: the process stops. */
  endWhenIdle(reason: string): void
}

/** Mail that is kept here. */
export interface LocalMail {
  /** Looks the user up in the userdbs and opens the mail. Never rejects: faults are `temporary`, and in the log. */
  open(login: LocalLogin): Promise<LocalOpening>
}

export interface LocalLogin {
  readonly protocol: Protocol
  readonly auth: AuthService
  readonly connection: AuthConnection
  readonly outcome: Extract<AuthOutcome, { kind: 'ok' }>
  readonly record: SessionRecord
  readonly hostname: string
  /** Of the client's command, which whoever serves the mail answers; empty where commands have none. */
  readonly tag: string
  /** Lets another process answer. `undefined`: this connection cannot be given away. */
  readonly lend: () => LentConnection | undefined
  /** Fires when the client is gone. */
  readonly signal: AbortSignal
}

export type LocalOpening =
  | { readonly kind: 'ready'; readonly mail: OpenMail }
  | { readonly kind: 'refused'; readonly why: AuthRefusal }

/** A user's mail, open and waiting for its client. */
export interface OpenMail {
  readonly session: SessionFeatures
  /** `mpid` of the log's Login line: the process that serves it. */
  readonly pid: number
  /** Serves the client until either side ends it; closes the stream and the mail. Never rejects. */
  serve(client: ByteStream): Promise<void>
  /** The client is gone: closes the mail. */
  discard(): void
  /** Ends a session that is being served; `reason` in Dovecot's words: `Kicked by admin`. */
  kick(reason: string): void
}

/** How a stranger's session ended. */
export type SessionEnd =
  /** A user now, with a backend of its own: client and backend are to be joined. */
  | { readonly kind: 'proxied'; readonly backend: ReadyBackend }
  /** A user now, whose mail is here and open. */
  | { readonly kind: 'local'; readonly mail: OpenMail }
  /** Closed, and told to the log. */
  | { readonly kind: 'gone' }

/** A connection as the listener hands it over. */
export interface Accepted {
  readonly protocol: Protocol
  readonly listenerName: string
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** On listeners with `haproxy = yes`: what the PROXY header said. */
  readonly haproxy?: ProxyHeader
}
