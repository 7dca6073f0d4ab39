import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { systemFiles } from '../config-files.ts'
import { throughSnapshot } from '../config-snapshot.ts'
import { freePort } from '../dev/free-port.ts'
import type { ConfigSource } from '../messages.ts'
import { WorkerRuntime } from '../worker-runtime.ts'
import { type PracticeListener, practiceSource } from './practice-config.ts'
import type { FromPartner, ToPartner } from './partner-messages.ts'

/** Beyond the time that is given: starting the partner, and what it has begun. A server does not wait longer for it. */
const GRACE_MS = 5_000
/** How often we look whether the compiler rests, how long we look for it, and how much work is rest. */
const SETTLE_LOOK_MS = 50
const SETTLE_LOOKS = 40
const QUIET_SHARE = 0.1
/**
 * What the compiler has met once only it takes for the only one there is; what it has met twice it takes for one of its kind. The
 * services that come after the practice are of the same kind.
 */
const SERVERS = 2

/** Compiled code knows the servers it was compiled for, and goes when they do. A few megabytes. */
const kept: WorkerRuntime[] = []

/**
 * Lets this process proxy logins of its own for a while, over real connections on loopback: code is compiled as it runs, and a
 * worker that has only begun needs four times the CPU for a login, just when after a restart everybody comes back. Another
 * process plays clients and backends. They meet whole servers in here, with a configuration of their own: any password is good, and
 * nothing is logged. Never rejects; what goes wrong is `complain`ed of, since one can serve without.
 */
export async function practise(
  source: ConfigSource,
  complain: (text: string) => void,
  graceMs = GRACE_MS,
): Promise<void> {
  try {
    await practiseFor(settingsOf(source), graceMs)
  } catch (error) {
    complain(`The practice before the first login failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function practiseFor(settings: Settings, graceMs: number): Promise<void> {
  const partner = fork(partnerFile(), [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const directory = await mkdtemp(join(tmpdir(), 'postern-practice-'))
  const limit = setTimeout(() => partner.kill('SIGKILL'), settings.postern_practice + graceMs)
  const servers: WorkerRuntime[] = []
  try {
    const { backends } = await hear(partner, 'backends')
    const listeners: PracticeListener[] = []
    for (let count = 0; count < SERVERS; count++) {
      const own = await chooseListeners(settings)
      listeners.push(...own)
      servers.push(await openServer(practiceSource(settings, own, backends, directory)))
    }
    partner.send({ kind: 'begin', listeners, forMs: settings.postern_practice } satisfies ToPartner)
    const { begun, letIn } = await hear(partner, 'done')
    if (letIn < begun) throw new Error(`${begun - letIn} of ${begun} logins were not let in`)
    await compiled()
  } finally {
    clearTimeout(limit)
    partner.kill()
    for (const server of servers) await server.stop(0)
    kept.push(...servers)
    await rm(directory, { recursive: true, force: true })
  }
}

function settingsOf({ path, overrides, snapshot }: ConfigSource): Settings {
  const files = throughSnapshot(snapshot, systemFiles())
  const { config } = loadConfig({ path, files, overrides, hostname: hostname() })
  if (config === undefined) throw new Error('the configuration has errors')
  return config.settings({})
}

/** Waits until the compiler, which works in threads beside us, has caught up. */
async function compiled(): Promise<void> {
  for (let looks = 0; looks < SETTLE_LOOKS; looks++) {
    const before = process.cpuUsage()
    await pause(SETTLE_LOOK_MS)
    const { user, system } = process.cpuUsage(before)
    if (user + system < QUIET_SHARE * SETTLE_LOOK_MS * 1_000) return
  }
}

function partnerFile(): string {
  return fileURLToPath(import.meta.url.replace(/practice\.(ts|js)$/, 'partner.$1'))
}

async function hear<Kind extends FromPartner['kind']>(
  partner: ChildProcess,
  kind: Kind,
): Promise<Extract<FromPartner, { kind: Kind }>> {
  return await new Promise((resolve, reject) => {
    const onMessage = (message: FromPartner): void => {
      if (message.kind !== kind) return
      partner.off('exit', onExit)
      partner.off('message', onMessage)
      resolve(message as Extract<FromPartner, { kind: Kind }>)
    }
    const onExit = (code: number | null, signal: string | null): void =>
      reject(new Error(`the partner ended (${signal ?? `exit status ${code ?? 0}`})`))
    partner.on('message', onMessage)
    partner.once('exit', onExit)
    partner.once('error', reject)
  })
}

/** A plain listener for each protocol that the server speaks, and one with TLS where it has a certificate. */
async function chooseListeners(settings: Settings): Promise<readonly PracticeListener[]> {
  const hasTls = settings.ssl !== 'no' && settings.ssl_cert !== '' && settings.ssl_key_password.isEmpty
  const listeners: PracticeListener[] = []
  for (const protocol of settings.protocols) {
    listeners.push({ protocol, tls: false, port: await freePort('127.0.0.1') })
    if (hasTls && protocol !== 'lmtp') listeners.push({ protocol, tls: true, port: await freePort('127.0.0.1') })
  }
  return listeners
}

async function openServer(source: ConfigSource): Promise<WorkerRuntime> {
  const nobody = (): void => undefined
  const runtime = new WorkerRuntime(nobody, nobody, nobody)
  await runtime.prepare({ kind: 'prepare', generation: 1, source, ticketKeys: randomBytes(48), workers: 1 })
  await runtime.commit(1)
  return runtime
}
