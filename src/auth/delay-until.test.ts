import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDelayUntil } from './delay-until.ts'

const NOW = 1_800_000_000_400
const SECOND = 1_800_000_000_000
const most = (limit: number): number => Math.max(0, limit - 1)

const rows: { value: string; expected: number | undefined | string; why: string }[] = [
  { value: '1800000010', expected: SECOND + 10_000, why: 'a time to come' },
  { value: '1800000010+5', expected: SECOND + 14_000, why: 'N is exclusive' },
  { value: '1800000010+0', expected: SECOND + 10_000, why: 'no randomness' },
  { value: '1800000010+1', expected: SECOND + 10_000, why: 'one value only' },
  { value: '1799999999', expected: undefined, why: 'the past' },
  { value: '1800000000+100', expected: undefined, why: 'now, and no random part' },
  { value: '0', expected: undefined, why: 'the beginning of time' },
  { value: '1800000300', expected: SECOND + 300_000, why: 'the limit' },
  { value: '1800000290+100', expected: SECOND + 300_000, why: 'the sum is capped' },
  {
    value: '1800000301',
    expected: 'delay_until timestamp 1800000301 is too much in the future, failing',
    why: 'beyond the limit',
  },
  { value: 'abc', expected: "Invalid delay_until timestamp 'abc'", why: 'no number' },
  { value: '', expected: "Invalid delay_until timestamp ''", why: 'empty' },
  { value: '1800000010+x', expected: "Invalid delay_until randomness number 'x'", why: 'no number behind the plus' },
  { value: '1800000010+', expected: "Invalid delay_until randomness number ''", why: 'nothing behind the plus' },
  { value: '9'.repeat(30), expected: `Invalid delay_until timestamp '${'9'.repeat(30)}'`, why: 'too long for a time' },
]

for (const { value, expected, why } of rows) {
  test(`delay_until=${value}: ${why}`, () => {
    const parsed = parseDelayUntil(value, NOW, most)
    assert.deepEqual(
      parsed,
      typeof expected === 'string' ? { ok: false, error: expected } : { ok: true, untilMs: expected },
    )
  })
}
