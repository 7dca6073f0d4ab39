// What the chains' work looks like from outside.
import type { AuthOutcome, AuthRefusal, AuthSaid, ExtraFields } from './auth.ts'
import { nologinRefusal } from './refusal.ts'
import type { AuthRequest } from './request.ts'
import { PREFETCHED } from './userdb-field.ts'

/** The outcome of a login whose password was right. */
export function outcomeOf(request: AuthRequest, mechanism: string): AuthOutcome {
  const fields = request.fields.visible()
  // Whoever is proxied is the backend's business; after proxy_maybe the route decides.
  const isProxied = fields.has('proxy') || fields.has('proxy_maybe')
  const nologin = isProxied ? undefined : nologinRefusal(request.user, mechanism, fields)
  if (nologin !== undefined) return refused(request, nologin)
  return {
    kind: 'ok',
    user: request.user,
    originalUser: request.originalUser ?? request.user,
    mechanism,
    fields,
    userdbFields: userdbFieldsOf(request),
    ...(request.masterUser !== undefined && { masterUser: request.masterUser }),
    ...(request.password !== undefined && !request.password.isEmpty && { secret: request.password }),
  }
}

/** `userdb_` fields for the lookup that follows a login. */
export function userdbFieldsOf(request: AuthRequest): ExtraFields {
  const fields = request.userdbFields?.visible() ?? new Map<string, string>()
  return request.prefetched && fields.size === 0 ? new Map([[PREFETCHED, '']]) : fields
}

/** The outcome of a login that is refused. */
export function refused(request: AuthRequest, why: AuthRefusal): AuthOutcome {
  // A name that may not be one is still the name the log tells.
  const user = request.user === '' ? (request.originalUser ?? '') : request.user
  return { kind: 'refused', why, ...(user !== '' && { user }), ...(request.wantsFields && { said: saidOf(request) }) }
}

function saidOf({ user, originalUser, masterUser, fields }: AuthRequest): AuthSaid {
  return {
    user,
    ...(originalUser !== undefined && { originalUser }),
    ...(masterUser !== undefined && { masterUser }),
    fields: fields.visible(),
  }
}
