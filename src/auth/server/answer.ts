import { InvalidBase64Data } from '../../sasl/mechanism.ts'
import type { AuthOutcome, AuthRefusal, AuthSaid, ExtraFields } from '../auth.ts'
import { pair, tabLine } from './tab-text.ts'

/** The line that answers a request. `undefined`: nobody waits for one. */
export function answerLine(id: number, outcome: AuthOutcome, finalResponse?: Buffer): Buffer | undefined {
  if (outcome.kind === 'ok') return okLine(id, outcome, finalResponse)
  const { why, said } = outcome
  if (why.kind === 'aborted') return undefined
  if (why.kind === 'invalid-base64') return failLine(id, new InvalidBase64Data('continued').message, 'invalid_base64')
  // Whether such a user may log in is for the client to say: the fields are there.
  if (said !== undefined && (why.kind === 'nologin' || why.kind === 'referral'))
    return okLine(id, { originalUser: said.user, ...said }, finalResponse)
  return tabLine(['FAIL', String(id), ...failure(why, said)])
}

/** A request that never came to the databases. */
export function failLine(id: number, reason: string, code?: string): Buffer {
  return tabLine(['FAIL', String(id), ...(code === undefined ? [] : [`code=${code}`]), `reason=${reason}`])
}

interface LetIn {
  readonly user: string
  readonly originalUser: string
  readonly masterUser?: string
  readonly fields: ExtraFields
}

function okLine(id: number, { user, originalUser, masterUser, fields }: LetIn, finalResponse?: Buffer): Buffer {
  const response = finalResponse === undefined ? [] : [`resp=${finalResponse.toString('base64')}`]
  const names = identity(fields, user, originalUser, masterUser)
  return tabLine(['OK', String(id), `user=${user}`, ...pairs(fields), ...response, ...names])
}

/** In Dovecot's order. */
function failure(why: AuthRefusal, said: AuthSaid | undefined): readonly string[] {
  const code = codeOf(why)
  const { user, originalUser, masterUser, fields } = said ?? NOTHING_SAID
  // A name that may not be one is told all the same.
  const name = user === '' ? originalUser : user
  const reason = why.kind === 'failed' && !fields.has('reason') ? why.reason : undefined
  return [
    ...(name === undefined ? [] : [`user=${name}`]),
    ...(code === undefined || fields.get('code') === code ? [] : [`code=${code}`]),
    ...(reason === undefined ? [] : [`reason=${reason}`]),
    ...pairs(fields).filter((field) => field !== 'nologin' && !field.startsWith('nologin=')),
    ...identity(fields, user, originalUser, masterUser),
  ]
}

const NOTHING_SAID: AuthSaid = { user: '', fields: new Map() }

/** What the client cannot know of a name: what it was before, and whose password it was. */
function identity(
  fields: ExtraFields,
  user: string,
  originalUser: string | undefined,
  masterUser: string | undefined,
): readonly string[] {
  const isRenamed = originalUser !== undefined && (originalUser !== user || user === '') && !fields.has('original_user')
  return [
    ...(isRenamed ? [`original_user=${originalUser}`] : []),
    ...(masterUser === undefined || fields.has('auth_user') ? [] : [`auth_user=${masterUser}`]),
  ]
}

function pairs(fields: ExtraFields): readonly string[] {
  return Array.from(fields, ([key, value]) => pair(key, value))
}

function codeOf({ kind }: AuthRefusal): string | undefined {
  switch (kind) {
    case 'temporary':
    case 'too-many-connections':
      return 'temp_fail'
    case 'authorization-failed':
      return 'authz_fail'
    case 'user-disabled':
      return 'user_disabled'
    case 'password-expired':
      return 'pass_expired'
    default:
      return undefined
  }
}
