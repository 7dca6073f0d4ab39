import { createHmac, randomBytes } from 'node:crypto'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'

const ownKey = randomBytes(32)

/**
 * For a user that is not there, or has no password to prove: a salt with which the dialogue goes on, the same each time and
 * on every worker. Outages and disabled users are told at once, as they are to users that exist.
 */
export function decoyFor(result: PassdbResult, { needs, originalUser, user }: AuthRequest): { decoySalt?: Buffer } {
  if (result !== 'user-unknown' && result !== 'scheme-not-available') return {}
  const name = user === '' ? (originalUser ?? '') : user
  const key = needs.penalties?.key ?? ownKey
  return { decoySalt: createHmac('sha256', key).update(`salt of ${name}`).digest() }
}
