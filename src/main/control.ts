import type { Socket } from 'node:net'
import type { AuthAnswer } from '../admin/auth-answer.ts'
import { type BackendRow, mergeBackends } from '../admin/backend-row.ts'
import { answerRows } from '../admin/commands/ask-auth.ts'
import { EXIT } from '../admin/commands/command.ts'
import { openControlSocket } from '../admin/control/server.ts'
import type { ControlReply } from '../admin/control/wire.ts'
import type { RecentError, RecentErrors } from '../admin/recent-errors.ts'
import { parseSessionFilter } from '../admin/session-filter.ts'
import type { SessionRow } from '../admin/session-row.ts'
import { type Complaint, describeComplaint } from '../config/complaint.ts'
import type { Observer } from '../observe/events.ts'
import { tellMailWorker } from './mail/mail-worker-control.ts'
import { handleMove } from './move-control.ts'
import { allowUsers, listRevoked, revokeUsers } from './revoke-control.ts'
import type { SharedState } from './shared-state.ts'
import type { Supervisor } from './supervisor.ts'
import type { WorkerAnswer, WorkerBackends } from './worker-commands.ts'

/** What the commands of the control socket act on. */
export interface ControlNeeds {
  readonly supervisor: Supervisor
  readonly shared: SharedState
  readonly observer: Observer
  /** The supervisor's own. */
  readonly recent: RecentErrors
  readonly reload: () => Promise<ReloadOutcome>
  /** Stops the server; resolves when it has. */
  readonly stop: () => Promise<void>
}

export interface ReloadOutcome {
  readonly complaints: readonly Complaint[]
  /** Set when the old configuration stays, and why. */
  readonly error?: string
}

/** All workers together listen this long for a lookup that waits for databases and for `delay_until`. */
const AUTH_MS = 325_000

type Reply = (reply: ControlReply) => void
type Handle = (needs: ControlNeeds, input: unknown, reply: Reply) => Promise<number>

const HANDLERS: ReadonlyMap<string, Handle> = new Map<string, Handle>([
  ['sessions', listSessions],
  ['kick', kick],
  ['backends', listBackends],
  ['log-errors', logErrors],
  ['auth-test', async (needs, input, reply) => await askAuth(needs, 'auth-test', input, reply)],
  ['auth-lookup', async (needs, input, reply) => await askAuth(needs, 'auth-lookup', input, reply)],
  ['auth-cache-flush', flushCache],
  ['penalty', listPenalties],
  ['user-allow', allowUsers],
  ['user-revoke', revokeUsers],
  ['user-revoked', listRevoked],
  ['mail-worker', async ({ supervisor }, input, reply) => await tellMailWorker(supervisor, input, reply)],
  ['move', handleMove],
  ['reload', reload],
  ['stop', stop],
])

export interface OpenControl {
  /** Takes no more commands; answers that are on their way may arrive. */
  close(): Promise<void>
}

/** Whoever does not fetch an answer within this time has lost interest. */
const CLOSE_MS = 1_000

/** Opens the control socket of a running server. Rejects with ControlTaken when another server answers there. */
export async function openControl(path: string, needs: ControlNeeds): Promise<OpenControl> {
  const server = await openControlSocket(path, async ({ command, input }, reply) => {
    const handle = HANDLERS.get(command)
    if (handle === undefined) throw new Error(`unknown command ${command}`)
    return await handle(needs, input, reply)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    async close() {
      const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), CLOSE_MS)
      await new Promise((resolve) => server.close(resolve))
      clearTimeout(timer)
    },
  }
}

/** Asks all workers; what went wrong in some of them is told, and the others' answers count. */
async function askWorkers(
  { supervisor }: ControlNeeds,
  name: string,
  input: unknown,
  reply: Reply,
): Promise<readonly unknown[]> {
  const answers = (await supervisor.askAll({ kind: 'command', name, input })) as readonly WorkerAnswer[]
  const missing = supervisor.workers.length - answers.length
  if (missing > 0) reply({ kind: 'text', text: `${missing} of ${supervisor.workers.length} workers did not answer` })
  const errors = new Set(answers.flatMap((answer) => (answer.kind === 'failed' ? [answer.error] : [])))
  if (errors.size > 0) throw new Error([...errors].join('; '))
  return answers.flatMap((answer) => (answer.kind === 'done' ? [answer.value] : []))
}

async function listSessions(needs: ControlNeeds, input: unknown, reply: Reply): Promise<number> {
  for (const rows of (await askWorkers(needs, 'sessions', input, reply)) as SessionRow[][]) {
    for (const row of rows) reply({ kind: 'row', row })
  }
  for (const row of await askOthers(needs, 'sessions', input, reply)) {
    if (isRow(row)) reply({ kind: 'row', row })
  }
  return EXIT.ok
}

/** The other servers of the cluster. */
async function askOthers({ shared }: ControlNeeds, topic: string, input: unknown, reply: Reply): Promise<unknown[]> {
  const { rows, silent } = await shared.askOthers(topic, input)
  if (silent.length > 0) reply({ kind: 'text', text: `no answer from ${silent.join(', ')}` })
  return [...rows]
}

function isRow(row: unknown): row is SessionRow {
  return typeof row === 'object' && row !== null && Object.values(row).every((value) => typeof value === 'string')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Dovecot's columns; times are told in milliseconds since 1970. */
async function listPenalties({ shared }: ControlNeeds, _input: unknown, reply: Reply): Promise<number> {
  const nowMs = Date.now()
  for (const { network, level, failedMsAgo, updatedMsAgo } of shared.penalties.list()) {
    const row = {
      network,
      level: String(level),
      failedMs: String(nowMs - failedMsAgo),
      updatedMs: String(nowMs - updatedMsAgo),
    }
    reply({ kind: 'row', row })
  }
  return await Promise.resolve(EXIT.ok)
}

async function kick(needs: ControlNeeds, input: unknown, reply: Reply): Promise<number> {
  const filter = parseSessionFilter(input)
  const own = ((await askWorkers(needs, 'kick', filter, reply)) as string[][]).flat()
  const users = [...own, ...(await askOthers(needs, 'kick', filter, reply)).filter(isText)]
  for (const username of users) reply({ kind: 'row', row: { username } })
  const meant = [...filter.users, ...filter.networks, ...filter.hosts.map((host) => `host ${host}`)].join(', ')
  needs.observer.log('info', 'doveadm', `kick ${meant || 'everybody'}: ${users.length} sessions ended`)
  return users.length === 0 ? EXIT.notFound : EXIT.ok
}

async function listBackends(needs: ControlNeeds, input: unknown, reply: Reply): Promise<number> {
  const all = (await askWorkers(needs, 'backends', input, reply)) as WorkerBackends[]
  const rows: readonly BackendRow[] = mergeBackends(
    all.flatMap(({ views }) => views),
    all.flatMap(({ sessions }) => sessions),
  )
  for (const row of rows) reply({ kind: 'row', row: { ...row } })
  return EXIT.ok
}

async function logErrors(needs: ControlNeeds, input: unknown, reply: Reply): Promise<number> {
  const all = (await askWorkers(needs, 'log-errors', input, reply)) as RecentError[][]
  const errors = [...needs.recent.list(), ...all.flat()].sort((left, right) => left.timeMs - right.timeMs)
  for (const { timeMs, prefix, level, text } of errors) {
    reply({ kind: 'row', row: { timeMs: String(timeMs), prefix, type: capitalize(level), text } })
  }
  return EXIT.ok
}

/** One worker is enough: they all have the same databases. */
async function askAuth(
  { supervisor }: ControlNeeds,
  name: 'auth-test' | 'auth-lookup',
  input: unknown,
  reply: Reply,
): Promise<number> {
  const answer = (await supervisor.askOne({ kind: 'command', name, input }, AUTH_MS)) as WorkerAnswer | undefined
  if (answer === undefined) throw new Error('no worker answered')
  if (answer.kind === 'failed') throw new Error(answer.error)
  for (const row of answerRows(answer.value as AuthAnswer)) reply({ kind: 'row', row })
  return EXIT.ok
}

async function flushCache(needs: ControlNeeds, input: unknown, reply: Reply): Promise<number> {
  const own = (await askWorkers(needs, 'auth-cache-flush', input, reply)) as number[]
  const counts = [...own, ...(await askOthers(needs, 'auth-cache-flush', input, reply)).map(Number)]
  reply({ kind: 'row', row: { entries: String(counts.reduce((sum, count) => sum + count, 0)) } })
  return EXIT.ok
}

async function reload({ reload: reloadServer }: ControlNeeds, _input: unknown, reply: Reply): Promise<number> {
  const { complaints, error } = await reloadServer()
  for (const complaint of complaints) {
    const { severity } = complaint
    if (severity !== 'info')
      reply({ kind: 'row', row: { severity: capitalize(severity), text: describeComplaint(complaint) } })
  }
  if (error === undefined) return EXIT.ok
  const isTold = complaints.some(({ severity }) => severity === 'error')
  const text = isTold ? 'the old configuration stays' : `the old configuration stays: ${error}`
  reply({ kind: 'row', row: { severity: 'Error', text } })
  return EXIT.config
}

async function stop({ stop: stopServer }: ControlNeeds): Promise<number> {
  await stopServer()
  return EXIT.ok
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
