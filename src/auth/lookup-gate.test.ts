import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LookupGate, LookupTimeout } from './lookup-gate.ts'
import { FakeClock } from './testing/fake-clock.ts'

const never = new AbortController().signal
const limits = { running: 2, waiting: 2, waitMs: 5000, lookupMs: 10_000 }

async function faultOf(lookup: unknown): Promise<string> {
  try {
    await lookup
    return 'none'
  } catch (error) {
    assert.ok(error instanceof LookupTimeout)
    return error.message
  }
}

test('an answer at once is passed on as it is', () => {
  assert.equal(
    new LookupGate(new FakeClock(), limits).run(() => 'now', never),
    'now',
  )
})

test('some run, some wait, more fail', async () => {
  const clock = new FakeClock()
  const gate = new LookupGate(clock, limits)
  const first = Promise.withResolvers<string>()
  const started: number[] = []
  const run = (number: number): unknown =>
    gate.run(() => {
      started.push(number)
      return number === 1 ? first.promise : new Promise<string>(() => undefined)
    }, never)
  const lookups = [1, 2, 3, 4, 5].map((number) => faultOf(run(number)))
  assert.deepEqual(started, [1, 2])
  assert.equal(await lookups[4], 'Too many lookups are waiting')
  first.resolve('done')
  await clock.advance(0)
  assert.deepEqual(started, [1, 2, 3])
  await clock.advance(5000)
  assert.equal(await lookups[3], 'Lookup was not started within 5 secs')
  await clock.advance(5000)
  assert.deepEqual(await Promise.all([lookups[1], lookups[2]]), [
    'Lookup timed out after 10 secs',
    'Lookup timed out after 10 secs',
  ])
  assert.equal(clock.timers, 0)
})

test('whoever leaves waits no longer, wherever they are; their place stays taken while the database works', async () => {
  const clock = new FakeClock()
  const gate = new LookupGate(clock, { ...limits, running: 1 })
  const slow = Promise.withResolvers<string>()
  const leaving = new AbortController()
  const running = faultOf(gate.run(() => slow.promise, leaving.signal))
  const waiting = faultOf(gate.run(() => slow.promise, leaving.signal))
  leaving.abort()
  assert.equal(await running, 'Lookup was cancelled')
  assert.equal(await waiting, 'Lookup was cancelled')
  assert.equal(await faultOf(gate.run(() => slow.promise, leaving.signal)), 'Lookup was cancelled')
  const next = gate.run(() => Promise.resolve('next'), never)
  await clock.advance(1000)
  slow.resolve('late')
  assert.equal(await next, 'next')
  await clock.advance(0)
  assert.equal(clock.timers, 0)
})

test('whoever waited and is answered at once lets the next one in', async () => {
  const gate = new LookupGate(new FakeClock(), { ...limits, waiting: 100 })
  const reading = Promise.withResolvers<string>()
  let isRead = false
  const ask = async (): Promise<string> => await gate.run(() => (isRead ? 'known' : reading.promise), never)
  const asked = Array.from({ length: 50 }, ask)
  isRead = true
  reading.resolve('read')
  const answers = await Promise.all(asked)
  assert.deepEqual(
    ['read', 'known'].map((answer) => answers.filter((one) => one === answer).length),
    [2, 48],
  )
})
