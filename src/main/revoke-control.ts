import { EXIT } from '../admin/commands/command.ts'
import type { ControlReply } from '../admin/control/wire.ts'
import type { Observer } from '../observe/events.ts'
import type { SharedState } from './shared-state.ts'
import type { StoredFacts } from './stored-facts.ts'
import type { Supervisor } from './supervisor.ts'
import type { WorkerAnswer } from './worker-commands.ts'

interface RevokeNeeds {
  readonly supervisor: Supervisor
  readonly shared: SharedState
  readonly observer: Observer
}

type Reply = (reply: ControlReply) => void

/** The databases are asked for the stored password; without an answer only `allow` ends the revocation. */
const FACTS_MS = 15_000
/** Names in one command. */
const MAX_USERS = 1_000

/** `user revoke`: forgets cached answers, refuses logins, ends sessions, here and at all other servers. */
export async function revokeUsers(needs: RevokeNeeds, input: unknown, reply: Reply): Promise<number> {
  const { users, by } = parseInput(input)
  for (const name of users) await revoke(needs, name, by, reply)
  return EXIT.ok
}

async function revoke(
  { supervisor, shared, observer }: RevokeNeeds,
  name: string,
  by: string,
  reply: Reply,
): Promise<void> {
  const facts = await factsOf(supervisor, name)
  const user = facts?.user ?? name
  const passwords = facts?.passwords ?? {}
  const asked = user === name ? {} : { asked: name }
  const entry = { user, ...asked, atMs: newerThan(shared, user), revoked: true, passwords }
  const { sessions, silent, problem } = await shared.revoke(entry)
  if (silent.length > 0) reply({ kind: 'text', text: `no answer from ${silent.join(', ')}` })
  if (problem !== undefined) reply({ kind: 'text', text: `the server forgets it when it stops: ${problem}` })
  const endsBy = Object.keys(passwords).length > 0 ? 'allow or a new password' : 'allow'
  observer.log('info', 'doveadm', `user revoke ${user}${by}: ${sessions} sessions ended; until ${endsBy}`)
  reply({ kind: 'row', row: { username: user, sessions: String(sessions), until: endsBy } })
}

/** `user allow`: the user may log in again. */
export async function allowUsers({ shared, observer }: RevokeNeeds, input: unknown, reply: Reply): Promise<number> {
  const { users, by } = parseInput(input)
  let status: number = EXIT.ok
  for (const name of users) {
    const entry = shared.revocations
      .list()
      .find(({ user, asked, revoked }) => revoked && (user === name || asked === name))
    if (entry === undefined) {
      reply({ kind: 'text', text: `${name} is not revoked` })
      status = EXIT.notFound
      continue
    }
    const { user } = entry
    shared.allow({ user, atMs: newerThan(shared, user), revoked: false })
    observer.log('info', 'doveadm', `user allow ${user}${by}`)
    reply({ kind: 'row', row: { username: user } })
  }
  return await Promise.resolve(status)
}

/** `user revoked`: who is. */
export async function listRevoked({ shared }: RevokeNeeds, _input: unknown, reply: Reply): Promise<number> {
  for (const { user, atMs, revoked, passwords } of shared.revocations.list()) {
    if (!revoked) continue
    const until = Object.keys(passwords ?? {}).length > 0 ? 'allow or a new password' : 'allow'
    reply({ kind: 'row', row: { username: user, sinceMs: String(atMs), until } })
  }
  return await Promise.resolve(EXIT.ok)
}

async function factsOf(supervisor: Supervisor, user: string): Promise<StoredFacts | undefined> {
  const question = { kind: 'command', name: 'stored-password', input: { user } } as const
  const answer = (await supervisor.askOne(question, FACTS_MS)) as WorkerAnswer | undefined
  return answer?.kind === 'done' ? (answer.value as StoredFacts) : undefined
}

/** Now, or a moment after what is known: clocks of servers differ. */
function newerThan({ revocations }: SharedState, name: string): number {
  const known = revocations.list().find(({ user }) => user === name)
  return Math.max(Date.now(), (known?.atMs ?? 0) + 1)
}

/** Throws with a text for the other side. */
function parseInput(input: unknown): { users: readonly string[]; by: string } {
  if (typeof input !== 'object' || input === null) throw new Error('request has no input')
  const { users, by } = input as Readonly<Record<string, unknown>>
  if (!Array.isArray(users) || !users.every((user): user is string => typeof user === 'string' && user !== ''))
    throw new Error('no users are named')
  if (users.length > MAX_USERS) throw new Error(`more than ${MAX_USERS} users at once`)
  return { users, by: typeof by === 'string' && by !== '' ? ` by ${by}` : '' }
}
