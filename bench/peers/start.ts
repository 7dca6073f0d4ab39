import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { freePorts } from '../ports.ts'
import { launch, type OwnProcess } from '../processes.ts'
import type { Peer, Site } from './peer.ts'

/** A peer whose ports have greeted. */
export interface RunningPeer {
  readonly peer: Peer
  readonly ports: Site['ports']
  /** Its first processes; their descendants belong to it too. */
  readonly pids: readonly number[]
  readonly stop: () => Promise<void>
}

/** Why a peer takes no part, in words for the table. */
export interface AbsentPeer {
  readonly peer: Peer
  readonly why: string
}

const READY_MS = 20_000
const TRIES = 3

/** Starts a peer in a directory of its own below `directory`, and waits until it greets. */
export async function startPeer(
  peer: Peer,
  given: Omit<Site, 'ports'>,
  label: string,
): Promise<RunningPeer | AbsentPeer> {
  const program = peer.find()
  if (program === undefined) return { peer, why: 'not installed' }
  if (program === '') return untouched(peer, given)
  let why = ''
  // Between asking for a free port and using it, somebody else may take it.
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const directory = join(given.directory, `${label}-${peer.name}-${attempt}`)
    mkdirSync(directory)
    chmodSync(directory, 0o755)
    const [plain = 0, tls = 0] = await freePorts(2)
    const started = await startOnce(peer, program, { ...given, directory, ports: { plain, tls } })
    if ('pids' in started) return started
    why = started.why
    if (!/in use/i.test(why)) break
  }
  return { peer, why }
}

function untouched(peer: Peer, { backend, protocol }: Omit<Site, 'ports'>): RunningPeer {
  return { peer, ports: { plain: backend[protocol], tls: 0 }, pids: [], stop: async () => {} }
}

async function startOnce(peer: Peer, program: string, site: Site): Promise<RunningPeer | AbsentPeer> {
  const output = join(site.directory, 'output.log')
  const processes: OwnProcess[] = []
  const stop = async () => void (await Promise.all(processes.map((own) => own.stop())))
  try {
    for (const command of peer.prepare(program, site)) {
      const cwd = command.cwd === undefined ? {} : { cwd: command.cwd }
      processes.push(await launch(command.program, command.args, { output: { file: output }, ...cwd }))
    }
    const gone = Promise.race(processes.map(async (own) => `it ended with ${await own.exited}`))
    await Promise.all([
      greeted(site.ports.plain, false, gone),
      ...(site.protocol === 'lmtp' ? [] : [greeted(site.ports.tls, true, gone)]),
    ])
    return { peer, ports: site.ports, pids: processes.map((own) => own.pid), stop }
  } catch (error) {
    await stop()
    const said = [output, join(site.directory, 'mail.log')].map(lastLines).join('\n').trim()
    return { peer, why: `does not start: ${error instanceof Error ? error.message : String(error)}\n${said}` }
  }
}

/** Resolves when the port answers a connection with a greeting; rejects when the peer ends or the time is up. */
async function greeted(port: number, tls: boolean, gone: Promise<string>): Promise<void> {
  let end: string | undefined
  void gone.then((how) => (end = how))
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline; ) {
    if (await readsGreeting(port, tls)) return
    if (end !== undefined) throw new Error(end)
    await delay(20) // nobody tells when a port opens: ask again
  }
  throw new Error(`no greeting on port ${port} within ${READY_MS / 1000} s`)
}

async function readsGreeting(port: number, tls: boolean): Promise<boolean> {
  const socket: Socket = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1' })
  return await new Promise<boolean>((resolve) => {
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2000, () => finish(false))
    socket.once('data', (data) => finish(/^(\* OK|\+OK|220)/.test(data.toString('latin1'))))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
  })
}

function lastLines(file: string): string {
  if (!existsSync(file)) return ''
  return readFileSync(file, 'latin1').split('\n').slice(-8).join('\n')
}

/** The peer's version as its program prints it; `undefined` when it is not installed or does not say. */
export function versionOf(peer: Peer): string | undefined {
  const program = peer.find()
  if (program === undefined || program === '') return undefined
  const command = program.endsWith('.js') ? [process.execPath, program] : [program]
  const [first = '', ...rest] = [...command, ...peer.versionArgs]
  const result = spawnSync(first, rest, { encoding: 'latin1', timeout: 10_000 })
  return /\d+\.\d+[\d.]*/.exec(`${result.stdout}${result.stderr}`)?.[0]
}
