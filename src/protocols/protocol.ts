import type { AuthRefusal, ExtraFields } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { ByteStream, Endpoint } from '../net/byte-stream.ts'
import type { Secret } from '../util/secret.ts'
import type { Soon } from '../util/soon.ts'
import type { MailSession, SessionFeatures } from './mail-session.ts'

/**
 * What a protocol is. `login` talks to a stranger, `backend` logs in to a backend on the user's behalf; neither knows the
 * databases or the routing, which reach them as `attempt` and `ProxyTarget`.
 */
export interface Protocol {
  readonly name: ProtocolName
  /** Dovecot's login service, which prefixes log lines: imap-login, managesieve-login ... */
  readonly service: string
  /** Default backend ports. No `tls` port means `ssl=` needs an explicit `port`. */
  readonly ports: { readonly plain: number; readonly tls?: number }
  readonly alpn?: string
  /** Talks to a stranger until an attempt succeeds or the stranger leaves. */
  login(io: LoginIo): Promise<LoginEnd>
  /** Logs in to a backend. Throws a ProxyFailure (proxy-failure.ts) that says how far it came. */
  backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome>
  /**
   * Answers the login where the session says so, and serves the user's own mail until the client leaves or `session.signal` fires.
   * Without it the protocol can only be proxied.
   */
  serve?(stream: ByteStream, session: MailSession): Promise<void>
  /** Last words to a client that is cut off: idle, too many connections, shutdown. Complete lines with CRLF. */
  goodbye(why: Goodbye, hostname: string): string
}

export type ProtocolName = 'imap' | 'pop3' | 'submission' | 'sieve' | 'lmtp'

export type Goodbye = 'idle' | 'idle-during-auth' | 'login-timeout' | 'shutting-down' | 'too-many-connections'

/** Who the client says it is: addresses and ids, possibly forwarded by a trusted proxy in front. Kept through the chain. */
export interface ClientIdentity {
  readonly session: string
  /** A trusted peer said what the session is. */
  readonly sessionForwarded?: true
  readonly remote: Endpoint
  readonly local: Endpoint
  /** Hops left; starts at 5. */
  readonly ttl: number
  /** forward_* fields received from the proxy in front, prefix removed. */
  readonly forward: ReadonlyMap<string, string>
  /** IMAP: the client's own ID pairs, kept with imap_id_retain; null is NIL. */
  readonly clientId?: readonly (readonly [string, string | null])[]
  /** IMAP: the client asked CAPABILITY before logging in (not counting one after its STARTTLS). */
  readonly askedCapability?: boolean
  /** Submission, LMTP: the name the client greeted with, and SMTP or ESMTP. */
  readonly helo?: string
  readonly proto?: string
  /** SNI of the client's TLS connection. */
  readonly localName?: string
}

/** Fields that ID or XCLIENT of a trusted peer may override. Absent means untouched. */
export interface ForwardedIdentity {
  readonly session?: string
  readonly remoteIp?: string
  readonly remotePort?: number
  readonly localIp?: string
  readonly localPort?: number
  readonly ttl?: number
  readonly forward?: ReadonlyMap<string, string>
}

/** A stranger's connection. */
export interface LoginIo {
  readonly stream: ByteStream
  /** Settings for this connection; they may change after TLS (local_name) and after a forwarded address. */
  readonly settings: Settings
  readonly identity: ClientIdentity
  /** TLS is up, same host, or trusted network: cleartext passwords are allowed. */
  readonly secured: boolean
  readonly tlsActive: boolean
  /** TLS can be offered (a certificate is configured, ssl is not `no`) and is not up yet. */
  readonly tlsAvailable: boolean
  /** The peer is in login_trusted_networks. */
  readonly trusted: boolean
  readonly hostname: string
  /** Mechanisms to list now, in order: plaintext ones are left out where they would be refused. */
  offeredMechanisms(): readonly string[]
  /** `login_greeting`, expanded. */
  readonly greeting: string
  /** The peer is trusted and said who the client really is. Ignored (with a debug line) when it is not trusted. */
  forwarded(update: ForwardedIdentity): void
  /** What the dialogue learnt that the backend dialogue needs. */
  note(facts: { clientId?: ClientIdentity['clientId']; askedCapability?: boolean; helo?: string; proto?: string }): void
  /** Server-side TLS handshake; bytes that were pipelined behind the command are thrown away. Rejects when it fails. */
  startTls(): Promise<void>
  /** Tries a login: passdb chain, routing, backend. Never rejects. A refusal may come at once. */
  attempt(credentials: Credentials): Soon<LoginVerdict>
  /** One line for the log about this connection, at info level (`imap_id_log`). */
  log(text: string): void
  /** Why the login ended badly, in Dovecot's words, for the disconnect log line: `(tried to use disallowed plaintext auth)`. */
  remark(text: DisconnectRemark): void
}

export type DisconnectRemark =
  | 'tried to use disallowed plaintext auth'
  | 'tried to use unsupported auth mechanism'
  | "client didn't finish SASL auth"
  | 'aborted authentication'
  | 'sent invalid base64 in response'
  | 'too many invalid commands'
  | 'input line too long'

export interface Credentials {
  /** As the client named it; PLAIN for IMAP LOGIN and POP3 USER/PASS. */
  readonly mechanism: string
  /** A command of the protocol itself (IMAP LOGIN, POP3 USER and PASS): Dovecot's log has other words for its refusal. */
  readonly simple?: true
  /** A command of the protocol's own stands behind it (APOP): SASL does not know this mechanism, and must not. */
  readonly ownCommand?: true
  /** The initial response; for LOGIN and USER/PASS `\0user\0password`. */
  readonly initial: Secret | undefined
  /** Of the client's command, where commands have one: whoever serves the mail answers it. */
  readonly tag?: string | undefined
  challenge(data: Buffer): Promise<Buffer>
  finish(data: Buffer): Promise<void>
}

export type LoginVerdict =
  /** The user's mail is here. `session`, once it is open: what it can do is for the protocol's OK to say. */
  | { readonly kind: 'local'; readonly user: string; readonly fields: ExtraFields; readonly session?: SessionFeatures }
  | { readonly kind: 'proxied'; readonly welcome: BackendWelcome }
  | { readonly kind: 'refused'; readonly why: AuthRefusal }
  /** The proxy could not reach or use the backend: table "What the client sees". */
  | { readonly kind: 'proxy-failed'; readonly retryLater: boolean }
  /** The backend itself refused; the protocol decides what of its reply the client sees. */
  | { readonly kind: 'backend-refused'; readonly temporary: boolean; readonly reply: BackendReply }

/** A backend's reply lines as they came, CRLF removed, tag removed for IMAP. */
export interface BackendReply {
  readonly lines: readonly string[]
  /** OAuth error detail (RFC 7628 JSON) when the backend sent one. */
  readonly oauthDetail?: Buffer
  /** Untagged data to send before the reply. */
  readonly untagged?: readonly string[]
}

/** How a login dialogue ends. After `proxied` and `local` the stream belongs to what follows. */
export type LoginEnd =
  | { readonly kind: 'proxied' }
  | { readonly kind: 'local'; readonly user: string }
  /** The client left or was sent away; `reason` in Dovecot's words (`Connection closed`, `Logged out`, `Too many invalid commands`). */
  | { readonly kind: 'closed'; readonly reason: string }

/** A connection to a backend. */
export interface BackendIo {
  readonly stream: ByteStream
  /** Where the dialogue is, for failure texts: `id+login/banner`. */
  step: string
  readonly settings: Settings
  readonly identity: ClientIdentity
  readonly hostname: string
  /** Client-side TLS handshake after STARTTLS, verified as the target says. Rejects with ProxyFailure. */
  startTls(): Promise<void>
  channelBinding(type: string): Buffer | undefined
  /** Logged as a warning with the session: `Unexpected input, ignoring: X`. */
  warn(text: string): void
}

/** Where and as whom to log in. From the extra fields; every default already applied. */
export interface ProxyTarget {
  /** The `host` field: TLS name, SNI, kick-by-host. */
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly sourceIp?: string
  readonly tls: 'none' | 'implicit' | 'starttls'
  /** False for any-cert and ssl_client_require_valid_cert=no. */
  readonly verifyCertificate: boolean
  /** User at the backend (authzid in a master login). */
  readonly destuser: string
  /** Authentication id at the backend when it differs: `master`. */
  readonly master?: string
  readonly secret: Secret | undefined
  /** SASL mechanism to use; undefined = the protocol's simple login (LOGIN, USER/PASS) or PLAIN. */
  readonly mechanism?: string
  readonly nopipelining: boolean
  readonly notTrusted: boolean
  readonly noauth: boolean
  /** TTL to send (already decremented for login protocols). */
  readonly ttl: number
  /** forward_* fields to send on, prefix removed; null is a field without a value. */
  readonly forward: ReadonlyMap<string, string | null>
  readonly timeoutMs: number
  readonly immediateFailureAfterMs: number
  readonly haproxy?: 'v1' | 'v2'
}

/** The backend let the user in. `lines` are ready for the client, tag and CRLF left to the protocol. */
export interface BackendWelcome {
  readonly untagged: readonly string[]
  readonly lines: readonly string[]
}
