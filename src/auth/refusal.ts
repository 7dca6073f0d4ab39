import type { AuthRefusal, ExtraFields } from './auth.ts'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'

/** Values of the field `code`: fields that an earlier database left behind speak for the whole login. */
const CODES: ReadonlyMap<string, 'temporary' | 'authorization-failed' | 'user-disabled' | 'password-expired'> = new Map(
  [
    ['temp_fail', 'temporary'],
    ['authz_fail', 'authorization-failed'],
    ['user_disabled', 'user-disabled'],
    ['pass_expired', 'password-expired'],
  ],
)

/** What a failed login is told, before each protocol finds its own words. */
export function refusalFor(request: AuthRequest, result: PassdbResult): AuthRefusal {
  if (result === 'internal-failure' || result === 'next' || request.fields.has('temp')) return { kind: 'temporary' }
  const coded = CODES.get(request.fields.get('code') ?? '')
  if (coded !== undefined) return { kind: coded }
  // The master's password was right.
  if (request.masterUser !== undefined) return { kind: 'authorization-failed' }
  if (result === 'password-expired' || result === 'user-disabled') return { kind: result }
  const reason = request.fields.get('reason')
  return reason === undefined || reason === '' ? { kind: 'failed' } : { kind: 'failed', reason }
}

/**
 * Why a user whose password was right may not log in here: `nologin`, with `reason`, or with `host` as a referral. Only for
 * logins that are not proxied: after `proxy_maybe` turned out to mean this server, it applies too.
 */
export function nologinRefusal(user: string, mechanism: string, fields: ExtraFields): AuthRefusal | undefined {
  if (!fields.has('nologin')) return undefined
  const reason = fields.get('reason')
  const text = reason === undefined || reason === '' ? {} : { reason }
  const host = fields.get('host')
  if (host === undefined || host === '') return { kind: 'nologin', ...text }
  const port = Number(fields.get('port') ?? '')
  const destuser = fields.get('destuser') ?? ''
  return {
    kind: 'referral',
    user: destuser === '' ? user : destuser,
    mechanism,
    host,
    ...(Number.isInteger(port) && port > 0 && port <= 65_535 && { port }),
    ...text,
  }
}
