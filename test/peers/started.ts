import { releasePorts } from '../support/free-ports.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { fillIn, type ConfigText } from './config-text.ts'

/** A running server. */
export interface Started {
  /** Listener name → port on 127.0.0.1. */
  readonly ports: Readonly<Record<string, number>>
  readonly dir: string
  readonly pid: number
  /** What it logged so far, line by line. */
  readonly logLines: readonly string[]
  /** The first log line from index `from` on that matches. */
  waitForLog(wanted: RegExp | ((line: string) => boolean), from?: number, ms?: number): Promise<string>
  signal(signal: NodeJS.Signals): void
  /** Ends it by its pid and removes its directory. */
  stop(): Promise<void>
}

export interface Launch {
  /** Names the directory. */
  readonly name: string
  readonly config: ConfigText
  /** Starts the server with this configuration text. */
  start(text: string, dir: string): ServerProcess
  /** Resolves once the server accepts connections. */
  ready(server: ServerProcess): Promise<unknown>
  /** How long it may take to end politely, in milliseconds; it is killed then. */
  readonly patienceMs?: number
}

const ATTEMPTS = 4
const TAKEN = /address already in use|EADDRINUSE/i

/** Starts a server on free ports; when somebody took one all the same, starts again on others. */
export async function launch(plan: Launch): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const dir = makeTempDir(plan.name)
    const { text, ports } = await fillIn(plan.config, dir)
    const server = plan.start(text, dir)
    try {
      await plan.ready(server)
      return started(server, dir, ports, plan.patienceMs)
    } catch (error) {
      await server.stop()
      releasePorts(Object.values(ports))
      removeTempDir(dir)
      if (attempt < ATTEMPTS && server.lines.some((line) => TAKEN.test(line))) continue
      throw new Error(`${plan.name} did not start:\n${server.tail()}`, { cause: error })
    }
  }
}

function started(server: ServerProcess, dir: string, ports: Record<string, number>, patienceMs?: number): Started {
  let stopped = false
  return {
    ports,
    dir,
    pid: server.pid,
    logLines: server.lines,
    waitForLog: (wanted, from, ms) => server.waitForLine(wanted, from, ms),
    signal: (signal) => server.signal(signal),
    async stop() {
      await server.stop(patienceMs)
      if (!stopped) releasePorts(Object.values(ports))
      stopped = true
      removeTempDir(dir)
    },
  }
}
