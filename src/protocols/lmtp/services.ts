import type { Settings } from '../../config/config.ts'
import type { ByteStream, Endpoint } from '../../net/byte-stream.ts'
import type { ProxyHeader } from '../../net/haproxy-header.ts'
import type { SocketStream } from '../../net/socket-stream.ts'
import type { Observer } from '../../observe/events.ts'
import type { Cancellable } from '../../util/cancellation.ts'
import type { MessageReader } from './message/message.ts'
import type { Address } from '../smtp/wire/path.ts'
import type { Recipient } from './recipient.ts'

/** A client's connection. */
export interface LmtpIo {
  readonly stream: SocketStream
  /** They may change after TLS (`local_name`). */
  readonly settings: Settings
  readonly hostname: string
  /** `login_greeting`, expanded. */
  readonly greeting: string
  /** The peer is in `login_trusted_networks`: its XCLIENT and XRCPTFORWARD are believed. */
  readonly trusted: boolean
  /** TLS can be offered and is not up yet. */
  readonly tlsAvailable: boolean
  /** The client, behind a PROXY header if there was one. */
  readonly remote: Endpoint
  /** What a PROXY header said, on listeners with `haproxy = yes`. */
  readonly haproxy?: ProxyHeader
  /** The name that the client asked for, of us or of the balancer in front; it is known after TLS. */
  readonly localName: string | undefined
  /** Counts the connections of this process, for the log. */
  readonly number: number
  /** Hops left: what a trusted proxy said, if it did, or less when more is known. Undefined when nothing is. */
  hopsLeft(forwarded: number | undefined): number | undefined
  /** Fires when the server stops: the session ends as soon as it owes nothing. */
  readonly stopping: Cancellable
  /** Server-side TLS handshake; bytes that were pipelined behind the command are thrown away. Rejects when it fails. */
  startTls(): Promise<void>
}

/** What serving LMTP needs of the rest of the server. */
export interface LmtpServices {
  readonly observer: Observer
  /** Asks the databases where a recipient's mail goes. Never rejects. */
  routeRecipient(question: RecipientQuestion, signal: AbortSignal): Promise<RecipientRoute>
  /** Connects to a backend, TLS included where it comes first. Rejects with DialFailed, TlsFailed or TlsSettingsError. */
  connect(destination: Destination, client: LmtpClient, options: ConnectOptions): Promise<BackendLink>
  /** The mailboxes of this server. Absent: nobody has one. */
  readonly mailboxes?: LocalMailboxes
  /** Milliseconds since 1970. */
  now(): number
  /** An id for a session that nobody gave one: 22 characters of base64. */
  makeId(): string
}

/** Who sends, as far as databases and backends care. */
export interface LmtpClient {
  /** Possibly forwarded by a trusted proxy. */
  readonly remote: Endpoint
  readonly realRemote: Endpoint
  readonly realLocal: Endpoint
  /** Where it connected to: us, or the balancer in front. */
  readonly local: Endpoint
  readonly localName: string | undefined
  /** TLS ends here, or ended at the balancer in front, or there is none. */
  readonly tls: 'here' | 'before' | 'none'
  /** What a trusted proxy said, or what the client called itself; undefined when that is no name. */
  readonly helo: string | undefined
  /** What a trusted proxy said; undefined is LMTP. */
  readonly proto: string | undefined
  readonly login: string | undefined
  /** Hops left, as a trusted proxy said. */
  readonly ttl: number | undefined
  readonly settings: Settings
}

export interface RecipientQuestion {
  /** The address without `recipient_delimiter` and detail. */
  readonly user: string
  /** `forward_*` fields that a trusted proxy sent for this recipient. */
  readonly forward: ReadonlyMap<string, string>
  readonly client: LmtpClient
}

export type RecipientRoute =
  | {
      readonly kind: 'proxy'
      readonly destination: Destination
      /** The name at the backend, detail not included. */
      readonly destuser: string
      /** Fields for the next hop; null is a field without a value. */
      readonly forward: ReadonlyMap<string, string | null>
      /** Values that make no sense, whose defaults are used: for the log. */
      readonly problems: readonly string[]
    }
  | { readonly kind: 'local'; readonly account: LocalAccount }
  | { readonly kind: 'unknown' }
  /** A database or the DNS does not answer; the log knows. */
  | { readonly kind: 'lookup-failed' }
  /** The databases say to proxy, but not so that it can be done. `text` is for the log. */
  | { readonly kind: 'misconfigured'; readonly text: string }
  | { readonly kind: 'looping'; readonly why: 'hops' | 'self' }

/** Whose mail it is on this server. */
export interface LocalAccount {
  /** The name the databases gave it. */
  readonly user: string
  /** What the userdb said. */
  readonly fields: ReadonlyMap<string, string>
}

/** A backend, and how to reach it. */
export interface Destination {
  readonly protocol: 'lmtp' | 'smtp'
  /** The `host` field: TLS name, logs. */
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly sourceIp?: string
  readonly tls: 'none' | 'implicit' | 'starttls'
  readonly verifyCertificate: boolean
  readonly haproxy?: 'v1' | 'v2'
  /** `proxy_not_trusted`: it learns nothing about the client. */
  readonly notTrusted: boolean
  /** `proxy_timeout`. */
  readonly timeoutMs?: number
}

export interface ConnectOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A connection to a backend. */
export interface BackendLink {
  readonly stream: ByteStream
  /** Client-side handshake after STARTTLS. Rejects like `connect`. */
  startTls(): Promise<void>
}

/** Takes the mail of some recipients of a transaction: a backend, or the local mailboxes. */
export interface MessageSink {
  /** Whether it takes mail for this recipient, and what the client is told. Never rejects. */
  addRecipient(recipient: Recipient): Promise<RecipientAnswer>
  /** Sends the message to the recipients it accepted, and finishes each of them. Called once, never rejects. */
  send(message: MessageReader, replyMs: number): Promise<void>
  /** Ends it politely where nothing is under way, and at once otherwise: a message that was not finished is not delivered. */
  close(): void
}

export interface RecipientAnswer {
  readonly accepted: boolean
  /** Complete reply lines. */
  readonly reply: string
}

/** Mailboxes of this server, as LMTP sees them. */
export interface LocalMailboxes {
  /** Opens the mail of a recipient. Never rejects. */
  open(question: LocalQuestion): Promise<LocalOpening>
}

export interface LocalQuestion {
  readonly account: LocalAccount
  readonly recipient: Recipient
  readonly client: LmtpClient
  readonly envelopeFrom: Address | undefined
}

export type LocalOpening =
  | { readonly kind: 'ready'; readonly delivery: LocalDelivery }
  /** `text` is for the client. */
  | { readonly kind: 'temporary'; readonly text?: string }
  /** With `lmtp_rcpt_check_quota`. */
  | { readonly kind: 'over-quota'; readonly text: string }

/** One message on its way into one user's mail. All but `close` throw StoreRefusal, or a fault. */
export interface LocalDelivery {
  begin(): Promise<void>
  write(chunk: Uint8Array): void | Promise<void>
  /** The message is on disk when it resolves. */
  finish(): Promise<void>
  /** Leaves no trace of what was not finished. */
  abort(): Promise<void>
  /** The transaction is over: lets the user's mail go. */
  close(): void
}
