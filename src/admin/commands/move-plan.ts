import { type RoutingRow, RoutingRowError } from '../../auth/routing-row.ts'
import { chunksOf, MoveFailed, type MoveNeeds } from './move-needs.ts'
import type { MoveOrder } from './move-order.ts'
import { MOVE_LIMITS, readRoute, readState, type SeenRoute } from './move-wire.ts'

/** A user who can be moved, and what is known of them before. */
export interface PlannedUser {
  /** As the administrator wrote it. */
  readonly asked: string
  /** As sessions have it. */
  readonly user: string
  readonly row: RoutingRow
  /** What workers say before the move. */
  readonly seen: SeenRoute
  /** The row says so already: only sessions may be left behind. */
  readonly isThere: boolean
}

/** Whom the order means; `problems` when not all of them can be moved, and then nothing should be done. */
export interface MovePlan {
  readonly users: readonly PlannedUser[]
  readonly problems: readonly string[]
}

/** Looks everybody up, in the databases and in the workers. Rejects when the server or a database cannot be asked. */
export async function planMove(order: MoveOrder, needs: MoveNeeds): Promise<MovePlan> {
  const users = new Map<string, PlannedUser>()
  const problems: string[] = []
  for (const batch of chunksOf(order.users, MOVE_LIMITS.batch)) {
    const routes = await seenRoutes(batch, needs)
    for (const asked of batch) {
      try {
        const planned = await planUser(asked, routes.get(asked) ?? [], order, needs)
        if (!users.has(planned.user)) users.set(planned.user, planned)
      } catch (error) {
        if (!(error instanceof RoutingRowError) && !(error instanceof MoveFailed)) throw error
        problems.push(`${asked}: ${error.message}`)
      }
    }
  }
  return { users: [...users.values()], problems }
}

/** What every worker says of each user. */
export async function seenRoutes(
  users: readonly string[],
  { server, service }: MoveNeeds,
): Promise<ReadonlyMap<string, readonly SeenRoute[]>> {
  const rows = await server.ask({ step: 'route', users, service })
  return Map.groupBy(rows.map(readRoute), ({ asked }) => asked)
}

async function planUser(
  asked: string,
  routes: readonly SeenRoute[],
  { host, port }: MoveOrder,
  { rows, signal }: MoveNeeds,
): Promise<PlannedUser> {
  const row = await rows.find(asked, signal)
  const seen = routes.find(({ result }) => result === 'found')
  if (seen === undefined) {
    const why = routes[0]?.result === 'unknown' ? 'does not know the user' : 'cannot look the user up'
    throw new MoveFailed(`${row.place} has a row, but the server ${why}`)
  }
  if (seen.host !== row.current.host) {
    throw new MoveFailed(`${row.place} says host=${row.current.host}, but the server sees host=${seen.host}`)
  }
  const isThere = row.current.host === host && (port === undefined || row.current.port === port)
  return { asked, user: seen.user, row, seen, isThere }
}

/** What `--dry-run` prints: for each user where they are, what would change, and which sessions would end. */
export async function* describePlan(
  { users }: MovePlan,
  order: MoveOrder,
  { server }: MoveNeeds,
): AsyncGenerator<string> {
  const { host, port, delay } = order
  const to = port === undefined ? { host } : { host, port }
  for (const batch of chunksOf(users, MOVE_LIMITS.batch)) {
    const states = (await server.ask({ step: 'state', users: batch.map(({ user }) => user), to })).map(readState)
    for (const { user, row, isThere } of batch) {
      const { left = 0, arriving = 0 } = states.find((state) => state.user === user) ?? {}
      const change = { host, port, delayUntil: delay.ms === 0 ? '0' : '(when it runs)' }
      yield `${user}: now ${placeOf(row.current)} (${row.place})\n`
      yield isThere ? '  row: is right already\n' : `  row: ${row.describe(change)}\n`
      yield `  sessions to end: ${left}${arriving > 0 ? `, and ${arriving} logging in` : ''}\n`
    }
  }
}

export function placeOf({ host, port }: { readonly host: string; readonly port: string | undefined }): string {
  return port === undefined || port === '' ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`
}
