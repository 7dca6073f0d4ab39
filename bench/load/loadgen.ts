import { launch, type OwnProcess } from '../processes.ts'
import { lineReader } from './lines.ts'

/** The load generator (bench/c/loadgen.c says what the modes do and how it converses). */

export type LoadProtocol = 'imap' | 'pop3' | 'lmtp'

export interface Load {
  readonly mode: 'login' | 'noop' | 'fetch' | 'deliver'
  readonly protocol: LoadProtocol
  readonly connections: number
  readonly tls?: 'fresh' | 'resumed'
  /** Octets of a message, for `fetch` and `deliver`. */
  readonly sizeBytes?: number
}

export interface LoadResult {
  readonly operations: number
  readonly errors: number
  /** From the start to the end of the last operation. */
  readonly seconds: number
  readonly octets: number
  readonly p50_us: number
  readonly p99_us: number
  readonly tls_full: number
  readonly tls_resumed: number
  readonly cpu_seconds: number
  readonly first_error: string
}

/** How long all connections may take to log in before the clock starts. */
const LOGIN_MS = 20_000

/** How a load meets its target: `begin` is called when all connections are logged in and the clock starts next. */
export interface LoadRun {
  readonly binary: string
  readonly port: number
  /** No operation begins later than this after the start … */
  readonly seconds: number
  /** … and those under way have so much longer to end. */
  readonly graceSeconds: number
  readonly begin: () => void
  /** Called as soon as the last operation has ended, with the connections still open. */
  readonly end: () => void
}

/** Puts the load on a port and returns what came of it. Throws when the generator fails or overstays its deadline. */
export async function runLoad(load: Load, run: LoadRun): Promise<LoadResult> {
  const times = `-d ${run.seconds} -D ${run.seconds + run.graceSeconds}`
  const tls = load.tls === undefined ? '' : load.tls === 'fresh' ? '-T' : '-T -R'
  const { own, read } = await open(
    run.binary,
    `${load.mode} -P ${load.protocol} -p ${run.port} -c ${load.connections} -s ${load.sizeBytes ?? 0} ${times} ${tls}`,
  )
  try {
    await read(LOGIN_MS)
    run.begin()
    own.child.stdin?.write('go\n')
    const result: LoadResult = JSON.parse(await read((run.seconds + run.graceSeconds + 2) * 1000))
    run.end()
    return result
  } finally {
    await own.stop()
  }
}

export interface Held {
  /** Idle sessions open now: fewer than asked for when the target refused or stalled. */
  readonly held: number
  readonly errors: number
  readonly first_error: string
}

export interface IdleSessions {
  /** Opens logged-in idle sessions until there are so many. */
  hold(count: number): Promise<Held>
  readonly close: () => Promise<void>
}

const HOLD_MS = 120_000

/** Prepares to hold up to `most` idle sessions on a port. */
export async function idleSessions(
  target: { readonly binary: string; readonly port: number; readonly protocol: LoadProtocol; readonly tls: boolean },
  most: number,
): Promise<IdleSessions> {
  const { binary, port, protocol, tls } = target
  const { own, read } = await open(binary, `idle -P ${protocol} -p ${port} -c ${most} ${tls ? '-T' : ''}`)
  return {
    hold: async (count) => {
      own.child.stdin?.write(`open ${count}\n`)
      return JSON.parse(await read(HOLD_MS)) as Held
    },
    close: own.stop,
  }
}

async function open(
  binary: string,
  commandLine: string,
): Promise<{ own: OwnProcess; read: ReturnType<typeof lineReader> }> {
  const own = await launch(binary, commandLine.trim().split(/ +/), { output: 'pipe' })
  if (own.child.stdout === null) throw new Error('the load generator has no standard output')
  own.child.stdin?.on('error', () => undefined) // it ended; the missing answer tells
  return { own, read: lineReader(own.child.stdout) }
}
