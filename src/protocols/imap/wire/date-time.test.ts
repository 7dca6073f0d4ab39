import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { parseDateTime, parseDay, writeDateTime } from './date-time.ts'

test('date-times are read with their zone', () => {
  assert.equal(parseDateTime('01-Feb-2020 10:11:12 +0100'), Date.UTC(2020, 1, 1, 9, 11, 12))
  assert.equal(parseDateTime(' 1-feb-2020 10:11:12 -0830'), Date.UTC(2020, 1, 1, 18, 41, 12))
})

test('what is no date-time is none', () => {
  for (const text of [
    '',
    '1-Feb-2020 10:11:12',
    '30-Feb-2020 10:11:12 +0100',
    '01-Foo-2020 10:11:12 +0100',
    '01-Feb-2020 24:11:12 +0100',
    '01-Feb-2020 10:11:12',
    '01-Feb-20 10:11:12 +0100',
  ]) {
    assert.equal(parseDateTime(text), undefined, text)
  }
})

test('a moment survives being written and read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      assert.equal(parseDateTime(writeDateTime(seconds * 1000)), seconds * 1000)
    }),
  )
})

test('days of SEARCH count on behind the end of a month, as in Dovecot', () => {
  assert.equal(parseDay('1-Jan-1970'), 0)
  assert.equal(parseDay('30-Feb-2020'), parseDay('1-Mar-2020'))
  assert.equal(parseDay('1-Foo-2020'), undefined)
  assert.equal(parseDay('1-Jan-70'), undefined)
})
