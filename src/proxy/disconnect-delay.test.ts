import assert from 'node:assert/strict'
import test from 'node:test'
import { DisconnectDelay } from './disconnect-delay.ts'

/** A clock that goes when told. */
function fakeClock(random = 0) {
  let nowMs = 50_000
  const timers: { atMs: number; run: () => void }[] = []
  return {
    timers,
    clock: {
      now: () => nowMs,
      after: (ms: number, run: () => void) => timers.push({ atMs: nowMs + ms, run }),
      random: () => random,
    },
    advance: (ms: number) => {
      nowMs += ms
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.run()
        else timers.push(timer)
      }
    },
  }
}

const B1 = '10.0.0.1:143'

/** Loses `lost` of `sessions` at once and says after how many milliseconds each client is cut. */
function loseAtOnce(sessions: number, lost: number, maxDelayMs: number, random = 0): number[] {
  const { clock } = fakeClock(random)
  const delays = new DisconnectDelay(maxDelayMs, clock)
  for (let i = 0; i < sessions; i++) delays.opened(B1)
  return Array.from({ length: lost }, () => {
    const delay = delays.delay(B1, () => undefined)
    delays.closed(B1)
    return delay
  })
}

test('clients of a lost backend are cut evenly over the delay [row 36]', () => {
  const rows: { why: string; sessions: number; lost: number; maxDelayMs: number; random?: number; delays: number[] }[] =
    [
      { why: 'off', sessions: 3, lost: 3, maxDelayMs: 0, delays: [0, 0, 0] },
      { why: 'a single one', sessions: 1, lost: 1, maxDelayMs: 30_000, delays: [0] },
      {
        why: 'three a second for four seconds',
        sessions: 12,
        lost: 12,
        maxDelayMs: 4_000,
        delays: [0, 0, 0, 1300, 1600, 2000, 2300, 2600, 3000, 3300, 3600, 4000],
      },
      {
        why: 'the start differs from process to process',
        sessions: 4,
        lost: 4,
        maxDelayMs: 2_000,
        random: 0.68,
        delays: [0, 0, 1568, 2068],
      },
      { why: 'fewer than a second each', sessions: 2, lost: 2, maxDelayMs: 10_000, delays: [0, 10_000] },
      { why: 'only some are lost: kicked', sessions: 10, lost: 3, maxDelayMs: 10_000, delays: [0, 2000, 3000] },
    ]
  for (const { why, sessions, lost, maxDelayMs, random, delays } of rows) {
    assert.deepEqual(loseAtOnce(sessions, lost, maxDelayMs, random), delays, why)
  }
})

test('ten thousand clients are cut in steps of 100 ms, each with one timer', () => {
  const { clock, timers, advance } = fakeClock()
  const delays = new DisconnectDelay(30_000, clock)
  for (let i = 0; i < 10_000; i++) delays.opened(B1)
  let atOnce = 0
  let cut = 0
  for (let i = 0; i < 10_000; i++) {
    if (delays.delay(B1, () => cut++) === 0) atOnce++
    delays.closed(B1)
  }
  assert.equal(atOnce, 334)
  assert.ok(timers.length <= 300)
  const perSecond: number[] = []
  for (let second = 0; second < 31; second++) {
    const before = cut
    for (let step = 0; step < 10; step++) advance(100)
    perSecond.push(cut - before)
  }
  assert.equal(atOnce + cut, 10_000)
  assert.ok(Math.max(...perSecond) <= 340)
  assert.equal(timers.length, 0)
})

test('users who log out one by one wait for nothing', () => {
  const { clock, advance } = fakeClock()
  const delays = new DisconnectDelay(30_000, clock)
  for (let i = 0; i < 100; i++) delays.opened(B1)
  for (let i = 0; i < 500; i++) {
    advance(1_000)
    assert.equal(
      delays.delay(B1, () => undefined),
      0,
      `number ${i}`,
    )
    delays.closed(B1)
    delays.opened(B1)
  }
})

test('a backend that is lost after a quiet hour is a wave of its own', () => {
  const { clock, advance } = fakeClock()
  const delays = new DisconnectDelay(10_000, clock)
  delays.opened(B1)
  assert.equal(
    delays.delay(B1, () => undefined),
    0,
  )
  for (let i = 0; i < 20; i++) delays.opened(B1)
  advance(3_600_000)
  const given = Array.from({ length: 5 }, () => delays.delay(B1, () => undefined))
  assert.deepEqual(given, [0, 0, 0, 1900, 2300])
})

test('backends are spread each for itself', () => {
  const { clock } = fakeClock()
  const delays = new DisconnectDelay(2_000, clock)
  for (const backend of [B1, B1, '10.0.0.2:143', '10.0.0.2:143']) delays.opened(backend)
  const given = [B1, '10.0.0.2:143', B1, '10.0.0.2:143'].map((backend) => delays.delay(backend, () => undefined))
  assert.deepEqual(given, [0, 0, 2000, 2000])
})
