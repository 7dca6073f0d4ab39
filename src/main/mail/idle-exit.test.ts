import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { IdleExit } from './idle-exit.ts'

const IDLE_MS = 10_000
const LINGER_MS = 5_000

function exitFor(t: TestContext, idleMs = IDLE_MS) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const events: string[] = []
  const exit = new IdleExit({
    idleMs,
    onLeaving: () => events.push('leaving'),
    onEnd: () => events.push('end'),
  })
  exit.addLeaver(() => events.push('told'))
  return { exit, events, pass: (ms: number) => t.mock.timers.tick(ms) }
}

test('a process nobody uses says that it leaves, and ends a while later', (t) => {
  const { events, pass } = exitFor(t)
  pass(IDLE_MS - 1)
  assert.deepEqual(events, [])
  pass(1)
  assert.deepEqual(events, ['leaving', 'told'])
  pass(LINGER_MS)
  assert.deepEqual(events, ['leaving', 'told', 'end'])
})

test('one that has only begun waits for whom it was started, however short its time is later', (t) => {
  const { exit, events, pass } = exitFor(t, 20)
  pass(4_999)
  assert.deepEqual(events, [])
  exit.enter()
  exit.leave()
  pass(19)
  assert.deepEqual(events, [])
  pass(1)
  assert.deepEqual(events, ['leaving', 'told'])
})

test('who comes too late to be told is told at once', (t) => {
  const { exit, events, pass } = exitFor(t)
  pass(IDLE_MS)
  exit.addLeaver(() => events.push('told late'))
  assert.deepEqual(events, ['leaving', 'told', 'told late'])
})

test('a user keeps it, and the time begins anew after the last one', (t) => {
  const { exit, events, pass } = exitFor(t)
  exit.enter()
  exit.enter()
  exit.leave()
  pass(10 * IDLE_MS)
  assert.equal(exit.users, 1)
  exit.leave()
  pass(IDLE_MS - 1)
  assert.deepEqual(events, [])
  pass(1)
  assert.deepEqual(events, ['leaving', 'told'])
})

test('who comes while it is leaving is served to the end', (t) => {
  const { exit, events, pass } = exitFor(t)
  pass(IDLE_MS)
  exit.enter()
  pass(10 * LINGER_MS)
  assert.deepEqual(events, ['leaving', 'told'])
  exit.leave()
  pass(LINGER_MS)
  assert.deepEqual(events, ['leaving', 'told', 'end'])
})
