import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { EXIT } from '../admin/commands/command.ts'
import { moveUsers } from '../admin/commands/move.ts'
import type { MoveNeeds } from '../admin/commands/move-needs.ts'
import {
  MOVE_USAGE,
  type MoveOrder,
  MoveUsageError,
  parseMoveWords,
  parseUserList,
} from '../admin/commands/move-order.ts'
import type { MoveQuestion, MoveRow } from '../admin/commands/move-wire.ts'
import { askServer, ControlUnavailable } from '../admin/control/client.ts'
import { AuthConfigError } from '../auth/needs.ts'
import { RoutingRowError } from '../auth/routing-row.ts'
import { openRoutingRows } from '../auth/routing-rows.ts'
import { describeComplaint } from '../config/complaint.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { Observer } from '../observe/events.ts'
import { systemAuthNeeds } from './auth-needs.ts'
import { systemFiles } from './config-files.ts'
import { controlPath } from './control-path.ts'
import { takeConfigOptions, UsageError } from './options.ts'
import { openOutput } from './output.ts'

/** Longer than the workers are given for an answer. */
const ANSWER_MS = 15_000

/** `postern move ...`: resolves with the exit status. */
export async function moveCommand(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = openOutput()
  if (argv.includes('--help') || argv.includes('-h')) {
    stdout(MOVE_USAGE)
    return EXIT.ok
  }
  const complain = (text: string): void => stderr(`postern move: ${text}\n`)
  try {
    const { path, overrides, rest } = takeConfigOptions(argv)
    const { order, users, usersFrom, socket } = parseMoveWords(rest)
    const config = load(path, overrides, complain)
    if (config === undefined) return EXIT.config
    const all = new Set([...users, ...(usersFrom === undefined ? [] : readUsers(usersFrom))])
    return await run({ ...order, users: [...all] }, config, socket, { print: stdout, complain })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    complain(error.message)
    if (error instanceof UsageError || error instanceof MoveUsageError) stderr(MOVE_USAGE)
    return statusOf(error)
  }
}

async function run(
  order: MoveOrder,
  config: Config,
  socket: string | undefined,
  output: Pick<MoveNeeds, 'print' | 'complain'>,
): Promise<number> {
  const path = socket ?? controlPath(config.settings({}))
  const service = serviceOf(config)
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const needs = systemAuthNeeds(observerOf(output.complain), hostname())
  const rows = openRoutingRows({ config, configFiles: systemFiles(), needs, service })
  try {
    return await moveUsers(order, {
      ...output,
      server: { ask: async (question) => await ask(path, question) },
      rows,
      service,
      id: randomBytes(3).toString('hex'),
      signal: interrupted.signal,
    })
  } finally {
    await rows.close()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

async function ask(path: string, question: MoveQuestion): Promise<readonly MoveRow[]> {
  const answers = askServer(path, { command: 'move', input: question }, ANSWER_MS)
  const rows: MoveRow[] = []
  for (;;) {
    const next = await answers.next()
    if (next.done !== true) {
      if (next.value.kind === 'row') rows.push(next.value.row)
      continue
    }
    if (next.value.status !== 0) throw new ControlUnavailable(next.value.error ?? `status ${next.value.status}`)
    return rows
  }
}

function load(path: string, overrides: readonly string[], complain: (text: string) => void): Config | undefined {
  const { config, complaints } = loadConfig({ path, files: systemFiles(), overrides, hostname: hostname() })
  if (config !== undefined) return config
  for (const complaint of complaints) if (complaint.severity === 'error') complain(describeComplaint(complaint))
  return undefined
}

function readUsers(path: string): readonly string[] {
  return parseUserList(readFileSync(path === '-' ? 0 : path, 'utf8'))
}

/** Users have one route for all protocols; where services have passdbs of their own, the first that is served counts. */
function serviceOf(config: Config): string {
  const { protocols } = config.settings({})
  return ['imap', 'pop3', 'submission', 'sieve', 'lmtp'].find((name) => protocols.includes(name)) ?? 'imap'
}

/** Only what goes wrong in the databases is worth a line here. */
function observerOf(complain: (text: string) => void): Observer {
  return {
    emit: () => undefined,
    log(level, _service, text) {
      if (level !== 'debug' && level !== 'info') complain(text)
    },
  }
}

function statusOf(error: Error): number {
  if (error instanceof UsageError || error instanceof MoveUsageError) return EXIT.usage
  if (error instanceof AuthConfigError) return EXIT.config
  if (error instanceof ControlUnavailable || error instanceof RoutingRowError) return EXIT.temporary
  return EXIT.failed
}
