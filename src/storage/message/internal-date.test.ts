import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInternalDate, parseInternalDate } from './internal-date.ts'

const moment = Date.UTC(1996, 6, 17, 9, 44, 25)

test('a date-time of APPEND is read', () => {
  assert.equal(parseInternalDate('17-Jul-1996 02:44:25 -0700'), moment)
  assert.equal(parseInternalDate(' 1-jan-1970 00:00:00 +0000'), 0)
})

for (const text of [
  '17-Jul-1996',
  '31-Feb-1996 02:44:25 -0700',
  '17-Foo-1996 02:44:25 -0700',
  '17-Jul-1996 25:00:00 +0000',
  '',
]) {
  test(`${JSON.stringify(text)} is no date-time`, () => assert.equal(parseInternalDate(text), undefined))
}

test('INTERNALDATE shows the clock of a zone', () => {
  assert.equal(formatInternalDate(moment, -420), '17-Jul-1996 02:44:25 -0700')
  assert.equal(formatInternalDate(0, 90), '01-Jan-1970 01:30:00 +0130')
  assert.equal(parseInternalDate(formatInternalDate(moment)), moment)
})
