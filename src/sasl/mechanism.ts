import type { Secret } from '../util/secret.ts'
import type { Soon } from '../util/soon.ts'

/**
 * SASL mechanisms (RFC 4422): what the server half asks of the password databases, and what the client half says to a
 * backend. Both halves are dialogues written top to bottom; the protocol around them moves the bytes.
 */

/** Who is logging in: authcid proves who it is, authzid says who it wants to be (a master login when they differ). */
export interface SaslIdentity {
  readonly authcid: string
  readonly authzid?: string
}

/** Stored credentials in the scheme asked for; `text` is the password or the scheme's own data. */
export interface SaslCredentials {
  readonly scheme: string
  readonly text: string
}

/** The auth service as a mechanism sees it. `Verdict` is opaque: a mechanism returns what the service gave it. */
export interface SaslAuth<Verdict> {
  /** The verdict that refuses a name which cannot be, before a password is asked for. `undefined`: it may be one. */
  refuseName(identity: SaslIdentity): Verdict | undefined
  /** Checks a plaintext password. */
  verifyPlain(identity: SaslIdentity, password: Secret): Soon<Verdict>
  /** Checks a bearer token (RFC 7628). */
  verifyToken(identity: SaslIdentity, token: Secret): Soon<Verdict>
  /** Looks up credentials in one of `schemes` (first match wins; PLAIN can serve all), or the verdict that refuses. */
  lookupCredentials(
    identity: SaslIdentity,
    schemes: readonly string[],
  ): Promise<
    | { readonly kind: 'found'; readonly credentials: SaslCredentials }
    | {
        readonly kind: 'refused'
        readonly verdict: Verdict
        /** The dialogue goes on with this salt as if there were a user: who exists is nobody's business. */
        readonly decoySalt?: Buffer
      }
  >
  /** The exchange proved the credentials found by the last `lookupCredentials`. */
  accept(identity: SaslIdentity): Promise<Verdict>
  /** The proof was wrong (`wrong-proof`) or the message made no sense (`malformed`, with a line for the log). */
  reject(identity: SaslIdentity, why: 'wrong-proof' | 'malformed', detail?: string): Promise<Verdict>
  /** A login without a password: ANONYMOUS (no identity of its own) and EXTERNAL (the certificate's name). */
  verifyExternal(identity: SaslIdentity): Soon<Verdict>
  anonymous(trace: string): Promise<Verdict>
  /** True when the verdict lets the user in: OAuth mechanisms send their error challenge before a refusal. */
  isSuccess(verdict: Verdict): boolean
}

/** What the protocol and its connection give a server half. */
export interface SaslServerIo {
  /** The initial response, if the client sent one. */
  readonly initial: Buffer | undefined
  /** Sends a challenge, resolves with the response. Rejects with SaslAborted when the client gives up. */
  challenge(data: Buffer): Promise<Buffer>
  /** Sends data along with success where the protocol can (ManageSieve), or as one more challenge (IMAP, POP3, SMTP). */
  finish(data: Buffer): Promise<void>
  /** Our host name, for CRAM-MD5 and DIGEST-MD5. */
  readonly hostname: string
  readonly realms: readonly string[]
  /** Service name in GSSAPI terms: imap, pop, smtp, sieve. */
  readonly service: string
  randomBytes(count: number): Buffer
  /** Milliseconds since 1970. */
  now(): number
  /** Channel binding data of this TLS connection (RFC 5929, RFC 9266), if it has one of this type. */
  channelBinding(type: string): Buffer | undefined
  /** A -PLUS mechanism was listed on this connection: a client that says it saw none is under attack (RFC 5802 §6). */
  readonly channelBindingListed?: boolean
  /** The user name of the verified client certificate, if any. */
  readonly certificateUser: string | undefined
  /** For the OAUTHBEARER error challenge. */
  readonly openidConfigurationUrl?: string
}

export interface SaslClientCredentials {
  readonly authcid: string
  readonly authzid: string
  readonly secret: Secret
  readonly channelBinding?: (type: string) => Buffer | undefined
  readonly randomBytes: (count: number) => Buffer
  readonly hostname?: string
  readonly service?: string
}

/** The client half towards a backend: RFC 4422 client messages, one per challenge. */
export interface SaslClient {
  /** The initial response; `undefined` when the mechanism lets the server speak first. */
  initial(): Buffer | undefined
  /** The initial response says nothing: without SASL-IR it is left out, and the first challenge goes to `respond`. LOGIN. */
  readonly skipsInitial?: true
  /** Answers a challenge. Throws SaslError when the challenge makes no sense. */
  respond(challenge: Buffer): Buffer
  /**
   * The server reported success, with this data if the protocol carries any. Throws SaslError when the server owes proof of
   * knowing the password too and has not given it.
   */
  finish(data: Buffer | undefined): void
  /** After an error challenge was answered: the server's explanation (OAuth JSON), handed to the end user's client. */
  readonly failureDetail: Buffer | undefined
}

export interface SaslMechanism {
  /** The registered name, upper case. */
  readonly name: string
  /** Reveals the password to this server: refused on connections that are not secured. */
  readonly plaintext: boolean
  /** What a passdb must be able to do for it. */
  readonly needs: 'verify' | 'credentials' | 'token' | 'external' | 'nothing'
  /** Listed in capabilities (APOP is not). */
  readonly listed: boolean
  /** Listed only on connections that have channel binding data (the -PLUS mechanisms). */
  readonly bindsChannel?: true
  authenticate<Verdict>(io: SaslServerIo, auth: SaslAuth<Verdict>): Soon<Verdict>
  /** Absent when a proxy cannot use it towards a backend. */
  client?(credentials: SaslClientCredentials): SaslClient
}

/** The other side's SASL message makes no sense; `message` is for the log. */
export class SaslError extends Error {
  override readonly name = 'SaslError'
}

/** The client sent `*`. */
export class SaslAborted extends Error {
  override readonly name = 'SaslAborted'
}

/** What the client said was no SASL (base64) response. */
export class InvalidBase64 extends Error {
  override readonly name = 'InvalidBase64'
}

/** It has only characters of base64, or came with the command: Dovecot notices in its auth service, which tells the log. */
export class InvalidBase64Data extends InvalidBase64 {
  constructor(part: 'initial' | 'continued') {
    super(`Invalid base64 data in ${part} response`)
  }
}
