import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthOutcome, InvalidBase64 } from './auth.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { openTestAuth, testConnection, type TestAuth } from './testing/open-auth.ts'
import { block, refusal, users } from './testing/service-options.ts'

const never = new AbortController().signal

async function openDelayed(
  conf: string,
  files: Readonly<Record<string, string>> = {},
): Promise<TestAuth & { clock: FakeClock }> {
  const clock = new FakeClock()
  return { ...(await openTestAuth({ conf: `auth_failure_delay = 2 secs\n${conf}`, files, clock })), clock }
}

async function answeredAfter(
  db: { clock: FakeClock },
  login: Promise<AuthOutcome>,
): Promise<{ ms: number; outcome: AuthOutcome }> {
  const start = db.clock.now()
  let answer: { ms: number; outcome: AuthOutcome } | undefined
  void login.then((outcome) => (answer = { ms: db.clock.now() - start, outcome }))
  for (let i = 0; answer === undefined && i < 1000; i++) await db.clock.advance(500)
  assert.ok(answer)
  return answer
}

test('failures wait two seconds and to the next half second, successes do not', async (t) => {
  const db = await openDelayed(block('passdb', 'passwd-file', 'scheme=plain /users'), { '/users': 'joe:{PLAIN}s\n' })
  t.after(() => db.auth.close())
  await db.login('joe', 's')
  assert.equal((await answeredAfter(db, db.login('joe', 'wrong'))).ms, 2000)
  assert.equal((await answeredAfter(db, db.login('nobody', 'wrong'))).ms, 2000)
  assert.equal((await answeredAfter(db, db.login('a b', 'wrong'))).ms, 2000)
})

test('temporary failures wait too', async (t) => {
  const db = await openDelayed(block('passdb', 'static', 'password=%z'))
  t.after(() => db.auth.close())
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 'x'))
  assert.deepEqual(refusal(outcome), { kind: 'temporary' })
  assert.equal(ms, 2000)
})

test('nodelay of a database that counts is told at once', async (t) => {
  const db = await openDelayed(
    block('passdb', 'static', 'password=s nodelay', 'result_success = continue') + users().conf,
    { '/users': 'jane:{PLAIN}x\n' },
  )
  t.after(() => db.auth.close())
  assert.deepEqual(refusal(await db.login('joe', 's')), { kind: 'failed' })
})

test('delay_until holds a good login back, and only that', async (t) => {
  const clock = new FakeClock(1_800_000_000_000)
  const db = {
    ...(await openTestAuth({
      ...users('joe:{PLAIN}s:::::: delay_until=1800000005+3', 'old:{PLAIN}s:::::: delay_until=1700000000+3'),
      clock,
    })),
    clock,
  }
  t.after(() => db.auth.close())
  assert.equal((await db.login('old', 's')).kind, 'ok')
  assert.equal((await db.login('joe', 'x')).kind, 'refused')
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 's'))
  assert.equal(outcome.kind, 'ok')
  assert.equal(ms, 5000)
  assert.equal((await db.auth.lookupPassdb(testConnection, 'joe', never)).kind, 'found')
})

test('a client that leaves does not wait for its failure or its delay', async (t) => {
  const db = await openDelayed(users().conf, { '/users': 'joe:{PLAIN}s:::::: delay_until=1800000100\n' })
  t.after(() => db.auth.close())
  for (const password of ['s', 'wrong']) {
    const leaving = new AbortController()
    const login = db.login('joe', password, { signal: leaving.signal })
    await db.clock.advance(0)
    leaving.abort()
    await login
  }
  await db.clock.advance(1000)
  assert.equal(db.clock.timers, 0)
})

test('what the client breaks off is told at once, in its own words', async (t) => {
  const db = await openDelayed(`auth_mechanisms = login\n${users().conf}`, { '/users': 'joe:{PLAIN}s\n' })
  t.after(() => db.auth.close())
  const { SaslAborted } = await import('../sasl/mechanism.ts')
  for (const [fault, expected] of [
    [new SaslAborted(), { kind: 'aborted' }],
    [new InvalidBase64(), { kind: 'invalid-base64', initial: false }],
    [new Error('connection lost'), { kind: 'aborted' }],
  ] as const) {
    const outcome = await db.auth.authenticate(
      testConnection,
      {
        mechanism: 'LOGIN',
        initial: undefined,
        challenge: () => Promise.reject(fault),
        finish: () => Promise.resolve(),
        channelBinding: () => undefined,
      },
      never,
    )
    assert.deepEqual(refusal(outcome), expected)
  }
  assert.deepEqual(db.log, [])
})

test('a driver that never answers is a temporary failure in the end', async (t) => {
  const clock = new FakeClock()
  const silent = {
    name: 'static',
    open: () => ({
      defaultScheme: 'PLAIN',
      lookup: () => new Promise<never>(() => undefined),
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
  const db = {
    ...(await openTestAuth({
      conf: block('passdb', 'static', 'password=s'),
      input: { passdbDrivers: [silent] },
      clock,
    })),
    clock,
  }
  t.after(() => db.auth.close())
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 's'))
  assert.deepEqual(refusal(outcome), { kind: 'temporary' })
  assert.equal(ms, 60_000)
  assert.deepEqual(db.log, ['error auth: static(joe,198.51.100.7,<sess>): Lookup timed out after 60 secs'])
})
