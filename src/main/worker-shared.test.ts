import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConnectionCounts, connectionKey } from '../cluster/connections.ts'
import type { SharedFromWorker } from './shared-messages.ts'
import { WorkerShared } from './worker-shared.ts'

const joe = { service: 'imap', ip: '192.0.2.1', user: 'joe' }
const KEY = connectionKey('imap', '192.0.2.1', 'joe')

/** A worker, and a supervisor that answers when the test says so. */
function start(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const counts = new ConnectionCounts()
  const told: SharedFromWorker[] = []
  const shared = new WorkerShared((message) => told.push(message))
  const supervise = (): void => {
    for (const message of told.splice(0)) {
      if (message.kind === 'leave') counts.leave('1', message.key)
      if (message.kind !== 'enter') continue
      shared.hear({ kind: 'entered', id: message.id, isFree: counts.enter('1', message.key, message.limit) })
    }
  }
  return { counts, shared, supervise }
}

for (const order of ['before', 'behind'] as const) {
  test(`who is let in as nobody answers, and was not counted, takes no other's place along: leaving ${order} the answer`, async (t) => {
    const { counts, shared, supervise } = start(t)
    const first = shared.enter(joe, 1)
    supervise()
    const leaveFirst = await first
    assert.ok(leaveFirst)
    const second = shared.enter(joe, 1)
    mock.timers.tick(2_000)
    const leaveSecond = await second
    assert.ok(leaveSecond, 'nobody is refused for a slow supervisor')
    if (order === 'behind') supervise()
    leaveSecond()
    leaveSecond()
    await turn()
    supervise()
    await turn()
    supervise()
    assert.equal(counts.count(KEY), 1)
    leaveFirst()
    await turn()
    supervise()
    assert.equal(counts.count(KEY), 0)
  })
}

test('who is let in as nobody answers, and was counted, is taken back', async (t) => {
  const { counts, shared, supervise } = start(t)
  const entering = shared.enter(joe, 1)
  mock.timers.tick(2_000)
  const leave = await entering
  assert.ok(leave)
  supervise()
  assert.equal(counts.count(KEY), 1)
  leave()
  await turn()
  supervise()
  assert.equal(counts.count(KEY), 0)
})
