import type { AuthConnection, AuthOutcome, AuthRefusal, AuthService, PassdbLookup, SaslExchange } from '../auth/auth.ts'
import { Secret } from '../util/secret.ts'
import { type AuthQuestion, connectionFrom } from './auth-question.ts'

/** What a login or a lookup came to, as `auth test` and `auth lookup` tell it. Plain data: it crosses sockets. */
export interface AuthAnswer {
  readonly result: 'ok' | 'failed' | 'unknown' | 'temporary'
  /** Name and value; boolean fields have an empty value. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** doveadm asks as a service of its own, for which `protocol doveadm` blocks hold. */
const SERVICE: Partial<AuthConnection> = { service: 'doveadm' }

/** Logs in with PLAIN, as any client would: failure delay, `delay_until` and caches included. */
export async function testLogin(auth: AuthService, question: AuthQuestion, signal: AbortSignal): Promise<AuthAnswer> {
  const { connection } = connectionFrom(question.info, SERVICE)
  const outcome = await auth.authenticate(connection, plainExchange(question), signal)
  return answerOfOutcome(outcome, question.master ?? question.user)
}

/** Looks the user up without a password, as LMTP does. */
export async function lookupPassdb(
  auth: AuthService,
  question: AuthQuestion,
  signal: AbortSignal,
): Promise<AuthAnswer> {
  const { connection } = connectionFrom(question.info, SERVICE)
  return answerOfLookup(await auth.lookupPassdb(connection, question.user, signal))
}

function plainExchange({ user, master, password = '' }: AuthQuestion): SaslExchange {
  const message = master === undefined ? `\0${user}\0${password}` : `${user}\0${master}\0${password}`
  return {
    mechanism: 'PLAIN',
    initial: new Secret(message),
    challenge: async () => await Promise.reject(new Error('PLAIN has no challenge')),
    finish: async () => await Promise.resolve(),
    channelBinding: () => undefined,
  }
}

function answerOfOutcome(outcome: AuthOutcome, typed: string): AuthAnswer {
  if (outcome.kind === 'ok') {
    return { result: 'ok', fields: [['user', outcome.user], ...fieldsOf(outcome.fields), ...namesOf(outcome)] }
  }
  const user: readonly [string, string] = ['user', outcome.user ?? typed]
  const { why } = outcome
  if (why.kind === 'nologin' || why.kind === 'referral') return { result: 'ok', fields: [user, ...disabledFields(why)] }
  const code = CODES.get(why.kind)
  const reason = why.kind === 'failed' ? why.reason : undefined
  return {
    result: why.kind === 'temporary' ? 'temporary' : 'failed',
    fields: [
      user,
      ...(reason === undefined ? [] : [['reason', reason] as const]),
      ...(code === undefined ? [] : [['code', code] as const]),
    ],
  }
}

/** Other names of the user, told when there are any. */
function namesOf({ user, originalUser, masterUser }: Extract<AuthOutcome, { kind: 'ok' }>): [string, string][] {
  const names: [string, string][] = originalUser === user ? [] : [['original_user', originalUser]]
  return masterUser === undefined ? names : [...names, ['auth_user', masterUser]]
}

/** The `code` of Dovecot's auth protocol. */
const CODES: ReadonlyMap<AuthRefusal['kind'], string> = new Map<AuthRefusal['kind'], string>([
  ['temporary', 'temp_fail'],
  ['user-disabled', 'user_disabled'],
  ['password-expired', 'pass_expired'],
  ['authorization-failed', 'authz_fail'],
])

/** The password was right; it is the login process that turns these users away. */
function disabledFields(why: Extract<AuthRefusal, { kind: 'nologin' | 'referral' }>): AuthAnswer['fields'] {
  const fields: [string, string][] = [['nologin', '']]
  if (why.reason !== undefined) fields.push(['reason', why.reason])
  if (why.kind === 'nologin') return fields
  fields.push(['host', why.host])
  if (why.port !== undefined) fields.push(['port', String(why.port)])
  return fields
}

function answerOfLookup(lookup: PassdbLookup): AuthAnswer {
  switch (lookup.kind) {
    case 'found':
      return { result: 'ok', fields: [['user', lookup.user], ...lookupFields(lookup.fields)] }
    case 'unknown':
      return { result: 'unknown', fields: [] }
    case 'refused':
      return { result: lookup.why.kind === 'temporary' ? 'temporary' : 'unknown', fields: [] }
  }
}

function fieldsOf(fields: ReadonlyMap<string, string>): [string, string][] {
  // Dovecot sends the flag alone, whatever its value was.
  return [...fields].filter(([name]) => name !== 'user').map(([name, value]) => [name, name === 'proxy' ? '' : value])
}

/** A lookup has no local address to compare with: `proxy_maybe` is `proxy`. */
function lookupFields(fields: ReadonlyMap<string, string>): [string, string][] {
  const others = [...fields].filter(([name]) => name !== 'user' && name !== 'proxy_maybe')
  return fields.has('proxy_maybe') && !fields.has('proxy') ? [...others, ['proxy', '']] : others
}
