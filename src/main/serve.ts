import { statSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { ControlTaken } from '../admin/control/server.ts'
import { RecentErrors } from '../admin/recent-errors.ts'
import { type Complaint, describeComplaint } from '../config/complaint.ts'
import type { LoadedConfig, Settings } from '../config/config.ts'
import { decideListeners } from '../config/listeners.ts'
import { loadConfig } from '../config/load.ts'
import { combine } from '../observe/events.ts'
import { decideBareSockets } from './bare-sockets.ts'
import { systemFiles } from './config-files.ts'
import { recordFiles, throughSnapshot, type FileSnapshot } from './config-snapshot.ts'
import { type OpenControl, openControl, type ReloadOutcome } from './control.ts'
import { controlPath } from './control-path.ts'
import { openLog, type OpenLog } from './log-setup.ts'
import type { BoundListener, ConfigSource } from './messages.ts'
import { boundPort, openMetricsListener } from './metrics-listener.ts'
import { openShared } from './open-shared.ts'
import { openScriptServices, type ScriptServices } from './scripts/script-services.ts'
import { takeConfigOptions, UsageError } from './options.ts'
import type { SharedState } from './shared-state.ts'
import { Supervisor } from './supervisor.ts'
import { clearUnixSockets } from './unix-socket.ts'
import { WatchedFiles } from './watched-files.ts'
import type { WorkerAnswer } from './worker-commands.ts'

/** Dovecot's exit status for a configuration it cannot use. */
const EXIT_CONFIG = 89
const EX_USAGE = 64
/** How long sessions may go on after SIGTERM. */
const STOP_GRACE_MS = 10_000
/** How often certificate and key files are looked at. */
const CERTIFICATE_POLL_MS = 5_000

const HELP = `usage: postern serve [-c FILE] [-o key=value ...]

Runs in the foreground. Prints one line when every listener accepts. Signals:
  SIGTERM, SIGINT  close politely (a second one: at once)
  SIGHUP           load the configuration again; sessions stay
  SIGUSR1          open the log files again
  SIGUSR2          forget what the auth cache knows
`

interface Loaded {
  readonly loaded: LoadedConfig
  readonly source: ConfigSource
}

/** `postern serve`: resolves with the exit status when the server has stopped. */
export async function serveCommand(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv)
  if (typeof options === 'number') return options
  const first = load(options.path, options.overrides)
  printComplaints(first.loaded.complaints)
  if (first.loaded.config === undefined) return EXIT_CONFIG
  const settings = first.loaded.config.settings({})
  const recent = new RecentErrors()
  const log = rememberInto(recent, openLog(settings))
  await decideBareSockets(settings, log)
  const shared = openShared(settings, log)
  const supervisor = new Supervisor({
    source: first.source,
    workers: workerCount(settings),
    practises: settings.postern_practice > 0,
    observer: log,
    shared,
    baseDir: settings.base_dir,
  })
  const listeners: BoundListener[] = []
  const scripts = openScriptServices(log)
  try {
    await scripts.configure(first.loaded.config)
    await clearUnixSockets(decideListeners(first.loaded.config))
    listeners.push(...(await supervisor.start(workerFile())))
    await openMetrics(settings, supervisor, listeners)
    await runUntilStopped({
      supervisor,
      shared,
      bareSockets: settings.postern_bare_sockets,
      scripts,
      log,
      recent,
      options,
      listeners,
      controlPath: controlPath(settings),
    })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    log.log('fatal', 'master', text)
    log.flushSync()
    process.stderr.write(`postern: Fatal: ${text}\n`)
    await supervisor.stop(0)
    return 1
  } finally {
    scripts.close()
  }
  log.close()
  return 0
}

function rememberInto(recent: RecentErrors, log: OpenLog): OpenLog {
  return { ...log, ...combine([log, recent]) }
}

function readOptions(argv: readonly string[]): { path: string; overrides: readonly string[] } | number {
  if (argv.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  try {
    const { path, overrides, rest } = takeConfigOptions(argv)
    if (rest.length > 0) throw new UsageError(`unexpected argument '${rest[0]}'`)
    return { path, overrides }
  } catch (error) {
    process.stderr.write(`postern serve: ${error instanceof Error ? error.message : String(error)}\n${HELP}`)
    return EX_USAGE
  }
}

function load(path: string, overrides: readonly string[]): Loaded {
  const { files, snapshot } = recordFiles(systemFiles())
  return loadThrough(path, overrides, snapshot, files)
}

function loadThrough(
  path: string,
  overrides: readonly string[],
  snapshot: FileSnapshot,
  files: Parameters<typeof loadConfig>[0]['files'],
): Loaded {
  return { loaded: loadConfig({ path, files, overrides, hostname: hostname() }), source: { path, overrides, snapshot } }
}

function printComplaints(complaints: readonly Complaint[]): void {
  for (const complaint of complaints) {
    if (complaint.severity === 'info') continue
    const label = complaint.severity === 'error' ? 'Error' : 'Warning'
    process.stderr.write(`postern: ${label}: ${describeComplaint(complaint)}\n`)
  }
}

/** Beside this file, with the same ending: sources in a checkout, compiled in a published package. */
function workerFile(): string {
  return fileURLToPath(import.meta.url.replace(/serve\.(ts|js)$/, 'worker.$1'))
}

function workerCount(settings: Settings): number {
  return settings.postern_workers === 0 ? availableParallelism() : settings.postern_workers
}

function describe({ name, address, port }: BoundListener): string {
  if (address.startsWith('/')) return `${name} ${address}`
  return `${name} ${address.includes(':') ? `[${address}]` : address}:${port}`
}

async function openMetrics(settings: Settings, supervisor: Supervisor, listeners: BoundListener[]): Promise<void> {
  if (settings.postern_metrics_listen === '') return
  const server = await openMetricsListener(
    settings.postern_metrics_listen,
    async () => (await supervisor.askAll({ kind: 'metrics' })) as object[][],
  )
  server.unref()
  listeners.push({
    name: 'metrics',
    address: settings.postern_metrics_listen.replace(/:\d+$/, ''),
    port: boundPort(server),
  })
}

interface Running {
  readonly supervisor: Supervisor
  readonly shared: SharedState
  /** As it was at the start. */
  readonly bareSockets: boolean
  readonly scripts: ScriptServices
  readonly log: OpenLog
  readonly recent: RecentErrors
  readonly options: { readonly path: string; readonly overrides: readonly string[] }
  readonly listeners: readonly BoundListener[]
  readonly controlPath: string
}

async function runUntilStopped(running: Running): Promise<void> {
  const { supervisor, log, options, listeners } = running
  const certificates = watchCertificates(supervisor, log, options)
  const reloadAll = async (): Promise<ReloadOutcome> => {
    const again = load(options.path, options.overrides)
    const outcome = await reload(supervisor, log, () => again)
    // What was refused stays refused until a file changes once more.
    if (outcome.error === undefined) certificates.renew()
    const late = outcome.error === undefined ? untilRestart(running, again) : []
    if (outcome.error === undefined && again.loaded.config) await running.scripts.configure(again.loaded.config)
    for (const { text } of late) log.log('warning', 'master', text)
    return { ...outcome, complaints: [...outcome.complaints, ...late] }
  }
  // A fault of ours must not take every session along.
  const tellFault = (error: unknown): void =>
    log.log('error', 'master', `BUG: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.on('uncaughtException', tellFault)
  process.on('unhandledRejection', tellFault)
  process.on('SIGHUP', () => void reloadAll())
  process.on('SIGUSR1', () => {
    log.reopen()
    supervisor.reopenLogs()
  })
  process.on('SIGUSR2', () => void flushAuthCache(supervisor, log))
  const asked = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const stop = (why: string): void => {
    log.log('info', 'master', `${why} received, closing`)
    asked.resolve()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const stopAndWait = async (): Promise<void> => {
    stop('doveadm stop')
    await gone.promise
  }
  const control = await openControlFor(running, reloadAll, stopAndWait)
  // Last: whoever reads this line may send signals at once.
  process.stdout.write(`postern ready: ${listeners.map(describe).join(', ') || 'no listeners'}\n`)
  await asked.promise
  certificates.close()
  const again = (): void => void supervisor.stop(0)
  process.once('SIGTERM', again)
  process.once('SIGINT', again)
  await supervisor.stop(STOP_GRACE_MS)
  await running.shared.close()
  gone.resolve()
  await control?.close()
}

/** What a reload does not change. */
function untilRestart({ shared, bareSockets }: Running, { loaded: { config } }: Loaded): readonly Complaint[] {
  const settings = config?.settings({})
  if (config === undefined || settings === undefined) return []
  const late = (name: string, names: string): Complaint => {
    const at = config.origin(name, {})
    return { severity: 'warning', text: `${names} when the server is started again`, ...(at && { at }) }
  }
  return [
    ...(shared.isOf(settings) ? [] : [late('postern_cluster', 'postern_cluster and state_dir take effect')]),
    ...(settings.postern_bare_sockets === bareSockets
      ? []
      : [late('postern_bare_sockets', 'postern_bare_sockets takes effect')]),
  ]
}

/** A server whose control socket cannot be opened serves all the same; two servers with one do not. */
async function openControlFor(
  { supervisor, shared, log, recent, controlPath: path }: Running,
  reloadAll: () => Promise<ReloadOutcome>,
  stop: () => Promise<void>,
): Promise<OpenControl | undefined> {
  try {
    return await openControl(path, { supervisor, shared, observer: log, recent, reload: reloadAll, stop })
  } catch (error) {
    if (error instanceof ControlTaken) throw error
    const text = error instanceof Error ? error.message : String(error)
    log.log('warning', 'master', `No control socket, so doveadm cannot reach this server: ${text}`)
    return undefined
  }
}

/** SIGUSR2: all workers forget the answers of databases that they remember. */
async function flushAuthCache(supervisor: Supervisor, log: OpenLog): Promise<void> {
  const question = { kind: 'command', name: 'auth-cache-flush', input: { users: null } } as const
  const answers = (await supervisor.askAll(question)) as readonly WorkerAnswer[]
  const counts = answers.map((answer) => (answer.kind === 'done' ? Number(answer.value) : 0))
  const count = counts.reduce((sum, each) => sum + each, 0)
  log.log('info', 'auth', `SIGUSR2 received, ${count} cache entries flushed`)
}

/** Loads, checks, and hands a new configuration to all workers; the old one stays when anything is wrong with the new. */
async function reload(supervisor: Supervisor, log: OpenLog, loadAgain: () => Loaded): Promise<ReloadOutcome> {
  const { loaded, source } = loadAgain()
  const { complaints } = loaded
  const errors = complaints.filter(({ severity }) => severity === 'error')
  try {
    if (loaded.config === undefined) throw new Error(errors.map(({ text }) => text).join('; '))
    await clearUnixSockets(decideListeners(loaded.config))
    await supervisor.reload(source)
    log.emit('config_reloaded', { path: source.path, complaints: complaints.length })
    return { complaints }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    log.emit('config_rejected', { path: source.path, error: text })
    return { complaints, error: text }
  }
}

/**
 * Watches the files that settings take their values from (`ssl_cert = <FILE`) and brings their new contents to the workers,
 * leaving the rest of the configuration as it was loaded: a half-edited dovecot.conf waits for SIGHUP.
 */
function watchCertificates(
  supervisor: Supervisor,
  log: OpenLog,
  options: { path: string; overrides: readonly string[] },
): { renew(): void; close(): void } {
  const changed = (): void =>
    void reload(supervisor, log, () => {
      const { snapshot: before } = supervisor.source
      const snapshot: FileSnapshot = { ...before, files: new Map(before.files) }
      for (const path of watched.paths) snapshot.files.delete(path)
      return loadThrough(options.path, options.overrides, snapshot, throughSnapshot(snapshot, systemFiles()))
    })
  const watched = new WatchedFiles(CERTIFICATE_POLL_MS, () => valueFiles(supervisor.source.snapshot), changed)
  watched.watch()
  return { renew: () => watched.watch(), close: () => watched.close() }
}

/** The files of a snapshot that hold PEM text: values, not configuration. */
function valueFiles(snapshot: FileSnapshot): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const [path, content] of snapshot.files) {
    if (content instanceof Uint8Array && Buffer.from(content).includes('-----BEGIN ') && isFile(path))
      found.set(path, content)
  }
  return found
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
