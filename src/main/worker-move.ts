import {
  type MoveQuestion,
  type MoveState,
  type MoveTarget,
  parseMoveQuestion,
  type SeenRoute,
} from '../admin/commands/move-wire.ts'
import type { AuthConnection, AuthService } from '../auth/auth.ts'
import type { LoginHolds } from '../login/holds.ts'
import type { SessionListing, SessionRegistry } from '../login/registry.ts'
import { assertNever } from '../util/assert-never.ts'

/** What a move looks at in a worker. A worker that is just starting has holds, and neither sessions nor databases. */
export interface MoveParts {
  readonly registry: SessionRegistry | undefined
  readonly auth: AuthService | undefined
  /** As in `WorkerParts`. */
  readonly flushCaches: (users: readonly string[]) => number
  readonly holds: LoginHolds
}

export type MoveAnswer =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'states'; readonly states: readonly MoveState[] }
  | { readonly kind: 'routes'; readonly routes: readonly SeenRoute[] }

/** Dovecot's words in the log. */
const KICKED = 'Kicked by admin'
const LOOKUP_MS = 4_000

/** One step of a move in this worker. Rejects with a text for whoever asked. */
export async function answerMove(
  { registry, auth, flushCaches, holds }: MoveParts,
  input: unknown,
): Promise<MoveAnswer> {
  const question: MoveQuestion = parseMoveQuestion(input)
  switch (question.step) {
    case 'hold': {
      const taken = holds.hold(question.move, question.users, question.expireMs)
      if (taken !== undefined) throw new Error(`${taken} is being moved already`)
      return { kind: 'nothing' }
    }
    case 'state':
      return { kind: 'states', states: statesOf(question.users, question.to, registry, holds) }
    case 'kick': {
      const users = new Set(question.users)
      const isMeant = (listing: SessionListing): boolean => users.has(listing.user) && isLeft(listing, question.to)
      return { kind: 'count', count: registry?.kick(isMeant, KICKED) ?? 0 }
    }
    case 'route':
      if (auth === undefined) throw new Error('the worker is still starting')
      flushCaches(question.users)
      return { kind: 'routes', routes: await lookUpRoutes(auth, question.users, question.service) }
    case 'release':
      // What comes after this is looked up again.
      flushCaches(question.users)
      return { kind: 'count', count: holds.release(question.move, question.spreadMs) }
    case 'note':
      return { kind: 'nothing' }
    default:
      return assertNever(question)
  }
}

function statesOf(
  users: readonly string[],
  to: MoveTarget,
  registry: SessionRegistry | undefined,
  holds: LoginHolds,
): readonly MoveState[] {
  const counts = new Map(users.map((user) => [user, { arriving: 0, left: 0 }]))
  for (const session of registry?.sessions ?? []) {
    const listing = session.describe()
    const count = counts.get(listing.user)
    if (count === undefined) continue
    if (listing.state === 'backend-login') count.arriving++
    else if (isLeft(listing, to)) count.left++
  }
  return [...counts].map(([user, { arriving, left }]) => {
    const { waiting, passing } = holds.state(user)
    return { user, waiting, arriving: arriving + passing, left }
  })
}

/** A session that is somewhere, and not at the new backend. */
function isLeft({ state, backend }: SessionListing, { host, port }: MoveTarget): boolean {
  if (state === 'local') return true
  if (state !== 'proxied') return false
  return backend?.host !== host || (port !== undefined && String(backend.port) !== port)
}

async function lookUpRoutes(
  auth: AuthService,
  users: readonly string[],
  service: string,
): Promise<readonly SeenRoute[]> {
  const signal = AbortSignal.timeout(LOOKUP_MS)
  return await Promise.all(users.map(async (user) => await lookUpRoute(auth, user, service, signal)))
}

const NOWHERE = { ip: '', port: 0 } as const

async function lookUpRoute(auth: AuthService, user: string, service: string, signal: AbortSignal): Promise<SeenRoute> {
  const ends = { local: NOWHERE, remote: NOWHERE, realLocal: NOWHERE, realRemote: NOWHERE }
  const connection: AuthConnection = { service, session: '', secured: '', forward: new Map(), ...ends }
  const answer = await auth.lookupPassdb(connection, user, signal)
  const nothing = { asked: user, user, host: '', port: '', hostip: '' }
  if (answer.kind !== 'found') return { ...nothing, result: answer.kind === 'unknown' ? 'unknown' : 'temporary' }
  const field = (name: string): string => answer.fields.get(name) ?? ''
  return {
    asked: user,
    result: 'found',
    user: answer.user,
    host: field('host'),
    port: field('port'),
    hostip: field('hostip'),
  }
}
