// What a module of the `module` driver is: a file whose default export is an AuthModule. It runs in a thread of its own.

/** Who logs in or is looked up. */
export interface ModuleLogin {
  readonly user: string
  /** The part of `user` before the first `@`. */
  readonly username: string
  /** The part behind it; empty without one. */
  readonly domain: string
  /** imap, pop3, submission, sieve, lmtp or doveadm. */
  readonly service: string
  /** PLAIN, OAUTHBEARER ...; empty for lookups. */
  readonly mechanism: string
  readonly session: string
  readonly localIp: string
  readonly remoteIp: string
  /** TLS, secured, or empty. */
  readonly secured: string
}

/** Extra fields by name. `true` sets a boolean field; `false` and null leave it out. */
export type ModuleFields = Readonly<Record<string, string | number | boolean | null>>

export type ModuleAnswer =
  | { readonly result: 'ok'; readonly fields?: ModuleFields }
  | { readonly result: 'unknown-user' | 'user-disabled' | 'password-expired' }
  /** The database behind the module did not answer: the client is told to try later, never that its password is wrong. */
  | { readonly result: 'temporary-failure'; readonly reason?: string }

/** What verifyPassword says. */
export type ModuleVerdict = ModuleAnswer | { readonly result: 'password-mismatch' }

type MaybePromise<T> = T | Promise<T>

/** Every function may be left out; a passdb needs one of the first two, a userdb `lookupUser` or `groupsOf`. */
export interface AuthModule {
  /** Checks a password itself. */
  verifyPassword?(login: ModuleLogin, password: string): MaybePromise<ModuleVerdict>
  /** Tells the stored password, as the field `password`, with or without `{SCHEME}`. */
  lookupPassword?(login: ModuleLogin): MaybePromise<ModuleAnswer>
  /** The userdb fields: uid, gid, home, mail ... */
  lookupUser?(login: ModuleLogin): MaybePromise<ModuleAnswer>
  /** The groups a user is in, for ACLs: they become the userdb field `acl_groups`. */
  groupsOf?(login: ModuleLogin): MaybePromise<readonly string[]>
  /** All users. */
  listUsers?(): MaybePromise<readonly string[]>
}

/** Names of the functions. */
export const MODULE_FUNCTIONS = ['verifyPassword', 'lookupPassword', 'lookupUser', 'groupsOf', 'listUsers'] as const
export type ModuleFunction = (typeof MODULE_FUNCTIONS)[number]
