import type { Complaint, Config, ConfigFiles, Settings } from '../config/config.ts'
import { type SaslMechanism, SaslAborted, SaslError } from '../sasl/mechanism.ts'
import type { Secret } from '../util/secret.ts'
import { andThen, type Soon } from '../util/soon.ts'
import {
  type AuthConnection,
  type AuthOutcome,
  type AuthRefusal,
  type AuthService,
  type AuthStep,
  type ExtraFields,
  InvalidBase64,
  type PassdbLookup,
  type SaslExchange,
  type UserdbLookup,
} from './auth.ts'
import { BlockOpener } from './blocks.ts'
import { AuthCache } from './cache.ts'
import { openChains, openMechanisms, type ServiceChains } from './chains.ts'
import { checkDatabases } from './check-databases.ts'
import { ExchangeIo } from './exchange-io.ts'
import { FailureDelay } from './failure-delay.ts'
import { templateFault } from './field-template.ts'
import { Guards } from './guards.ts'
import { Login, type Verdict } from './login.ts'
import { lookUpPassdb, lookUpUser } from './lookups.ts'
import { AuthConfigError, type AuthNeeds } from './needs.ts'
import type { DatabaseNeeds, PassdbDriver } from './passdb/passdb.ts'
import { PasswdFileStore } from './passwd-file.ts'
import { outcomeOf, refused } from './outcome.ts'
import { refusalFor } from './refusal.ts'
import { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { SqlConnections } from './sql/connections.ts'
import { lookUpStored, type StoredUser } from './stored-password.ts'
import { Trace } from './trace.ts'
import type { UserdbDriver } from './userdb/userdb.ts'

export interface AuthServiceInput {
  readonly config: Config
  /** Reads the ext files. */
  readonly configFiles: ConfigFiles
  readonly needs: AuthNeeds
  readonly passdbDrivers: readonly PassdbDriver[]
  readonly userdbDrivers: readonly UserdbDriver[]
  readonly findMechanism: (name: string) => SaslMechanism | undefined
}

/** Opens the databases and gets them ready. Throws AuthConfigError with everything that is wrong with the configuration. */
export async function openAuthService(input: AuthServiceInput): Promise<AuthService> {
  const service = new Service(input)
  const errors = service.complaints.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    await service.close()
    throw new AuthConfigError(errors)
  }
  for (const { text } of service.complaints) input.needs.observer.log('warning', 'auth', text)
  await service.warm()
  return service
}

/** What `openAuthService` would say about a configuration, for `doctor`: nothing is connected. */
export async function checkAuthConfig(input: AuthServiceInput): Promise<readonly Complaint[]> {
  const service = new Service(input)
  await service.close()
  return service.complaints
}

class Service implements AuthService {
  readonly mechanisms: readonly { readonly name: string; readonly plaintext: boolean }[]
  readonly complaints: readonly Complaint[]
  readonly #needs: AuthNeeds
  readonly #opener: BlockOpener
  readonly #sql: SqlConnections
  /** Of the services that the configuration names. */
  readonly #chains: ReadonlyMap<string, ServiceChains>
  /** Of every other service. */
  readonly #others: ServiceChains
  /** Of whoever has no service: what every mechanism must be possible with. */
  readonly #global: ServiceChains
  readonly #mechanisms: ReadonlyMap<string, SaslMechanism>
  /** A -PLUS mechanism is configured. */
  readonly #listsBinding: boolean
  readonly #failures: FailureDelay
  readonly #guards: Guards
  readonly #cache: AuthCache | undefined

  constructor({ config, configFiles, needs, passdbDrivers, userdbDrivers, findMechanism }: AuthServiceInput) {
    this.#needs = needs
    this.#failures = new FailureDelay(needs.clock, needs.random)
    this.#guards = new Guards(config, configFiles, needs)
    const complaints: Complaint[] = []
    const settings = config.settings({})
    this.#cache = openCache(settings, needs)
    const {
      auth_debug: debug,
      auth_debug_passwords: debugPasswords,
      auth_verbose: verbose,
      auth_mechanisms: names,
    } = settings
    const log: DatabaseNeeds['log'] = (level, text) => {
      if (level !== 'debug' || debug || debugPasswords) needs.observer.log(level, 'auth', text)
    }
    this.#sql = new SqlConnections(configFiles, { clock: needs.clock, log }, (complaint) => complaints.push(complaint))
    const common = { ...needs, log, debug: debug || debugPasswords }
    const databaseNeeds: DatabaseNeeds = {
      ...common,
      maxWorkers: settings.auth_worker_max_count,
      sql: this.#sql,
      passwdFiles: new PasswdFileStore(common),
      configFiles,
      complain: (complaint) => complaints.push(complaint),
    }
    this.#opener = new BlockOpener(
      databaseNeeds,
      verbose || debug || debugPasswords,
      passdbDrivers,
      userdbDrivers,
      this.#cache,
    )
    // In Dovecot's order, which numbers them for `%!`.
    this.#global = openChains(config, undefined, this.#opener)
    this.#chains = new Map(config.protocolNames.map((name) => [name, openChains(config, name, this.#opener)]))
    this.#others = openChains(config, '', this.#opener)
    const found = openMechanisms(names, this.#global, findMechanism, complaints)
    this.#mechanisms = new Map(found.map((mechanism) => [mechanism.name, mechanism]))
    this.#listsBinding = found.some(({ bindsChannel }) => bindsChannel === true)
    this.mechanisms = found.filter(({ listed }) => listed).map(({ name, plaintext }) => ({ name, plaintext }))
    const nameFault = templateFault(settings.auth_username_format)
    if (nameFault !== undefined) {
      const at = config.origin('auth_username_format', {})
      const text = `auth_username_format cannot be expanded, so nobody can log in: ${nameFault}`
      complaints.push({ severity: 'warning', text, ...(at && { at }) })
    }
    for (const text of this.#sql.warnings()) complaints.push({ severity: 'warning', text })
    this.complaints = withoutRepeats([...this.#opener.complaints, ...complaints])
  }

  async warm(): Promise<void> {
    // Servers that are down must not keep this one from starting.
    void this.#sql.warm()
    await Promise.all(this.#opener.databases().map(async (database) => await database.warm?.()))
  }

  authenticate(connection: AuthConnection, exchange: SaslExchange, signal: AbortSignal): Soon<AuthOutcome> {
    const fail = (error: unknown): AuthOutcome => {
      this.#logFault(error)
      return { kind: 'refused', why: { kind: 'temporary' } }
    }
    try {
      const outcome = this.#authenticate(connection, exchange, signal)
      return outcome instanceof Promise ? outcome.catch(fail) : outcome
    } catch (error) {
      return fail(error)
    }
  }

  #authenticate(connection: AuthConnection, exchange: SaslExchange, signal: AbortSignal): Soon<AuthOutcome> {
    const { mechanism: name } = exchange
    const mechanism = this.#mechanisms.get(name) ?? this.#mechanisms.get(name.toUpperCase())
    if (mechanism === undefined) return { kind: 'refused', why: { kind: 'unsupported-mechanism' } }
    const chains = this.#chainsOf(connection)
    const request = new AuthRequest(connection, chains.settings, this.#needs, mechanism.name, undefined)
    request.wantsFields = exchange.wantsFields === true
    if (chains.settings.certificateRequired && connection.certificateUser === undefined) {
      const reason = "Client didn't present valid SSL certificate"
      request.logLogin('info', reason)
      return { kind: 'refused', why: { kind: 'failed', reason } }
    }
    return andThen(this.#guards.before(request, signal), (waited) => {
      // Who left meanwhile is not asked about: a lookup that is cancelled looks like a fault of the database.
      if (waited === true && signal.aborted) return refused(request, { kind: 'aborted' })
      return andThen(this.#exchange(mechanism, request, chains, exchange, signal), (verdict) => {
        if (verdict.kind === 'failure') return this.#refuse(request, verdict.result, signal)
        return verdict.kind === 'success' ? this.#accept(request, mechanism.name, signal) : refused(request, verdict)
      })
    })
  }

  /** The password was right; whoever guards the users may still object. */
  #accept(request: AuthRequest, mechanism: string, signal: AbortSignal): Soon<AuthOutcome> {
    return andThen(this.#guards.afterSuccess(request, signal), (failure) => {
      if (failure !== undefined) return this.#refuse(request, failure, signal)
      return andThen(this.#succeed(request, mechanism, signal), (outcome) =>
        andThen(this.#isRevoked(request, signal), (isRevoked) => {
          if (isRevoked === true) return this.#refuse(request, 'user-disabled', signal)
          this.#guards.succeeded(request)
          return outcome
        }),
      )
    })
  }

  #isRevoked(request: AuthRequest, signal: AbortSignal): Soon<boolean | undefined> {
    const revoked = this.#guards.revoked(request, async (user) => {
      return (await this.storedPassword(request.connection.service, user, signal)).stored
    })
    return andThen(revoked, (isRevoked) => {
      if (isRevoked === true) request.logLogin('info', 'User is revoked')
      return isRevoked
    })
  }

  /** Runs the mechanism's dialogue. A refusal is one that is told at once: the client left, or sent nonsense. */
  #exchange(
    mechanism: SaslMechanism,
    request: AuthRequest,
    chains: ServiceChains,
    exchange: SaslExchange,
    signal: AbortSignal,
  ): Soon<Verdict | AuthRefusal> {
    const io = new ExchangeIo(exchange, request, chains, { needs: this.#needs, listsBinding: this.#listsBinding })
    const breakOff = (error: unknown): Verdict | AuthRefusal => {
      if (error instanceof InvalidBase64) return { kind: 'invalid-base64', initial: false }
      if (error instanceof SaslAborted || io.hasLeft) return { kind: 'aborted' }
      if (!(error instanceof SaslError)) throw error
      request.logLogin('info', error.message)
      return { kind: 'failure', result: 'password-mismatch' }
    }
    try {
      const verdict = mechanism.authenticate(io, new Login(request, chains, signal, this.#guards.policy))
      return verdict instanceof Promise ? verdict.catch<Verdict | AuthRefusal>(breakOff) : verdict
    } catch (error) {
      return breakOff(error)
    }
  }

  async #refuse(request: AuthRequest, result: PassdbResult, signal: AbortSignal): Promise<AuthOutcome> {
    const why = refusalFor(request, result)
    this.#guards.failed(request, why.kind === 'temporary')
    if (!request.fields.has('nodelay')) await this.#failures.wait(request.settings.failureDelayMs, signal)
    return refused(request, why)
  }

  #succeed(request: AuthRequest, mechanism: string, signal: AbortSignal): Soon<AuthOutcome> {
    if (request.delayUntilMs === undefined) return outcomeOf(request, mechanism)
    return this.#sleepUntil(request.delayUntilMs, signal).then(() => outcomeOf(request, mechanism))
  }

  #sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
    const ms = untilMs - this.#needs.clock.now()
    if (ms <= 0 || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#needs.clock.timer(ms, done)
      signal.addEventListener('abort', done)
    })
  }

  async lookupPassdb(connection: AuthConnection, user: string, signal: AbortSignal): Promise<PassdbLookup> {
    try {
      const chains = this.#chainsOf(connection)
      const request = new AuthRequest(connection, chains.settings, this.#needs, undefined, undefined)
      return await lookUpPassdb(request, chains, user, signal)
    } catch (error) {
      this.#logFault(error)
      return { kind: 'refused', why: { kind: 'temporary' } }
    }
  }

  async lookupUser(
    connection: AuthConnection,
    user: string,
    prefetched: ExtraFields | undefined,
    signal: AbortSignal,
  ): Promise<UserdbLookup> {
    try {
      const chains = this.#chainsOf(connection)
      const request = new AuthRequest(connection, chains.settings, this.#needs, undefined, undefined)
      return await lookUpUser(request, chains, user, prefetched, signal)
    } catch (error) {
      this.#logFault(error)
      return { kind: 'temporary' }
    }
  }

  async storedPassword(service: string, user: string, signal: AbortSignal): Promise<StoredUser> {
    return await lookUpStored(this.#chainsOf({ service }), this.#needs, service, user, signal)
  }

  async explain(
    connection: AuthConnection,
    user: string,
    password: Secret | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly steps: readonly AuthStep[]; readonly outcome: AuthOutcome | PassdbLookup }> {
    const chains = this.#chainsOf(connection)
    const trace = new Trace()
    const mechanism = password === undefined ? undefined : 'PLAIN'
    const request = new AuthRequest(connection, chains.settings, this.#needs, mechanism, trace)
    trace.begin('username')
    if (password === undefined)
      return { outcome: await lookUpPassdb(request, chains, user, signal), steps: trace.end() }
    const verdict = await new Login(request, chains, signal).verifyPlain({ authcid: user }, password)
    const outcome =
      verdict.kind === 'success' ? outcomeOf(request, 'PLAIN') : refused(request, refusalFor(request, verdict.result))
    return { outcome, steps: trace.end() }
  }

  async *iterateUsers(signal: AbortSignal): AsyncIterable<string> {
    for (const { database } of this.#chainsOf({ service: 'doveadm' }).userdbs) {
      if (database.iterate !== undefined) yield* database.iterate(signal)
    }
  }

  async check(signal: AbortSignal): ReturnType<AuthService['check']> {
    const { policy } = this.#guards
    const guards = policy === undefined ? [] : [{ part: 'policy server', problem: await policy.check() }]
    return [...(await checkDatabases([this.#global, ...this.#chains.values(), this.#others], signal)), ...guards]
  }

  flushCache(users: readonly string[] | undefined): number {
    return this.#cache?.flush(users) ?? 0
  }

  async close(): Promise<void> {
    this.#failures.flush()
    this.#guards.close()
    this.#cache?.close()
    await Promise.all([this.#sql.close(), ...this.#opener.databases().map((database) => database.close())])
  }

  #chainsOf({ service }: Pick<AuthConnection, 'service'>): ServiceChains {
    return this.#chains.get(service) ?? (service === '' ? this.#global : this.#others)
  }

  #logFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#needs.observer.log('error', 'auth', `BUG: ${text}`)
  }
}

/** No cache unless it has a size. */
function openCache(settings: Settings, { clock, passwords }: AuthNeeds): AuthCache | undefined {
  const { auth_cache_size: sizeBytes, auth_cache_ttl: ttlMs, auth_cache_negative_ttl: negativeTtlMs } = settings
  return sizeBytes === 0 ? undefined : new AuthCache({ sizeBytes, ttlMs, negativeTtlMs }, clock, passwords)
}

function withoutRepeats(complaints: readonly Complaint[]): readonly Complaint[] {
  const key = ({ text, at }: Complaint): string => `${text}\0${at?.file}\0${at?.line}`
  return [...new Map(complaints.map((complaint) => [key(complaint), complaint])).values()]
}
