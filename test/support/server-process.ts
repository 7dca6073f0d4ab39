import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { PATIENCE_MS, within } from './deadline.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

const SETPRIV = '/usr/bin/setpriv'

/**
 * A server run as a child in the foreground, its output read line by line. Where the machine has setpriv, the kernel ends
 * it when the test process dies, however that dies.
 */
export class ServerProcess {
  /** stdout and stderr, in the order they came. */
  readonly lines: string[] = []
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #watchers = new Set<() => void>()
  #exit: Exit | undefined

  constructor(options: ServerProcessOptions) {
    const { command, args, env = withoutTestContext(), cwd } = options
    const guarded = existsSync(SETPRIV)
    const argv = guarded ? ['--pdeathsig', 'TERM', command, ...args] : [...args]
    this.#child = spawn(guarded ? SETPRIV : command, argv, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that `stop` reaches whatever it starts in turn.
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
    })
    this.#read(this.#child.stdout)
    this.#read(this.#child.stderr)
    this.#child.on('exit', () => this.#killGroup())
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#add(`cannot start ${command}: ${error.message}`))
      this.#child.on('close', (code, signal) => {
        this.#exit = { code, signal }
        this.#tell()
        resolve(this.#exit)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#exit === undefined
  }

  /** The first line from index `from` on that matches; rejects when the process ends or the time is up before one comes. */
  async waitForLine(wanted: RegExp | ((line: string) => boolean), from = 0, ms = PATIENCE_MS): Promise<string> {
    const matches = typeof wanted === 'function' ? wanted : (line: string) => wanted.test(line)
    const found = Promise.withResolvers<string>()
    const look = (): void => {
      const line = this.lines.slice(from).find(matches)
      if (line !== undefined) found.resolve(line)
      else if (this.#exit !== undefined) found.reject(new Error(`the process ended first:\n${this.tail()}`))
    }
    this.#watchers.add(look)
    look()
    const complaint = (): string =>
      `no line ${typeof wanted === 'function' ? 'as wanted' : String(wanted)} after ${ms} ms:\n${this.tail()}`
    try {
      return await within(ms, complaint, found.promise)
    } finally {
      this.#watchers.delete(look)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** SIGTERM, and when that does not help in time, SIGKILL. Processes it leaves behind are killed. */
  async stop(ms = 3_000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.#killGroup(), ms)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  /** The last lines of output, for complaints. */
  tail(count = 30): string {
    return this.lines.slice(-count).join('\n')
  }

  #killGroup(): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // Nobody is left.
    }
  }

  #read(stream: Readable | null): void {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#add(line))
  }

  #add(line: string): void {
    this.lines.push(line)
    this.#tell()
  }

  #tell(): void {
    for (const look of this.#watchers) look()
  }
}

/** A child is no part of the test run, even when it is Node. */
function withoutTestContext(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return env
}
