import type { SourcePosition } from '../../config/config.ts'
import type { DatabaseField } from '../field-template.ts'
import type { DatabaseNeeds, DatabaseRequest } from '../passdb/passdb.ts'

/** What a user database sees of a lookup. */
export interface UserdbRequest extends DatabaseRequest {
  /** The lookup follows a login: the user exists. */
  readonly loggedIn: boolean
  /** A passdb returned `userdb_` fields. */
  readonly prefetched: boolean
  /** This is the only userdb. */
  readonly isOnly: boolean
  /** Asks the passdbs, without a password, whether the user exists. */
  userExists(): Promise<'yes' | 'no' | 'cannot-tell' | 'internal-failure'>
}

export type UserdbReply =
  | { readonly kind: 'found'; readonly fields: readonly DatabaseField[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'internal-failure'; readonly log: string }

/** A user database: where the mail is and what settings a user has. */
export interface Userdb {
  /** See Passdb. */
  readonly cacheKey?: string
  lookup(request: UserdbRequest, signal: AbortSignal): UserdbReply | Promise<UserdbReply>
  /** Names of all users. Absent when the driver cannot list them. */
  iterate?(signal: AbortSignal): AsyncIterable<string>
  warm?(): Promise<void>
  check(signal: AbortSignal): Promise<string | undefined>
  close(): Promise<void>
}

/** A kind of userdb. `open` throws DatabaseConfigError for args that cannot be. */
export interface UserdbDriver {
  readonly name: string
  /** `args` must be empty. */
  readonly noArgs?: boolean
  open(args: string, needs: DatabaseNeeds, at: SourcePosition): Userdb
}
