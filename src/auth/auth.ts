import type { Endpoint } from '../net/byte-stream.ts'
import type { Secret } from '../util/secret.ts'
import type { Soon } from '../util/soon.ts'

/**
 * The auth service as the rest of the server sees it. Asynchronous and plain data throughout, so that it can move
 * behind a socket without a change at the call sites.
 */

/** What is known of a connection when it asks to log in. Addresses are those a trusted proxy forwarded; `real*` are the socket's. */
export interface AuthConnection {
  /** imap, pop3, submission, sieve, lmtp, doveadm. */
  readonly service: string
  readonly session: string
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly realLocal: Endpoint
  readonly realRemote: Endpoint
  /** `%c`: TLS, secured (same host or trusted network), or empty. */
  readonly secured: 'TLS' | 'secured' | ''
  /** `%k`: a client certificate was verified. */
  readonly certificateUser?: string
  readonly localName?: string
  /** `%{client_id}`, with imap_id_retain. */
  readonly clientId?: string
  /** `forward_*` fields from a trusted proxy, keys without the prefix. */
  readonly forward: ReadonlyMap<string, string>
  /** Penalties neither hold it up nor count its failures. */
  readonly noPenalty?: boolean
}

/** One SASL exchange: the protocol moves the messages. Dovecot treats IMAP LOGIN and USER/PASS as PLAIN, and so do we. */
export interface SaslExchange {
  /** As the client named it. */
  readonly mechanism: string
  /** The initial response, if any. */
  readonly initial: Secret | undefined
  /** Sends a challenge, resolves with the response; rejects with SaslAborted (`*`), or InvalidBase64. */
  challenge(data: Buffer): Promise<Buffer>
  /** Data that goes with success (ManageSieve); other protocols send it as one more challenge. */
  finish(data: Buffer): Promise<void>
  channelBinding(type: string): Buffer | undefined
  /** The client gets the fields themselves (auth sockets): a refusal then has `said`. */
  readonly wantsFields?: boolean
}

export { InvalidBase64 } from '../sasl/mechanism.ts'

/** Extra fields by name; a boolean field is present with the value it had (`y`, `no`, or empty): presence means true. */
export type ExtraFields = ReadonlyMap<string, string>

export type AuthOutcome =
  | {
      readonly kind: 'ok'
      /** Name after the chain (rename fields, auth_username_format); the target's in a master login. */
      readonly user: string
      /** Name as the client typed it. */
      readonly originalUser: string
      readonly masterUser?: string
      readonly mechanism: string
      /** passdb extra fields, without `userdb_` ones and without `password`. */
      readonly fields: ExtraFields
      /** `userdb_` fields for prefetch, prefix removed. A field whose name is one blank stands for "set, but all NULL". */
      readonly userdbFields: ExtraFields
      /** The plaintext password or token the client gave, when the mechanism reveals it. */
      readonly secret?: Secret
    }
  | {
      readonly kind: 'refused'
      readonly why: AuthRefusal
      readonly user?: string
      /** When the exchange `wantsFields`, and a request was made of it. */
      readonly said?: AuthSaid
    }

/** What the databases said about a login that was refused; names as in the outcome `ok`. */
export interface AuthSaid {
  /** Empty: the name the client gave may not be one. */
  readonly user: string
  readonly originalUser?: string
  readonly masterUser?: string
  readonly fields: ExtraFields
}

/** Why a login was refused; each protocol has its own words for each (spec: "client-visible replies"). */
export type AuthRefusal =
  /** Wrong password, unknown user, denied, allow_nets, bad user name, malformed message: never told apart. `reason` from a policy server or PAM. */
  | { readonly kind: 'failed'; readonly reason?: string }
  /** A database is down, a query failed, a queue is full, DNS failed. */
  | { readonly kind: 'temporary' }
  | { readonly kind: 'unsupported-mechanism' }
  /** The mechanism would show the password on an insecure connection. */
  | { readonly kind: 'plaintext-disabled' }
  /** ssl=required and no TLS. */
  | { readonly kind: 'tls-required' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'invalid-base64'; readonly initial: boolean }
  /** The password was right; the account may not log in. */
  | { readonly kind: 'nologin'; readonly reason?: string }
  | {
      readonly kind: 'referral'
      readonly user: string
      readonly mechanism: string
      readonly host: string
      readonly port?: number
      readonly reason?: string
    }
  | { readonly kind: 'password-expired' }
  | { readonly kind: 'user-disabled' }
  /** Master login: the master's password was right, the target may not be used. */
  | { readonly kind: 'authorization-failed' }
  | { readonly kind: 'too-many-connections'; readonly text: string }

/** A passdb lookup without a password (LMTP, doveadm). */
export type PassdbLookup =
  | { readonly kind: 'found'; readonly user: string; readonly fields: ExtraFields; readonly userdbFields: ExtraFields }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly why: AuthRefusal }

export type UserdbLookup =
  | { readonly kind: 'found'; readonly user: string; readonly fields: ExtraFields }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'temporary'; readonly reason?: string }

/** One thing that happened while a chain ran, for `auth explain` and debug logs. */
export interface AuthStep {
  /** `passdb sql`, `userdb static`, `username`, `cache` ... */
  readonly part: string
  /** File and line of the block in the configuration, when there is one. */
  readonly at?: { readonly file: string; readonly line: number }
  readonly text: string
  /** Fields set by this step and where each came from (file:line, SQL column, template). Secrets masked. */
  readonly fields?: ReadonlyMap<string, { readonly value: string; readonly from: string }>
}

export interface AuthService {
  /**
   * Runs one SASL exchange through the passdb chain, including failure delay and `delay_until`: at once when the databases
   * answer at once. Never fails: faults are `temporary`, and in the log.
   */
  authenticate(connection: AuthConnection, exchange: SaslExchange, signal: AbortSignal): Soon<AuthOutcome>
  /** Asks the passdbs about a user without a password. Never rejects. */
  lookupPassdb(connection: AuthConnection, user: string, signal: AbortSignal): Promise<PassdbLookup>
  /**
   * Asks the userdbs. After a login `user` and `prefetched` are those of the outcome (also when `userdbFields` is empty: the
   * user is known to exist); without a login `prefetched` is undefined. Never rejects.
   */
  lookupUser(
    connection: AuthConnection,
    user: string,
    prefetched: ExtraFields | undefined,
    signal: AbortSignal,
  ): Promise<UserdbLookup>
  /**
   * What the databases have as a user's password, with its scheme, asked past the cache; and the name they know the user by.
   * Without `stored` they do not tell. For revocations, which end when it changes.
   */
  storedPassword(
    service: string,
    user: string,
    signal: AbortSignal,
  ): Promise<{ readonly user: string; readonly stored?: string }>
  /** The same chain, telling each step. With a password it authenticates, without it looks up. */
  explain(
    connection: AuthConnection,
    user: string,
    password: Secret | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly steps: readonly AuthStep[]; readonly outcome: AuthOutcome | PassdbLookup }>
  /** Names of all users the userdbs can list. */
  iterateUsers(signal: AbortSignal): AsyncIterable<string>
  /** Tries each database's connection: for `doctor`. */
  check(signal: AbortSignal): Promise<
    readonly {
      readonly part: string
      readonly problem: string | undefined
      readonly at?: { readonly file: string; readonly line: number }
    }[]
  >
  /** Configured mechanisms in `auth_mechanisms` order, upper case, that these passdbs can serve. */
  readonly mechanisms: readonly { readonly name: string; readonly plaintext: boolean }[]
  flushCache(users: readonly string[] | undefined): number
  close(): Promise<void>
}
