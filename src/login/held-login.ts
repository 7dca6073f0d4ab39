import type { AuthConnection, AuthOutcome, AuthRefusal, AuthService, ExtraFields } from '../auth/auth.ts'
import { nologinRefusal } from '../auth/refusal.ts'
import { assertNever } from '../util/assert-never.ts'
import type { Cancellation } from '../util/cancellation.ts'
import { andThen, type Soon } from '../util/soon.ts'
import type { LoginHolds, Passage } from './holds.ts'

type Authenticated = Extract<AuthOutcome, { kind: 'ok' }>

/** What a login goes on with after it was held, if it was. `leave` must be called when it has a backend or has failed. */
export type HeldLogin =
  | { readonly kind: 'go'; readonly outcome: Authenticated; readonly leave: () => void }
  | { readonly kind: 'refused'; readonly why: AuthRefusal }

/** What one login brings along. */
export interface LoginToHold {
  readonly auth: AuthService
  readonly connection: AuthConnection
  readonly outcome: Authenticated
  /** When its authentication began. */
  readonly sinceMs: number
  readonly limitMs: () => number
  readonly cancellation: Cancellation
}

const TEMPORARY = { kind: 'refused', why: { kind: 'temporary' } } as const

/**
 * Waits while the user is being moved, and asks the databases again where the login goes when they may have changed. A login
 * that has waited as long as it may is refused for now: neither backend is safe to send it to.
 */
export function holdLogin(holds: LoginHolds, login: LoginToHold): Soon<HeldLogin> {
  const { outcome, sinceMs, limitMs, cancellation } = login
  return andThen(holds.pass(outcome.user, sinceMs, limitMs, cancellation), (passage) => goOn(login, passage))
}

function goOn(login: LoginToHold, passage: Passage): Soon<HeldLogin> {
  switch (passage.kind) {
    case 'free':
      return { kind: 'go', outcome: login.outcome, leave: passage.leave }
    case 'too-long':
      return TEMPORARY
    case 'stale':
      return goStale(login, passage)
    default:
      return assertNever(passage)
  }
}

async function goStale(login: LoginToHold, { waited, leave }: Extract<Passage, { kind: 'stale' }>): Promise<HeldLogin> {
  // Whoever released the users forgot cached answers first. One that came later may have brought its own.
  if (!waited) login.auth.flushCache([login.outcome.user])
  const held = await askAgain(login, leave)
  if (held.kind === 'refused') leave()
  return held
}

async function askAgain(
  { auth, connection, outcome, cancellation }: LoginToHold,
  leave: () => void,
): Promise<HeldLogin> {
  // The name that was typed: `auth_username_format` is applied once. A master's login knows its target's name only.
  const name = outcome.masterUser === undefined ? outcome.originalUser : outcome.user
  const answer = await auth.lookupPassdb(connection, name, cancellation.signal)
  if (answer.kind === 'refused') return answer
  if (answer.kind === 'unknown') return { kind: 'refused', why: { kind: 'failed' } }
  const fields =
    outcome.masterUser === undefined
      ? newFields(outcome.fields, answer.fields)
      : newRoute(outcome.fields, answer.fields)
  const isProxied = fields.has('proxy') || fields.has('proxy_maybe')
  const nologin = isProxied ? undefined : nologinRefusal(outcome.user, outcome.mechanism, fields)
  if (nologin !== undefined) return { kind: 'refused', why: nologin }
  return { kind: 'go', outcome: { ...outcome, fields, userdbFields: answer.userdbFields }, leave }
}

/** A lookup knows no password: where a field is the password itself (`pass=%w`), the login's own stays. */
function newFields(before: ExtraFields, now: ExtraFields): ExtraFields {
  const pass = before.get('pass') ?? ''
  return now.get('pass') === '' && pass !== '' ? new Map([...now, ['pass', pass]]) : now
}

/** Fields that say where a login goes. */
const ROUTE: ReadonlySet<string> = new Set(['host', 'hostip', 'port', 'delay_until'])

/** Of a master login a lookup knows less: what the master's own database said stays, but for the route. */
function newRoute(before: ExtraFields, now: ExtraFields): ExtraFields {
  return new Map([...[...before].filter(([name]) => !ROUTE.has(name)), ...newFields(before, now)])
}
