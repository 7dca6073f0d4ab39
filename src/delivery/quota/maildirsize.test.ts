import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMaildirsize, writeMaildirsize } from './maildirsize.ts'

const LIMIT = { sizeBytes: 1400, messages: 0 }
const MINUTE_MS = 60_000

test('a file is believed when Dovecot believes it', () => {
  const rows: { why: string; text: string; ageMs?: number; used?: readonly [number, number] }[] = [
    { why: 'lines are added up', text: '1400S\n100 1\n200 2\n', used: [300, 3] },
    { why: 'with signs and blanks', text: '1400S\n  +100    +1\n -30   0\n', used: [70, 1] },
    { why: 'what is behind the numbers is nothing', text: '1400S\n100 1 x\n', used: [100, 1] },
    { why: 'however old it is', text: '1400S\n100 1\n', ageMs: 1e12, used: [100, 1] },
    { why: 'full, one line, counted lately', text: '1400S\n2000 3\n', ageMs: 14 * MINUTE_MS, used: [2000, 3] },
    { why: 'full, one line, not lately', text: '1400S\n2000 3\n', ageMs: 15 * MINUTE_MS },
    { why: 'full, two lines', text: '1400S\n1000 1\n1000 1\n' },
    { why: 'exactly full is not over', text: '1400S\n700 1\n700 1\n', used: [1400, 2] },
    { why: 'a line that is being written', text: '1400S\n100 1\n200 1', used: [100, 1] },
    { why: 'only a header', text: '1400S\n', used: [0, 0] },
    { why: 'a header that is being written', text: '1400S' },
    { why: 'nothing', text: '' },
    { why: 'limits in another order', text: '0C,1400S\n100 1\n', used: [100, 1] },
    { why: 'a limit we do not know', text: '1400S,3X\n100 1\n', used: [100, 1] },
    { why: 'other limits', text: '1400S,5C\n100 1\n' },
    { why: 'no limits', text: 'xyz\n100 1\n' },
    { why: 'no numbers', text: '1400S\n100 1\nabc\n' },
    { why: 'one number', text: '1400S\n100 1\n5\n' },
    { why: 'an empty line', text: '1400S\n100 1\n\n200 1\n' },
    { why: 'less than nothing', text: '1400S\n100 1\n-200 -2\n' },
    { why: 'fewer than none', text: '1400S\n100 1\n0 -2\n' },
    { why: 'as long as it may be', text: `1400S\n${'1 0\n'.repeat(1278)}`, used: [1278, 0] },
    { why: 'too long', text: `1400S\n10 0\n${'1 0\n'.repeat(1278)}` },
  ]
  for (const { why, text, ageMs = 0, used } of rows) {
    const [sizeBytes, messages] = used ?? []
    assert.deepEqual(readMaildirsize({ text, ageMs }, LIMIT), used && { sizeBytes, messages }, why)
  }
})

test('limits are written as Dovecot writes them', () => {
  const used = { sizeBytes: 918, messages: 6 }
  const rows: readonly (readonly [sizeBytes: number, messages: number, header: string])[] = [
    [1400, 0, '1400S'],
    [1000, 10, '1000S,10C'],
    [0, 10, '10C'],
    [0, 0, '0S'],
  ]
  for (const [sizeBytes, messages, header] of rows)
    assert.equal(writeMaildirsize({ sizeBytes, messages }, used), `${header}\n918 6\n`)
})
