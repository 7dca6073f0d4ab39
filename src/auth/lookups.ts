// Lookups without a login: LMTP and doveadm ask passdbs for the route and userdbs for the mail; logins ask userdbs afterwards.
import type { ExtraFields, PassdbLookup, UserdbLookup } from './auth.ts'
import type { ServiceChains } from './chains.ts'
import { FieldSet } from './extra-fields.ts'
import { assignUser } from './identity.ts'
import { userdbFieldsOf } from './outcome.ts'
import { runPassdbChain } from './passdb-chain.ts'
import type { AuthRequest } from './request.ts'
import { runUserdbChain } from './userdb-chain.ts'
import { PREFETCHED } from './userdb-field.ts'

/** Asks the passdbs without a password. */
export async function lookUpPassdb(
  request: AuthRequest,
  chains: ServiceChains,
  user: string,
  signal: AbortSignal,
): Promise<PassdbLookup> {
  const fault = assignUser(request, chains, user)
  if (fault !== undefined) {
    request.logLogin(fault.level, fault.text)
    return fault.level === 'error' ? { kind: 'refused', why: { kind: 'temporary' } } : { kind: 'unknown' }
  }
  const { result } = await runPassdbChain(request, chains, { kind: 'lookup' }, signal)
  switch (result) {
    case 'ok':
      // As for Dovecot's LMTP, a chain that ends without success is a lookup that failed.
      if (!request.success) return { kind: 'refused', why: { kind: 'temporary' } }
      return {
        kind: 'found',
        user: request.user,
        fields: request.fields.visible(),
        userdbFields: userdbFieldsOf(request),
      }
    case 'user-unknown':
    case 'user-disabled':
    case 'password-expired':
      return { kind: 'unknown' }
    case 'scheme-not-available':
      request.logLogin('error', "Configured passdbs don't support credentials lookups")
      return { kind: 'refused', why: { kind: 'temporary' } }
    default:
      return { kind: 'refused', why: { kind: 'temporary' } }
  }
}

/** Asks the userdbs; `prefetched` is what the login's passdbs set, `undefined` without a login. */
export async function lookUpUser(
  request: AuthRequest,
  chains: ServiceChains,
  user: string,
  prefetched: ExtraFields | undefined,
  signal: AbortSignal,
): Promise<UserdbLookup> {
  if (prefetched === undefined) {
    const fault = assignUser(request, { passdbs: chains.passdbs, masterdbs: [] }, user)
    if (fault !== undefined) {
      request.logLogin(fault.level, fault.text)
      return { kind: fault.level === 'error' ? 'temporary' : 'unknown' }
    }
  } else {
    request.user = user
    request.originalUser = user
    takePrefetched(request, prefetched)
  }
  const context = { userdbs: chains.userdbs, passdbs: chains, loggedIn: prefetched !== undefined }
  const result = await runUserdbChain(request, context, signal)
  const fields = request.userdbFields?.visible() ?? new Map<string, string>()
  if (result === 'ok') return { kind: 'found', user: request.user, fields }
  const reason = fields.get('reason')
  if (result === 'internal-failure') return { kind: 'temporary', ...(reason !== undefined && { reason }) }
  return { kind: 'unknown' }
}

function takePrefetched(request: AuthRequest, prefetched: ExtraFields): void {
  request.prefetched = prefetched.size > 0
  request.userdbFields = new FieldSet()
  for (const [name, value] of prefetched) {
    if (name !== PREFETCHED) request.userdbFields.add(name, value, 'passdb')
  }
  request.userdbFields.snapshot()
}
