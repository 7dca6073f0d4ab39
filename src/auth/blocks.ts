// Blocks of the configuration as the chains use them: an open database with its rules.
import type { Complaint, PassdbSettings, SourcePosition, UserdbSettings } from '../config/config.ts'
import { type AuthCache, keyVariables } from './cache.ts'
import { compileFields, compileLate, type DatabaseField, templateFault } from './field-template.ts'
import { LookupGate } from './lookup-gate.ts'
import { type DatabaseNeeds, DatabaseConfigError, type Passdb, type PassdbDriver } from './passdb/passdb.ts'
import type { CacheUse } from './passdb-cache.ts'
import type { CurrentDatabase } from './request.ts'
import type { ResultRules } from './result-rule.ts'
import type { Userdb, UserdbDriver } from './userdb/userdb.ts'

interface Block<Settings, Database> {
  readonly settings: Settings
  readonly database: Database
  readonly driver: string
  /** What requests show of it while it is asked. */
  readonly current: CurrentDatabase
  readonly defaultFields: readonly DatabaseField[]
  readonly overrideFields: readonly DatabaseField[]
  readonly rules: ResultRules
  readonly gate: LookupGate
  /** Answers are kept in the auth cache. */
  readonly cache: CacheUse | undefined
}

export interface PassdbBlock extends Block<PassdbSettings, Passdb> {
  /** Upper case; `NONE` is for lookups without authentication. `undefined`: all. */
  readonly mechanisms: ReadonlySet<string> | undefined
}

export type UserdbBlock = Block<UserdbSettings, Userdb>

interface Opened<Database> {
  readonly database: Database
  readonly id: number
  readonly gate: LookupGate
}

/** Opens databases. Blocks with the same driver and args share one. Complaints are collected. */
export class BlockOpener {
  readonly complaints: Complaint[] = []
  readonly #needs: DatabaseNeeds
  readonly #verbose: boolean
  readonly #passdbDrivers: readonly PassdbDriver[]
  readonly #userdbDrivers: readonly UserdbDriver[]
  readonly #cache: AuthCache | undefined
  readonly #passdbs = new Map<string, Opened<Passdb>>()
  readonly #userdbs = new Map<string, Opened<Userdb>>()

  constructor(
    needs: DatabaseNeeds,
    verbose: boolean,
    passdbDrivers: readonly PassdbDriver[],
    userdbDrivers: readonly UserdbDriver[],
    cache: AuthCache | undefined,
  ) {
    this.#cache = cache
    this.#needs = needs
    this.#verbose = verbose
    this.#passdbDrivers = passdbDrivers
    this.#userdbDrivers = userdbDrivers
  }

  /** `undefined`: there is a complaint. */
  passdb(settings: PassdbSettings): PassdbBlock | undefined {
    const opened = this.#open('passdb', settings, this.#passdbDrivers, this.#passdbs)
    if (opened === undefined) return undefined
    const rules = rulesOf(settings)
    return {
      ...this.#common('passdb', settings, opened),
      settings,
      database: opened.database,
      rules: settings.pass ? { ...rules, success: 'continue' } : rules,
      mechanisms:
        settings.mechanisms.length === 0 ? undefined : new Set(settings.mechanisms.map((name) => name.toUpperCase())),
    }
  }

  /** `undefined`: there is a complaint. */
  userdb(settings: UserdbSettings): UserdbBlock | undefined {
    const opened = this.#open('userdb', settings, this.#userdbDrivers, this.#userdbs)
    if (opened === undefined) return undefined
    return {
      ...this.#common('userdb', settings, opened),
      settings,
      database: opened.database,
      rules: rulesOf(settings),
    }
  }

  /** Every open database, each once. */
  databases(): readonly (Passdb | Userdb)[] {
    return [...this.#passdbs.values(), ...this.#userdbs.values()].map(({ database }) => database)
  }

  #open<Database>(
    part: 'passdb' | 'userdb',
    { driver: name, args, at }: { readonly driver: string; readonly args: string; readonly at: SourcePosition },
    drivers: readonly {
      readonly name: string
      readonly noArgs?: boolean
      open(args: string, needs: DatabaseNeeds, at: SourcePosition): Database
    }[],
    known: Map<string, Opened<Database>>,
  ): Opened<Database> | undefined {
    const key = `${name}\0${args}`
    const shared = known.get(key)
    if (shared !== undefined) return shared
    const driver = drivers.find((candidate) => candidate.name === name)
    if (driver === undefined) return this.#complain(missingDriver(part, name), at)
    if (driver.noArgs === true && args !== '')
      return this.#complain(`${part} ${name}: No args are supported: ${args}`, at)
    try {
      const opened = {
        database: driver.open(args, this.#needs, at),
        id: known.size + 1,
        gate: new LookupGate(this.#needs.clock),
      }
      known.set(key, opened)
      return opened
    } catch (error) {
      if (!(error instanceof DatabaseConfigError)) throw error
      return this.#complain(error.message, at)
    }
  }

  #common(
    part: string,
    settings: PassdbSettings | UserdbSettings,
    { database, id, gate }: Opened<Passdb | Userdb>,
  ): Omit<Block<never, never>, 'settings' | 'database' | 'rules'> {
    const { driver, name, at, auth_verbose: verbose } = settings
    const place = `${at.file}:${at.line}`
    for (const key of [
      'default_fields',
      'override_fields',
      ...(driver === 'static' ? (['args'] as const) : []),
    ] as const) {
      const fault = templateFault(settings[key])
      if (fault !== undefined) this.#complain(`${part} ${driver}: ${key} cannot be expanded: ${fault}`, at, 'warning')
    }
    const defaultFields = compileFields(settings.default_fields, `default_fields, ${place}`)
    return {
      driver,
      cache: this.#cacheUse(part, id, database.cacheKey, defaultFields),
      current: {
        label: name === '' ? driver : name,
        id,
        verbose: verbose === 'default' ? this.#verbose : verbose === 'yes',
      },
      defaultFields,
      overrideFields: compileFields(settings.override_fields, `override_fields, ${place}`),
      gate,
    }
  }

  /** A database's answers depend on the variables of its query and of the default fields. */
  #cacheUse(
    part: string,
    id: number,
    query: string | undefined,
    defaultFields: readonly DatabaseField[],
  ): CacheUse | undefined {
    if (this.#cache === undefined || query === undefined) return undefined
    const templates = [
      compileLate(query),
      ...defaultFields.map(({ value }) => value).filter((value) => value !== null && typeof value === 'object'),
    ]
    return {
      cache: this.#cache,
      database: `${part === 'passdb' ? 'P' : 'U'}${id}`,
      variables: keyVariables(templates.flatMap(({ variables }) => variables)),
    }
  }

  #complain(text: string, at: SourcePosition, severity: 'error' | 'warning' = 'error'): undefined {
    this.complaints.push({ severity, text, at })
  }
}

function rulesOf(settings: PassdbSettings | UserdbSettings): ResultRules {
  return {
    success: settings.result_success,
    failure: settings.result_failure,
    internalFailure: settings.result_internalfail,
  }
}

/** Drivers that Dovecot has and this server does not. */
const UNSUPPORTED = new Set(['bsdauth', 'dict', 'lua', 'nss', 'sia', 'vpopmail'])

function missingDriver(part: string, name: string): string {
  return UNSUPPORTED.has(name)
    ? `Support not compiled in for ${part} driver '${name}'`
    : `Unknown ${part} driver '${name}'`
}
