// The module that `args` names: loaded when it is first needed, again when its file changes, again when its thread died.
import { dirname, resolve } from 'node:path'
import { splitBlanks } from '../field-template.ts'
import { type DatabaseNeeds, type DatabaseRequest, DatabaseConfigError } from '../passdb/passdb.ts'
import type { ModuleFunction, ModuleLogin } from './api.ts'
import { MODULE_LIMITS, ModuleFault, RunningModule } from './running.ts'

export interface ModuleArgs {
  readonly path: string
  readonly cacheKey: string | undefined
  readonly scheme: string
  readonly timeoutMs: number
}

/** `[cache_key=%u] [scheme=PLAIN] [timeout=SECONDS] FILE`; a relative FILE is beside the configuration. Throws DatabaseConfigError. */
export function parseModuleArgs(part: string, args: string, configPath: string): ModuleArgs {
  const complaint = (text: string): DatabaseConfigError => new DatabaseConfigError(`${part} module: ${text}`)
  let path = ''
  const values = new Map<string, string>()
  for (const word of splitBlanks(args)) {
    const [, name, value = ''] = /^(file|cache_key|scheme|timeout)=(.*)$/.exec(word) ?? []
    if (name === undefined || name === 'file') path = name === undefined ? word : value
    else values.set(name, value)
  }
  if (path === '') throw complaint('Missing file in args')
  const timeout = Number(values.get('timeout') ?? MODULE_LIMITS.callMs / 1000)
  if (!(timeout > 0 && timeout <= 60)) throw complaint(`Invalid timeout: ${values.get('timeout') ?? ''}`)
  return {
    path: resolve(dirname(configPath), path),
    cacheKey: values.get('cache_key'),
    scheme: values.get('scheme') ?? 'PLAIN',
    timeoutMs: timeout * 1000,
  }
}

export class ModuleHost {
  readonly #args: ModuleArgs
  readonly #needs: DatabaseNeeds
  #running: RunningModule | undefined
  #loading: Promise<RunningModule> | undefined
  /** What the file was when it was loaded. */
  #version = ''
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #fault: ModuleFault | undefined
  #isClosed = false

  constructor(args: ModuleArgs, needs: DatabaseNeeds) {
    this.#args = args
    this.#needs = needs
  }

  /** The module as its file is now; the last one that could be loaded. Rejects with ModuleFault. */
  async current(): Promise<RunningModule> {
    const now = this.#needs.clock.now()
    if (now - this.#lookedAtMs >= MODULE_LIMITS.lookAgainMs) {
      this.#lookedAtMs = now
      this.#loading ??= this.#refresh().finally(() => {
        this.#loading = undefined
      })
    }
    // What works goes on while a newer version loads.
    if (this.#running !== undefined && !this.#running.isOver) {
      this.#loading?.catch(() => undefined)
      return this.#running
    }
    if (this.#loading !== undefined) return await this.#loading
    throw this.#fault ?? new ModuleFault('its thread ended')
  }

  async call(module: RunningModule, name: ModuleFunction, args: readonly unknown[]): Promise<unknown> {
    return await module.call(name, args, this.#args.timeoutMs)
  }

  /** A line for the log about what failed. */
  describe(error: unknown): string {
    if (!(error instanceof ModuleFault)) throw error
    return `${this.#args.path}: ${error.message}`
  }

  async check(): Promise<string | undefined> {
    try {
      await this.current()
      return this.#fault === undefined ? undefined : this.describe(this.#fault)
    } catch (error) {
      return this.describe(error)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#running?.close()
  }

  async #refresh(): Promise<RunningModule> {
    const version = await this.#versionNow()
    const old = this.#running
    const isAlive = old !== undefined && !old.isOver
    if (isAlive && version === this.#version) return old
    this.#version = version
    try {
      const loaded = await RunningModule.load(this.#args.path)
      if (this.#isClosed) loaded.close()
      this.#running = loaded
      this.#fault = undefined
      old?.retire()
      if (isAlive) this.#needs.log('info', `module ${this.#args.path} was loaded again`)
      return loaded
    } catch (error) {
      this.#fault = error instanceof ModuleFault ? error : new ModuleFault(String(error))
      this.#needs.log('error', `module ${this.describe(this.#fault)}`)
      // What worked goes on working.
      if (isAlive) return old
      throw this.#fault
    }
  }

  async #versionNow(): Promise<string> {
    try {
      const { mtimeMs, size } = await this.#needs.files.stat(this.#args.path)
      return `${mtimeMs} ${size}`
    } catch {
      return 'missing'
    }
  }
}

/** What a module is told of a request. */
export function moduleLogin({ user, lookup }: DatabaseRequest): ModuleLogin {
  const value = (name: string): string => lookup(name) ?? ''
  return {
    user,
    username: value('username'),
    domain: value('domain'),
    service: value('service'),
    mechanism: value('mech'),
    session: value('session'),
    localIp: value('lip'),
    remoteIp: value('rip'),
    secured: value('secured'),
  }
}
