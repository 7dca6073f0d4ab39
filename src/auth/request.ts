import type { VariableLookup } from '../config/expand.ts'
import type { LogLevel } from '../observe/events.ts'
import type { Secret } from '../util/secret.ts'
import type { AuthConnection } from './auth.ts'
import { FieldSet } from './extra-fields.ts'
import { logFailure } from './failure-log.ts'
import { MAX_LOG_USER, sanitize } from './log-text.ts'
import type { AuthNeeds } from './needs.ts'
import type { AuthSettings } from './settings.ts'
import type { Trace } from './trace.ts'
import { lookUpVariable } from './variables.ts'

/** The stored password that the current passdb gave. */
export interface StoredPassword {
  /** With `{SCHEME}`, or in the default scheme. */
  readonly text: string
  readonly defaultScheme: string
}

/** The passdb or userdb that is being asked. */
export interface CurrentDatabase {
  /** Its label, or its driver's name. */
  readonly label: string
  /** `%!`: its number, from 1. */
  readonly id: number
  readonly verbose: boolean
}

/**
 * One login or lookup on its way through the databases. The chains change it; it knows its variables, and how its log
 * lines begin.
 */
export class AuthRequest {
  readonly connection: AuthConnection
  readonly settings: AuthSettings
  readonly needs: AuthNeeds
  /** Upper case; `undefined` in lookups without authentication. */
  readonly mechanism: string | undefined
  readonly trace: Trace | undefined

  user = ''
  /** As the client gave it; the master's in a master login. */
  originalUser: string | undefined
  /** Who a master user wants to be, until the master's password was right. */
  loginUser: string | undefined
  masterUser: string | undefined
  password: Secret | undefined

  readonly fields = new FieldSet()
  userdbFields: FieldSet | undefined
  /** A passdb returned `userdb_` fields, maybe all NULL. */
  prefetched = false
  /** The same, as of the last database that counts. */
  prefetchedBefore = false
  stored: StoredPassword | undefined

  /** A password was verified: the databases that follow do not check theirs. */
  authenticated = false
  success = false
  /** A field of the current database (`fail`, `allow_nets` ...) refuses. */
  failed = false
  /** A userdb field (`tempfail`, an unknown uid) makes the lookup fail for now. */
  userdbFailed = false
  /** `uidgid_file`, to be looked at before the userdb's answer is complete. */
  uidgidFile: string | undefined
  /** A userdb lookup; otherwise a passdb lookup or login. */
  isUserdbLookup = false
  /** Another database follows the current one. */
  hasNext = false
  delayUntilMs: number | undefined
  database: CurrentDatabase | undefined
  /** %u and its parts within one template: fields that rename do not change the words beside them. */
  templateUser: string | undefined
  /** Whether some password was really compared: unknown users cost as much as known ones. */
  verified = false
  /** The penalty that the client came with. */
  penaltyLevel = 0
  /** The policy server refused, whether or not that counts. */
  policyRefused = false
  /** A refusal is to have the fields, too. */
  wantsFields = false

  readonly lookup: VariableLookup = (name) => lookUpVariable(this, name)

  constructor(
    connection: AuthConnection,
    settings: AuthSettings,
    needs: AuthNeeds,
    mechanism: string | undefined,
    trace: Trace | undefined,
  ) {
    this.connection = connection
    this.settings = settings
    this.needs = needs
    this.mechanism = mechanism
    this.trace = trace
    if (connection.forward.size > 0) this.#importForwarded(connection.forward)
  }

  /** Fields from a trusted proxy; no database's failure takes them back. */
  #importForwarded(forward: ReadonlyMap<string, string>): void {
    for (const [key, value] of forward) this.fields.add(`forward_${key}`, value, 'forwarded by a trusted proxy')
    this.fields.snapshot()
  }

  /** A line about what the current database did: `sql(joe,192.0.2.1,<session>): text`. */
  logDatabase(level: LogLevel, text: string): void {
    if (!this.#wants(level, this.database?.verbose ?? this.settings.verbose)) return
    this.#write(level, this.database?.label ?? this.settings.mechanismLabel(this.mechanism), text)
  }

  /** A line about the login itself: `plain(joe,192.0.2.1,<session>): text`. */
  logLogin(level: LogLevel, text: string): void {
    if (!this.#wants(level, this.settings.verbose)) return
    this.#write(level, this.settings.mechanismLabel(this.mechanism), text)
  }

  /** `auth_debug_passwords`: debug lines may hold passwords. */
  get showPasswords(): boolean {
    return this.settings.debugPasswords && this.trace === undefined
  }

  /** No such user in the current database. */
  logUnknownUser(): void {
    logFailure(this, 'unknown user')
  }

  /** True when a debug line would be seen: building one costs. */
  get isDebug(): boolean {
    return this.settings.debug || this.trace !== undefined
  }

  /** Logs although `auth_verbose` is off (auth_verbose_passwords). */
  logAlways(text: string): void {
    this.#write('info', this.database?.label ?? this.settings.mechanismLabel(this.mechanism), text)
  }

  #wants(level: LogLevel, verbose: boolean): boolean {
    if (this.trace !== undefined) return true
    if (level === 'debug') return this.settings.debug
    return level !== 'info' || verbose
  }

  #write(level: LogLevel, label: string, text: string): void {
    this.trace?.note(text)
    if (this.trace !== undefined && (level === 'debug' || level === 'info')) return
    this.needs.observer.log(level, 'auth', `${this.logPrefix(label)}${text}`)
  }

  logPrefix(label: string): string {
    const { remote, session } = this.connection
    const ip = remote.ip === '' ? '' : `,${remote.ip}`
    const master = this.loginUser === undefined ? '' : ',master'
    const id = session === '' ? '' : `,<${session}>`
    return `${label}(${this.user === '' ? '?' : sanitize(this.user, MAX_LOG_USER)}${ip}${master}${id}): `
  }
}
