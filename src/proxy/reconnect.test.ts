import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyFailureClass } from '../protocols/proxy-failure.ts'
import { mayReconnect, RECONNECT_PAUSE_MS } from './reconnect.ts'

/** Plays a backend that fails `failsAfterMs` after each connect. */
function play(
  failure: ProxyFailureClass,
  timeoutMs: number,
  failsAfterMs = 0,
  maxReconnects = 3,
): { made: number; secs: number } {
  let nowMs = 0
  for (let made = 1; ; made++) {
    nowMs += failsAfterMs
    if (!mayReconnect(failure, { made, startedMs: 0, nowMs, timeoutMs, maxReconnects }))
      return { made, secs: nowMs / 1000 }
    nowMs += RECONNECT_PAUSE_MS
  }
}

const budgets: readonly {
  why: string
  timeoutMs: number
  failsAfterMs?: number
  max?: number
  is: { made: number; secs: number }
}[] = [
  { why: 'the default ends after three reconnects', timeoutMs: 30_000, is: { made: 4, secs: 3 } },
  { why: 'proxy_timeout=2', timeoutMs: 2_000, is: { made: 2, secs: 1 } },
  { why: 'proxy_timeout=3', timeoutMs: 3_000, is: { made: 3, secs: 2 } },
  { why: 'proxy_timeout=1', timeoutMs: 1_000, is: { made: 1, secs: 0 } },
  { why: 'a timeout used the budget up', timeoutMs: 2_000, failsAfterMs: 2_000, is: { made: 1, secs: 2 } },
  { why: 'login_proxy_max_reconnects=0', timeoutMs: 30_000, max: 0, is: { made: 1, secs: 0 } },
  { why: 'login_proxy_max_reconnects=10', timeoutMs: 30_000, max: 10, is: { made: 11, secs: 10 } },
]

for (const { why, timeoutMs, failsAfterMs, max, is } of budgets) {
  test(`how often a dead backend is tried: ${why} [row 14]`, () => {
    assert.deepEqual(play('connect', timeoutMs, failsAfterMs, max), is)
  })
}

test('only what may pass is tried again', () => {
  const classes: readonly [ProxyFailureClass, number][] = [
    ['connect', 4],
    ['remote', 4],
    ['protocol', 4],
    ['auth-temp', 4],
    ['internal', 1],
    ['internal-config', 1],
    ['remote-config', 1],
    ['auth', 1],
  ]
  for (const [failure, made] of classes) assert.equal(play(failure, 30_000).made, made, failure)
})
