import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryOf, expiryRight, parseExpiry } from './expiry.ts'

const times: [text: string, iso: string | undefined, why: string][] = [
  ['2026-12-31', '2026-12-31T23:59:59.000Z', 'a date lasts until its end'],
  ['2026-12-31T12:00:00Z', '2026-12-31T12:00:00.000Z', 'a time'],
  ['2026-12-31T12:00:00+02:00', '2026-12-31T10:00:00.000Z', 'a time with its zone'],
  ['2026-12-31T12:00:00', undefined, 'whose noon?'],
  ['2026-02-31T12:00:00Z', '2026-03-03T12:00:00.000Z', 'days count on'],
  ['2026-13-01', undefined, 'no such month'],
  ['tomorrow', undefined, 'words'],
  ['', undefined, 'nothing'],
]

for (const [text, iso, why] of times) {
  test(`until ${JSON.stringify(text)}: ${why}`, () => {
    const atMs = parseExpiry(text)
    assert.equal(atMs === undefined ? undefined : new Date(atMs).toISOString(), iso)
  })
}

test('what is written is read again', () => {
  const atMs = Date.UTC(2026, 11, 31, 23, 59, 59)
  assert.equal(expiryRight(atMs), 'until=2026-12-31T23:59:59Z')
  assert.equal(expiryOf([expiryRight(atMs)]), atMs)
})

test('the earliest of several counts, and one that cannot be read has passed', () => {
  assert.equal(expiryOf(['lookup', 'until=2027-01-02', 'until=2027-01-01']), Date.UTC(2027, 0, 1, 23, 59, 59))
  assert.equal(expiryOf(['until=soon', 'until=2027-01-01']), 0)
  assert.equal(expiryOf(['lookup']), undefined)
})
