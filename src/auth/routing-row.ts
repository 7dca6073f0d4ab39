// The row of a passdb that says which backend a user has, for `postern move`.
import type { AuthRequest } from './request.ts'

/** Where a row sends its user. An absent port is the protocol's own. */
export interface RowRoute {
  readonly host: string
  readonly port: string | undefined
}

/** What a move writes. Without a port the row's own stays. */
export interface RouteChange {
  readonly host: string
  readonly port: string | undefined
  /** `delay_until`, for those that read the row while it moves; `0` without a delay. */
  readonly delayUntil: string
}

/** A user's row. Changing it is atomic: whoever reads it sees the old one or the new one. */
export interface RoutingRow {
  /** `sql /etc/dovecot/dovecot-sql.conf.ext`, `passwd-file /etc/dovecot/users:12`. */
  readonly place: string
  readonly current: RowRoute
  /** What `change` would do, for people: the query, or the fields. */
  describe(change: RouteChange): string
  /** Changes it, and makes sure that passdb queries see the change. Rejects with RoutingRowError: then it may have changed. */
  change(change: RouteChange, signal: AbortSignal): Promise<void>
  /** Puts back what was there before `change`. Rejects with RoutingRowError. */
  restore(signal: AbortSignal): Promise<void>
}

/** There is no row that could be changed, or it could not be; the message says why. */
export class RoutingRowError extends Error {
  override readonly name = 'RoutingRowError'
  /** Nobody knows the user. */
  readonly userUnknown: boolean

  constructor(message: string, userUnknown = false) {
    super(message)
    this.userUnknown = userUnknown
  }
}

/** One passdb block as a holder of rows. */
export interface RowSource {
  /** `undefined`: the user has no row here. Rejects with RoutingRowError. */
  find(request: AuthRequest, signal: AbortSignal): Promise<RoutingRow | undefined>
  close(): Promise<void>
}

export interface RoutingRows {
  /** The first row that says where the user's backend is. Rejects with RoutingRowError. */
  find(user: string, signal: AbortSignal): Promise<RoutingRow>
  close(): Promise<void>
}
