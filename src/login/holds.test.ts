import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { HOLD_LIMITS, LoginHolds, type Passage } from './holds.ts'

const NEVER = new AbortController().signal
const LONG = (): number => 180_000

function open(): { holds: LoginHolds; expired: string[][]; at: (ms: number) => void } {
  let nowMs = 1_000_000
  const expired: string[][] = []
  return {
    holds: new LoginHolds(
      () => nowMs,
      (users) => expired.push([...users]),
    ),
    expired,
    at: (ms) => void (nowMs = ms),
  }
}

async function kindOf(passage: Passage | Promise<Passage>): Promise<string> {
  return (await passage).kind
}

test('a user whom nobody holds goes on at once, and counts until it has arrived', () => {
  const { holds } = open()
  const passage = holds.pass('joe', 0, LONG, NEVER)
  assert.ok(!(passage instanceof Promise) && passage.kind === 'free')
  assert.deepEqual(holds.state('joe'), { waiting: 0, passing: 1 })
  passage.leave()
  assert.deepEqual(holds.state('joe'), { waiting: 0, passing: 0 })
})

test('a held login waits, others do not, and a release tells it that its route is old', async () => {
  const { holds } = open()
  assert.equal(holds.hold('m1', ['joe'], 10_000), undefined)
  const waiting = holds.pass('joe', 0, LONG, NEVER)
  assert.equal(await kindOf(holds.pass('jane', 0, LONG, NEVER)), 'free')
  assert.deepEqual(holds.state('joe'), { waiting: 1, passing: 0 })
  assert.equal(holds.release('m1'), 1)
  const passage = await waiting
  assert.ok(passage.kind === 'stale' && passage.waited)
  assert.deepEqual(holds.state('joe'), { waiting: 0, passing: 1 })
})

test('a login that began before the release and came after it knows an old route, a later one does not', async () => {
  const { holds, at } = open()
  at(1000)
  holds.hold('m1', ['joe'], 10_000)
  at(2000)
  holds.release('m1')
  assert.equal(await kindOf(holds.pass('joe', 1999, LONG, NEVER)), 'stale')
  assert.equal(await kindOf(holds.pass('joe', 2001, LONG, NEVER)), 'free')
})

test('releases are forgotten when no login can have begun before them', async () => {
  const { holds, at } = open()
  at(1000)
  holds.hold('m1', ['joe'], 10_000)
  holds.release('m1')
  at(1000 + HOLD_LIMITS.rememberMs + 1)
  holds.hold('m2', ['jane'], 10_000)
  holds.release('m2')
  assert.equal(await kindOf(holds.pass('joe', 0, LONG, NEVER)), 'free')
})

test('a second hold of the same user is refused and changes nothing', async () => {
  const { holds } = open()
  holds.hold('m1', ['joe'], 10_000)
  assert.equal(holds.hold('m2', ['jane', 'joe'], 10_000), 'joe')
  assert.equal(await kindOf(holds.pass('jane', 0, LONG, NEVER)), 'free')
  holds.release('m1')
})

test('a hold that nobody renews is released, and whoever set it up is told first', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { holds, expired } = open()
  holds.hold('m1', ['joe'], 10_000)
  mock.timers.tick(9000)
  holds.hold('m1', ['joe'], 10_000)
  mock.timers.tick(9000)
  assert.deepEqual(expired, [])
  const waiting = holds.pass('joe', 0, LONG, NEVER)
  mock.timers.tick(1001)
  assert.deepEqual(expired, [['joe']])
  assert.equal(await kindOf(waiting), 'stale')
  assert.equal(holds.release('m1'), 0)
})

const ENDS: readonly { why: string; limitMs: number; tickMs: number }[] = [
  { why: 'the limit of holds', limitMs: 900_000, tickMs: HOLD_LIMITS.waitMs },
  {
    why: 'the client’s own time, less what the backend needs',
    limitMs: 60_000,
    tickMs: 60_000 - HOLD_LIMITS.reserveMs,
  },
]

for (const { why, limitMs, tickMs } of ENDS) {
  test(`a login waits no longer than ${why}`, async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const { holds } = open()
    holds.hold('m1', ['joe'], HOLD_LIMITS.expireMs)
    const waiting = holds.pass('joe', 0, () => limitMs, NEVER)
    for (let passed = 0; passed < tickMs; passed += 10_000) {
      assert.equal(holds.state('joe').waiting, 1)
      holds.hold('m1', ['joe'], HOLD_LIMITS.expireMs)
      mock.timers.tick(10_000)
    }
    assert.equal(await kindOf(waiting), 'too-long')
    assert.deepEqual(holds.state('joe'), { waiting: 0, passing: 0 })
  })
}

test('a client that leaves waits no longer', async () => {
  const { holds } = open()
  const gone = new AbortController()
  holds.hold('m1', ['joe'], 10_000)
  const waiting = holds.pass('joe', 0, LONG, gone.signal)
  gone.abort()
  assert.equal(await kindOf(waiting), 'too-long')
  assert.equal(holds.release('m1'), 0)
})

test('a spread release lets logins go one by one, and a new hold catches those that are left', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { holds } = open()
  holds.hold('m1', ['joe'], 10_000)
  const waiting = holds.pass('joe', 0, LONG, NEVER)
  holds.release('m1', 5000)
  holds.hold('m2', ['joe'], 10_000)
  mock.timers.tick(5000)
  await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(holds.state('joe'), { waiting: 1, passing: 0 })
  holds.release('m2')
  assert.equal(await kindOf(waiting), 'stale')
})
