import type { AuthRefusal, ExtraFields } from './auth.ts'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'

/** What a failed login is told, before each protocol finds its own words. */
export function refusalFor(request: AuthRequest, result: PassdbResult): AuthRefusal {
  if (result === 'internal-failure' || result === 'next') return { kind: 'temporary' }
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
