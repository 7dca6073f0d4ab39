import type { Complaint, ConfigFiles, SourcePosition } from '../../config/config.ts'
import type { VariableLookup } from '../../config/expand.ts'
import type { LogLevel } from '../../observe/events.ts'
import type { Secret } from '../../util/secret.ts'
import type { DatabaseField } from '../field-template.ts'
import type { AuthNeeds } from '../needs.ts'
import type { PasswdFileStore } from '../passwd-file.ts'
import type { SqlConnections } from '../sql/connections.ts'

/** What a database sees of a login or lookup. */
export interface DatabaseRequest {
  readonly user: string
  readonly lookup: VariableLookup
  /** True when debug lines are wanted: they cost. */
  readonly isDebug: boolean
  /** `auth_debug_passwords`: the password may stand in debug lines. */
  readonly showPasswords: boolean
  /** A line in the log with this database's and the user's name in front. */
  logDatabase(level: LogLevel, text: string): void
  /** The line about an unknown user; with auth_verbose_passwords it may name the password. */
  logUnknownUser(): void
}

export type PassdbReply =
  /** `fields` in the database's order, `password` or `password_noscheme` among them. */
  | { readonly kind: 'found'; readonly fields: readonly DatabaseField[] }
  | { readonly kind: 'unknown' }
  /** The database could not answer: never a wrong password. `log` is a line for the log. */
  | { readonly kind: 'internal-failure'; readonly log: string }

/** Answers of databases that check passwords themselves. */
export type VerifyReply =
  | PassdbReply
  | { readonly kind: 'password-mismatch' }
  | { readonly kind: 'user-disabled' }
  | { readonly kind: 'password-expired' }

/**
 * A password database. It has `lookup` when it can tell the stored password, `verify` when it checks passwords itself (or
 * both: then `verify` is for logins with a plaintext password). Both resolve or throw before long; what they throw counts as
 * an internal failure.
 */
export interface Passdb {
  /** Scheme of passwords without `{SCHEME}`. */
  readonly defaultScheme: string
  /** The text whose %variables decide the answer: the key of the auth cache. Absent: answers are not cached. */
  readonly cacheKey?: string
  /** Where clients learn about the server of their tokens; told them in refusals. RFC 7628 §3.2.2. */
  readonly openidConfigurationUrl?: string
  lookup?(request: DatabaseRequest, signal: AbortSignal): PassdbReply | Promise<PassdbReply>
  verify?(request: DatabaseRequest, password: Secret, signal: AbortSignal): VerifyReply | Promise<VerifyReply>
  /** Gets ready: reads files, connects. Faults go to the log; lookups meet them again. */
  warm?(): Promise<void>
  /** For `doctor`: what is wrong, if anything. */
  check(signal: AbortSignal): Promise<string | undefined>
  close(): Promise<void>
}

/** What a database is opened with. */
export interface DatabaseNeeds extends AuthNeeds {
  /** A line without a user: `auth: LEVEL: text`. */
  log(level: LogLevel, text: string): void
  /** `auth_worker_max_count`: helper processes of one database that run at once. */
  readonly maxWorkers: number
  /** `auth_debug`. */
  readonly debug: boolean
  /** SQL connections by ext file: blocks with the same file share them. */
  readonly sql: SqlConnections
  /** passwd-files by path. */
  readonly passwdFiles: PasswdFileStore
  /** Ext files, certificates and keys. */
  readonly configFiles: ConfigFiles
  /** Takes warnings about an ext file. */
  complain(complaint: Complaint): void
}

/** A kind of passdb. `open` throws DatabaseConfigError for args that cannot be. */
export interface PassdbDriver {
  readonly name: string
  /** `args` must be empty. */
  readonly noArgs?: boolean
  /** `at`: where the block is; relative paths of Postern's own drivers are beside that file. */
  open(args: string, needs: DatabaseNeeds, at: SourcePosition): Passdb
}

/** The args or the ext file of a database are wrong; `message` is Dovecot's fatal line. */
export class DatabaseConfigError extends Error {
  override readonly name = 'DatabaseConfigError'
}
