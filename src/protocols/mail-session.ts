import type { Settings } from '../config/config.ts'
import type { MailStore } from '../storage/store.ts'
import type { ClientIdentity } from './protocol.ts'
import type { RemoteMail } from './remote-mail.ts'

/** A logged-in user's session with mail that is kept here. The stream is at its first command. */
export interface MailSession {
  readonly user: string
  /** Closed by whoever opened it, after `serve` ended. */
  readonly store: MailStore
  /** With the overrides of the user's userdb fields. */
  readonly settings: Settings
  readonly identity: ClientIdentity
  readonly hostname: string
  readonly tlsActive: boolean
  /** Effective `mail_plugins`: acl, imap_acl, quota, imap_quota ... decide what capabilities are told. */
  readonly plugins: ReadonlySet<string>
  /** Fires when the session has to end: the protocol says goodbye and returns. */
  readonly signal: AbortSignal
  /** The client still waits for the answer to its login: `serve` begins with it. Absent: it has its OK. */
  readonly reply?: LoginReply
  /** Mailboxes that another server keeps; absent when there can be none. IMAP alone reaches them. */
  readonly remote?: RemoteMail
  /** A line of the log, prefixed as Dovecot's mail processes do: `imap(user)<pid><session>: `. */
  log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void
}

/** What the protocol's OK to a login tells of a session: capabilities depend on it. */
export type SessionFeatures = Pick<MailSession, 'settings' | 'plugins'> & {
  /** Whoever serves the mail says the OK. */
  readonly answered?: true
}

/** What the OK to a login needs to know besides. */
export interface LoginReply {
  /** The tag of the client's command; empty where commands have none. */
  readonly tag: string
  /** Lines for the client, before its OK: what post-login scripts wrote. */
  readonly notice: string
}
