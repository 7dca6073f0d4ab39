import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthConnection, AuthOutcome, AuthService, PassdbLookup } from '../auth/auth.ts'
import { Cancellation } from '../util/cancellation.ts'
import { Secret } from '../util/secret.ts'
import { type HeldLogin, holdLogin } from './held-login.ts'
import { LoginHolds } from './holds.ts'

type Ok = Extract<AuthOutcome, { kind: 'ok' }>

const OUTCOME: Ok = {
  kind: 'ok',
  user: 'joe@example.org',
  originalUser: 'Joe',
  mechanism: 'PLAIN',
  fields: new Map([
    ['proxy', 'y'],
    ['host', 'old'],
    ['pass', 'typed'],
    ['ssl', 'yes'],
  ]),
  userdbFields: new Map(),
  secret: new Secret('typed'),
}

function found(fields: Record<string, string>): PassdbLookup {
  return { kind: 'found', user: OUTCOME.user, fields: new Map(Object.entries(fields)), userdbFields: new Map() }
}

/** A login that was held and released, with what the databases say then. */
async function held(
  answer: PassdbLookup,
  outcome: Ok = OUTCOME,
): Promise<{ end: HeldLogin; asked: string[]; flushed: unknown[]; holds: LoginHolds }> {
  const holds = new LoginHolds(
    () => 1000,
    () => undefined,
  )
  const asked: string[] = []
  const flushed: unknown[] = []
  const auth = {
    lookupPassdb: async (_connection: AuthConnection, user: string) => {
      asked.push(user)
      return await Promise.resolve(answer)
    },
    flushCache: (users: unknown) => flushed.push(users),
  } as unknown as AuthService
  holds.hold('m1', [outcome.user], 10_000)
  const cancellation = new Cancellation()
  const connection = {} as AuthConnection
  const end = holdLogin(holds, { auth, connection, outcome, sinceMs: 0, limitMs: () => 60_000, cancellation })
  holds.release('m1')
  return { end: await end, asked, flushed, holds }
}

function fieldsOf(end: HeldLogin): Record<string, string> {
  assert.equal(end.kind, 'go')
  return end.kind === 'go' ? Object.fromEntries(end.outcome.fields) : {}
}

test('a login that waited goes where the databases say now, with its own secret', async () => {
  const { end, asked, flushed, holds } = await held(found({ proxy: 'y', host: 'new' }))
  assert.deepEqual(fieldsOf(end), { proxy: 'y', host: 'new' })
  assert.ok(end.kind === 'go' && end.outcome.secret === OUTCOME.secret)
  assert.deepEqual(asked, ['Joe'], 'the name that was typed: auth_username_format is applied once')
  assert.deepEqual(flushed, [], 'the release forgot cached answers already')
  assert.equal(holds.state(OUTCOME.user).passing, 1)
})

test('where `pass` is the password itself, which a lookup does not know, the login keeps its own', async () => {
  const { end } = await held(found({ proxy: 'y', host: 'new', pass: '' }))
  assert.equal(fieldsOf(end)['pass'], 'typed')
})

test('a master login keeps what the master’s database said, but for the route', async () => {
  const fields = new Map([...OUTCOME.fields, ['hostip', '192.0.2.1'], ['master', 'admin']])
  const { end, asked } = await held(found({ proxy: 'y', host: 'new' }), { ...OUTCOME, masterUser: 'admin', fields })
  assert.deepEqual(fieldsOf(end), { proxy: 'y', host: 'new', pass: 'typed', ssl: 'yes', master: 'admin' })
  assert.deepEqual(asked, [OUTCOME.user])
})

const REFUSALS: readonly { answer: PassdbLookup; why: string; kind: string }[] = [
  { answer: { kind: 'unknown' }, why: 'the user was removed', kind: 'failed' },
  { answer: { kind: 'refused', why: { kind: 'temporary' } }, why: 'the database is down', kind: 'temporary' },
  { answer: found({ nologin: 'y' }), why: 'the account was closed', kind: 'nologin' },
]

for (const { answer, why, kind } of REFUSALS) {
  test(`a login that waited is refused when ${why} meanwhile`, async () => {
    const { end, holds } = await held(answer)
    assert.ok(end.kind === 'refused' && end.why.kind === kind)
    assert.equal(holds.state(OUTCOME.user).passing, 0)
  })
}

test('a login that read the old row and comes after the release forgets what it may have cached', async () => {
  const holds = new LoginHolds(
    () => 1000,
    () => undefined,
  )
  holds.hold('m1', [OUTCOME.user], 10_000)
  holds.release('m1')
  const flushed: unknown[] = []
  const auth = {
    lookupPassdb: async () => await Promise.resolve(found({ proxy: 'y', host: 'new' })),
    flushCache: (users: unknown) => flushed.push(users),
  } as unknown as AuthService
  const login = { auth, connection: {} as AuthConnection, outcome: OUTCOME, sinceMs: 500, limitMs: () => 60_000 }
  const end = await holdLogin(holds, { ...login, cancellation: new Cancellation() })
  assert.equal(fieldsOf(end)['host'], 'new')
  assert.deepEqual(flushed, [[OUTCOME.user]])
})
