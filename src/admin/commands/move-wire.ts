/** What `postern move` asks of the running server, step by step. Every worker answers. Plain data: it crosses sockets. */
export type MoveQuestion =
  /** New logins of these users wait, until they are released or nobody renews the hold. */
  | { readonly step: 'hold'; readonly move: string; readonly users: readonly string[]; readonly expireMs: number }
  /** Where users are: one row a user, a `MoveState`. */
  | { readonly step: 'state'; readonly users: readonly string[]; readonly to: MoveTarget }
  /** Ends the sessions that are not at the new backend: one row with their `count`. */
  | { readonly step: 'kick'; readonly users: readonly string[]; readonly to: MoveTarget }
  /** What the databases say, without the auth cache: one row a user and worker, a `SeenRoute`. */
  | { readonly step: 'route'; readonly users: readonly string[]; readonly service: string }
  /** Lets the logins go, each at a random moment within `spreadMs`: one row with the `count` of those that waited. */
  | { readonly step: 'release'; readonly move: string; readonly users: readonly string[]; readonly spreadMs: number }
  /** A line for the server's log. */
  | { readonly step: 'note'; readonly text: string; readonly isFault: boolean }

/** The new backend. Without a port every port of the host is it. */
export interface MoveTarget {
  readonly host: string
  readonly port?: string
}

/** Counts of one user, in one worker or in all. */
export interface MoveState {
  readonly user: string
  /** Logins that are held. */
  readonly waiting: number
  /** Logins that authenticated and have no backend yet, and those that are being let in by one. */
  readonly arriving: number
  /** Sessions that are not at the new backend. */
  readonly left: number
}

/** Where a worker would send a user now. */
export interface SeenRoute {
  /** As asked. */
  readonly asked: string
  readonly result: 'found' | 'unknown' | 'temporary'
  /** The name that sessions have. */
  readonly user: string
  readonly host: string
  readonly port: string
  readonly hostip: string
}

export const MOVE_LIMITS = {
  /** Users that are moved together: their logins wait for the slowest of them. */
  batch: 50,
  /** A hold is renewed this often, and ends by itself after the second time. */
  renewMs: 5_000,
  expireMs: 20_000,
  /** All workers see a changed row within this time, or it is put back. */
  seenMs: 10_000,
  /** Sessions are off the old backend within this time, or the row is put back: a login to a slow backend takes 30 seconds. */
  emptyMs: 60_000,
  /** The longest `--delay`, its random part included: held clients wait for that long. */
  delayMs: 120_000,
  /** Putting a row back may take this long. */
  restoreMs: 20_000,
} as const

/** A row of the control socket. */
export type MoveRow = Readonly<Record<string, string>>

export function writeState({ user, waiting, arriving, left }: MoveState): MoveRow {
  return { user, waiting: String(waiting), arriving: String(arriving), left: String(left) }
}

export function readState({ user = '', waiting, arriving, left }: MoveRow): MoveState {
  return { user, waiting: Number(waiting), arriving: Number(arriving), left: Number(left) }
}

export function readRoute(row: MoveRow): SeenRoute {
  const { asked = '', result, user = '', host = '', port = '', hostip = '' } = row
  return { asked, result: result === 'found' || result === 'unknown' ? result : 'temporary', user, host, port, hostip }
}

/** Reads a question that came over a socket. Throws with a text for the other side. */
export function parseMoveQuestion(input: unknown): MoveQuestion {
  if (typeof input !== 'object' || input === null) throw new Error('move: the question is not an object')
  const given = new Given(input as Readonly<Record<string, unknown>>)
  const step = given.text('step')
  switch (step) {
    case 'hold':
      return { step, move: given.text('move'), users: given.users(), expireMs: given.count('expireMs') }
    case 'state':
    case 'kick':
      return { step, users: given.users(), to: given.target() }
    case 'route':
      return { step, users: given.users(), service: given.text('service') }
    case 'release':
      return { step, move: given.text('move'), users: given.users(), spreadMs: given.count('spreadMs') }
    case 'note':
      return { step, text: given.text('text'), isFault: given.values['isFault'] === true }
    default:
      throw new Error(`move: unknown step ${step}`)
  }
}

class Given {
  readonly values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values
  }

  text(name: string): string {
    const value = this.values[name]
    if (typeof value !== 'string') throw new Error(`move: ${name} is not a text`)
    return value
  }

  count(name: string): number {
    const value = this.values[name]
    if (typeof value !== 'number' || !(value >= 0)) throw new Error(`move: ${name} is not a number`)
    return value
  }

  users(): readonly string[] {
    const { users } = this.values
    if (!Array.isArray(users) || !users.every((user): user is string => typeof user === 'string')) {
      throw new Error('move: users is not a list of texts')
    }
    return users
  }

  target(): MoveTarget {
    const { to } = this.values
    const { host, port } = typeof to === 'object' && to !== null ? (to as Readonly<Record<string, unknown>>) : {}
    if (typeof host !== 'string') throw new Error('move: to has no host')
    return typeof port === 'string' ? { host, port } : { host }
  }
}
