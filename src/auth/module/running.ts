// One loaded module: calls go to its thread, answers come back, and a thread that is stuck is ended.
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { RenewedMap } from '../../util/renewed-map.ts'
import type { ModuleFunction } from './api.ts'
import type { ThreadAnswer, ThreadQuestion } from './thread.ts'

export const MODULE_LIMITS = {
  /** A call that has not been answered by then has failed; `timeout=` says otherwise. */
  callMs: 10_000,
  loadMs: 10_000,
  /** A thread that does not even answer this is stuck. */
  pingMs: 2_000,
  memoryMb: 256,
  /** The file is looked at again, and a dead thread is started again, at most this often. */
  lookAgainMs: 1_000,
} as const

/** A module failed; `message` is for the log. */
export class ModuleFault extends Error {
  override readonly name = 'ModuleFault'
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (fault: ModuleFault) => void
}

export class RunningModule {
  readonly #worker: Worker
  readonly #pending = new RenewedMap<Pending, number>()
  readonly #loaded = Promise.withResolvers<ReadonlySet<ModuleFunction>>()
  #functions: ReadonlySet<ModuleFunction> = new Set()
  #lastId = 0
  #ping: NodeJS.Timeout | undefined
  #isOver = false
  #isRetiring = false

  private constructor(path: string) {
    // The published package holds JavaScript, a checkout TypeScript.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#worker = new Worker(new URL(`./thread.${extension}`, import.meta.url), {
      workerData: pathToFileURL(path).href,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MODULE_LIMITS.memoryMb },
    })
    this.#worker.unref()
    this.#worker.on('message', (answer: ThreadAnswer) => this.#take(answer))
    this.#worker.on('error', (error) =>
      this.#end(`it failed: ${error instanceof Error ? error.message : String(error)}`),
    )
    this.#worker.on('exit', () => this.#end('its thread ended'))
  }

  /** Loads a module. Rejects with ModuleFault. */
  static async load(path: string): Promise<RunningModule> {
    const module = new RunningModule(path)
    const late = setTimeout(() => module.#end('it took too long to load'), MODULE_LIMITS.loadMs)
    try {
      module.#functions = await module.#loaded.promise
      return module
    } finally {
      clearTimeout(late)
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  has(name: ModuleFunction): boolean {
    return this.#functions.has(name)
  }

  /** What the module's function returned. Rejects with ModuleFault, at the latest after `timeoutMs`. */
  async call(name: ModuleFunction, args: readonly unknown[], timeoutMs: number): Promise<unknown> {
    if (this.#isOver) throw new ModuleFault('its thread ended')
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const id = ++this.#lastId
    this.#pending.set(id, { resolve, reject })
    const late = setTimeout(() => {
      reject(new ModuleFault(`${name} did not answer within ${timeoutMs / 1000} secs`))
      this.#probe()
    }, timeoutMs)
    this.#send({ kind: 'call', id, name, args })
    try {
      return await promise
    } finally {
      clearTimeout(late)
      this.#pending.delete(id)
      if (this.#isRetiring && this.#pending.size === 0) this.close()
    }
  }

  /** Ends when the calls under way are over. */
  retire(): void {
    this.#isRetiring = true
    if (this.#pending.size === 0) this.close()
  }

  close(): void {
    this.#end('it was closed')
  }

  #send(question: ThreadQuestion): void {
    this.#worker.postMessage(question)
  }

  /** A call was not answered: is the thread waiting for something, or stuck? */
  #probe(): void {
    if (this.#ping !== undefined || this.#isOver) return
    this.#ping = setTimeout(() => this.#end('its thread is stuck'), MODULE_LIMITS.pingMs)
    this.#send({ kind: 'ping' })
  }

  #take(answer: ThreadAnswer): void {
    switch (answer.kind) {
      case 'loaded':
        this.#loaded.resolve(new Set(answer.functions))
        return
      case 'unloadable':
        this.#end(answer.text)
        return
      case 'returned':
        this.#pending.get(answer.id)?.resolve(answer.value)
        return
      case 'thrown':
        this.#pending.get(answer.id)?.reject(new ModuleFault(`it threw ${answer.text}`))
        return
      case 'pong':
        clearTimeout(this.#ping)
        this.#ping = undefined
    }
  }

  #end(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#ping)
    const fault = new ModuleFault(why)
    this.#loaded.reject(fault)
    this.#loaded.promise.catch(() => undefined)
    for (const { reject } of this.#pending.values()) reject(fault)
    void this.#worker.terminate()
  }
}
