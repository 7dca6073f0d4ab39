import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDate, sentClockSeconds } from './date.ts'

const noon = Date.UTC(2024, 0, 13, 12) / 1000
const rows: ReadonlyArray<readonly [why: string, value: string, seconds: number | undefined, offsetMinutes?: number]> =
  [
    ['RFC 5322', 'Sat, 13 Jan 2024 12:00:00 +0000', noon, 0],
    ['a zone', 'Sat, 13 Jan 2024 13:30:00 +0130', noon, 90],
    ['no weekday, no seconds', '13 Jan 2024 12:00 GMT', noon, 0],
    ['a railway zone', '13 Jan 2024 07:00:00 EST', noon, -300],
    ['a military zone', '13 Jan 2024 13:00:00 A', noon, 60],
    ['two digits of a year', '13 Jan 24 12:00:00 +0000', noon, 0],
    ['a comment', '13 Jan 2024 12:00:00 +0000 (UTC)', noon, 0],
    ['dots in the time', '13 Jan 2024 12.00.00 +0000', noon, 0],
    ['a leap second', '13 Jan 2024 11:59:60 +0000', noon - 1, 0],
    ['before 1970', '31 Dec 1969 00:00:00 +0000', -86_400, 0],
    ['no such day', '31 Feb 2024 12:00:00 +0000', undefined],
    ['no such hour', '13 Jan 2024 24:00:00 +0000', undefined],
    ['asctime', 'Sat Jan 13 12:00:00 2024', undefined],
    ['nothing', '', undefined],
  ]

for (const [why, value, seconds, offsetMinutes = 0] of rows) {
  test(`${why}: ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseDate(value), seconds === undefined ? undefined : { seconds, offsetMinutes })
  })
}

test('SENTON asks what the clock of the sender showed; unreadable dates are from 1970', () => {
  assert.equal(sentClockSeconds({ seconds: noon, offsetMinutes: 90 }), noon + 5400)
  assert.equal(sentClockSeconds(undefined), 0)
})
