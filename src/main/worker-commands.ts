import { lookupPassdb, testLogin } from '../admin/auth-answer.ts'
import { parseAuthQuestion } from '../admin/auth-question.ts'
import type { BackendSessions, BackendView } from '../admin/backend-row.ts'
import type { RecentErrors } from '../admin/recent-errors.ts'
import { compileFilter, parseSessionFilter } from '../admin/session-filter.ts'
import { type SessionRow, writeSessionRow } from '../admin/session-row.ts'
import type { AuthService } from '../auth/auth.ts'
import type { LoginHolds } from '../login/holds.ts'
import type { SessionListing, SessionRegistry } from '../login/registry.ts'
import type { BackendHosts } from '../proxy/hosts.ts'
import type { OwnServer } from './mail/imapc/owner-server.ts'
import { lookupOwner } from './mail/owner-lookup.ts'
import type { AskedOwner, OwnerAnswer } from './mail/owner-questions.ts'
import { storedFacts } from './stored-facts.ts'
import { answerMove } from './worker-move.ts'

/** What a worker's commands look at. A worker that is just starting has little of it. */
export interface WorkerParts {
  readonly registry: SessionRegistry | undefined
  readonly holds: LoginHolds
  readonly hosts: BackendHosts | undefined
  /** Of the newest configuration. */
  readonly auth: AuthService | undefined
  /** Forgets cached answers of all configurations that somebody still has. Returns how many. */
  readonly flushCaches: (users: readonly string[] | undefined) => number
  readonly recent: RecentErrors
  /** Which servers are this one. */
  readonly own?: OwnServer
}

/** A command's outcome. Workers answer every command, as somebody waits for all of them. */
export type WorkerAnswer =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: string }

/** What a worker knows of backends. */
export interface WorkerBackends {
  readonly views: readonly BackendView[]
  readonly sessions: readonly BackendSessions[]
}

/** Dovecot's words in the log. */
const KICKED = 'Kicked by admin'
/** A login may wait for `delay_until`, which is at most five minutes ahead. */
const AUTH_MS = 320_000

type Run = (parts: WorkerParts, input: unknown) => unknown

const COMMANDS: ReadonlyMap<string, Run> = new Map<string, Run>([
  ['sessions', listSessions],
  ['kick', kickSessions],
  ['backends', listBackends],
  ['log-errors', ({ recent }) => recent.list()],
  ['auth-test', async ({ auth }, input) => await testLogin(ready(auth), parseAuthQuestion(input), deadline())],
  ['auth-lookup', async ({ auth }, input) => await lookupPassdb(ready(auth), parseAuthQuestion(input), deadline())],
  ['auth-cache-flush', ({ flushCaches }, input) => flushCaches(parseUsers(input))],
  ['move', answerMove],
  ['userdb-homes', findOwners],
  ['stored-password', async ({ auth }, input) => await storedFacts(ready(auth), input, deadline())],
])

/** Runs a command of the control socket in a worker. Never rejects. */
export async function runWorkerCommand(parts: WorkerParts, name: string, input: unknown): Promise<WorkerAnswer> {
  try {
    const run = COMMANDS.get(name)
    if (run === undefined) return { kind: 'failed', error: `unknown command ${name}` }
    return { kind: 'done', value: await run(parts, input) }
  } catch (error) {
    return { kind: 'failed', error: error instanceof Error ? error.message : String(error) }
  }
}

function listSessions({ registry }: WorkerParts, input: unknown): readonly SessionRow[] {
  const matches = compileFilter(parseSessionFilter(input))
  const rows: SessionRow[] = []
  for (const session of registry?.sessions ?? []) {
    const listing = session.describe()
    if (matches(listing)) rows.push(rowOf(listing))
  }
  return rows
}

/** Returns the names of those whose sessions were ended, each as often as they had one. */
function kickSessions({ registry }: WorkerParts, input: unknown): readonly string[] {
  const matches = compileFilter(parseSessionFilter(input))
  const users: string[] = []
  registry?.kick((listing) => {
    const isMeant = matches(listing)
    if (isMeant) users.push(listing.user)
    return isMeant
  }, KICKED)
  return users
}

function listBackends({ registry, hosts }: WorkerParts): WorkerBackends {
  const counts = new Map<string, { host: string; ip: string; port: number; count: number }>()
  for (const session of registry?.sessions ?? []) {
    const { backend } = session.describe()
    if (backend === undefined) continue
    const { host, ip, port } = backend
    const key = `${host} ${ip} ${port}`
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { host, ip, port, count: 1 })
    else known.count++
  }
  return { views: hosts?.list() ?? [], sessions: [...counts.values()] }
}

function rowOf(listing: SessionListing): SessionRow {
  const { backend } = listing
  return writeSessionRow({
    user: listing.user,
    service: listing.protocol,
    state: listing.state,
    pid: String(process.pid),
    session: listing.session,
    remoteIp: listing.remoteIp,
    remotePort: String(listing.remotePort),
    localIp: listing.localIp,
    localPort: String(listing.localPort),
    destHost: backend?.host ?? '',
    destIp: backend?.ip ?? '',
    destPort: backend === undefined ? '' : String(backend.port),
    destUser: backend?.user ?? '',
    started: String(Math.floor(listing.startedMs)),
    alternatives: listing.alternatives,
  })
}

async function findOwners({ auth, own }: WorkerParts, input: unknown): Promise<readonly OwnerAnswer[]> {
  const asked = input as readonly AskedOwner[]
  return await Promise.all(asked.map(({ owner, route }) => lookupOwner(ready(auth), owner, route ? own : undefined)))
}

function ready(auth: AuthService | undefined): AuthService {
  if (auth === undefined) throw new Error('the server is still starting')
  return auth
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(AUTH_MS)
}

function parseUsers(input: unknown): readonly string[] | undefined {
  const users = typeof input === 'object' && input !== null && 'users' in input ? input.users : undefined
  return Array.isArray(users) ? users.filter((user) => typeof user === 'string') : undefined
}
