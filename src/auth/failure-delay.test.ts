import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureDelay } from './failure-delay.ts'
import { FakeClock } from './testing/fake-clock.ts'

const never = new AbortController().signal

test('a failure waits for its delay and then for the next tick', async () => {
  const clock = new FakeClock(0)
  const delay = new FailureDelay(clock, () => 0)
  let released = -1
  await clock.advance(100)
  const waiting = delay.wait(2000, never).then(() => (released = clock.now()))
  await clock.advance(2000)
  assert.equal(released, 2100)
  await waiting
})

test('a failure between ticks waits for the next one', async () => {
  const clock = new FakeClock(0)
  const delay = new FailureDelay(clock, () => 0)
  const released: [string, number][] = []
  void delay.wait(2000, never).then(() => released.push(['first', clock.now()]))
  await clock.advance(250)
  void delay.wait(2000, never).then(() => released.push(['second', clock.now()]))
  await clock.advance(3000)
  assert.deepEqual(released, [
    ['first', 2000],
    ['second', 2500],
  ])
})

test('failures that are due together are told in random order', async () => {
  const clock = new FakeClock(0)
  const delay = new FailureDelay(clock, () => 0)
  const released: number[] = []
  for (let i = 0; i < 4; i++) void delay.wait(2000, never).then(() => released.push(i))
  await clock.advance(2000)
  // Fisher-Yates with zeros only.
  assert.deepEqual(released, [1, 2, 3, 0])
})

test('no delay is no wait, and a client that leaves stops waiting', async () => {
  const clock = new FakeClock(0)
  const delay = new FailureDelay(clock, () => 0)
  await delay.wait(0, never)
  const leaving = new AbortController()
  const waiting = delay.wait(2000, leaving.signal)
  leaving.abort()
  await waiting
  await delay.wait(2000, leaving.signal)
  await clock.advance(5000)
  assert.equal(clock.timers, 0)
})

test('closing lets everybody go', async () => {
  const clock = new FakeClock(0)
  const delay = new FailureDelay(clock, () => 0)
  const waiting = [delay.wait(2000, never), delay.wait(3000, never)]
  delay.flush()
  await Promise.all(waiting)
  assert.equal(clock.timers, 0)
})
