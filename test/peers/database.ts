import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { PATIENCE_MS } from '../support/deadline.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { removeTempDir } from '../support/temp-dir.ts'

/** A private SQL server on loopback, with ways to make it fail. */
export interface DatabasePeer {
  readonly port: number
  /** Where its UNIX socket is: a path for MariaDB, a directory for PostgreSQL. */
  readonly socket: string
  readonly dir: string
  /** Runs SQL as the administrator, in `database`. */
  run(sql: string, database?: string): Promise<string>
  /** It hangs: connections stay, nothing is answered. */
  pause(): void
  resume(): void
  /** It dies at once. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>
  /** Ends it by its pid and removes its directory. */
  stop(): Promise<void>
}

export interface DatabasePlan {
  readonly port: number
  readonly socket: string
  readonly dir: string
  readonly spawn: () => ServerProcess
  readonly ready: (server: ServerProcess) => Promise<unknown>
  readonly run: (sql: string, database?: string) => Promise<string>
}

/** The part that all database servers share. Starts the server. */
export async function openDatabasePeer({ port, socket, dir, spawn, ready, run }: DatabasePlan): Promise<DatabasePeer> {
  let server = spawn()
  const signal = (name: NodeJS.Signals): readonly number[] => signalFamily(server.pid, name)
  try {
    await ready(server)
  } catch (error) {
    await server.stop(0)
    removeTempDir(dir)
    throw error
  }
  return {
    port,
    socket,
    dir,
    run,
    pause() {
      for (const member of signal('SIGSTOP')) waitUntilStopped(member)
    },
    resume() {
      signal('SIGCONT')
    },
    async kill() {
      signal('SIGKILL')
      await server.exited
    },
    async start() {
      server = spawn()
      await ready(server)
    },
    async stop() {
      if (server.running) {
        signal('SIGKILL')
        await server.exited
      }
      removeTempDir(dir)
    },
  }
}

/** Signals a process and all that descend from it, and says who they are: PostgreSQL's are no process group. */
function signalFamily(pid: number, name: NodeJS.Signals): readonly number[] {
  const children = childrenOf()
  const family = [pid]
  for (const member of family) family.push(...(children.get(member) ?? []))
  for (const member of family) {
    try {
      process.kill(member, name)
    } catch {
      // It has just ended.
    }
  }
  return family
}

/** Threads go on until one of them has taken the signal, which on a busy machine may be after the next query. */
function waitUntilStopped(pid: number): void {
  const deadline = performance.now() + PATIENCE_MS
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  while (threadStates(pid).some((state) => !'TtZX'.includes(state))) {
    if (performance.now() > deadline) throw new Error(`process ${pid} did not stop`)
    Atomics.wait(nobody, 0, 0, 1)
  }
}

/** One letter a thread, as proc(5) has them; none when the process has ended. */
function threadStates(pid: number): readonly string[] {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).flatMap((thread) => readStat(`${tasks}/${thread}`)?.state ?? [])
  } catch {
    return []
  }
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = readStat(`/proc/${entry}`)?.parent
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  return children
}

/** Undefined when the process or thread has ended. */
function readStat(path: string): { readonly state: string; readonly parent: number } | undefined {
  try {
    // The name in parentheses may hold anything, even parentheses.
    const [, state, parent] = /^.*\) (\S) (\d+)/s.exec(readFileSync(`${path}/stat`, 'utf8')) ?? []
    return state === undefined ? undefined : { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}

/** Runs a program; rejects with what it wrote when it fails. */
export function runProgram(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], { timeout: 120_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command}: ${stderr}${stdout}`, { cause: error }))
    })
    child.stdin?.end(input)
  })
}

/** For node:test's `skip`: false when every pattern has a file and we may switch users, else the reason why not. */
export function skipWithoutPrograms(name: string, packages: string, patterns: readonly string[]): false | string {
  const missing = patterns.find((pattern) => !existsSync(pattern) && globSync(pattern).length === 0)
  if (missing !== undefined)
    return `${name} is not installed (${missing} is missing; Debian: apt-get install ${packages})`
  return process.getuid?.() === 0 ? false : `${name} needs root here, to switch to its own user`
}
