import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { workedMs } from '../../../../test/support/worked.ts'
import { inSequenceSet, parseSequenceSet, STAR, writeSequenceSet } from './sequence-set.ts'

const SETS = [
  { text: '1', is: [[1, 1]], why: 'one number' },
  {
    text: '1:3,5',
    is: [
      [1, 3],
      [5, 5],
    ],
    why: 'ranges and numbers',
  },
  { text: '3:1', is: [[1, 3]], why: 'ranges may be backwards' },
  {
    text: '5,1',
    is: [
      [1, 1],
      [5, 5],
    ],
    why: 'numbers come in any order',
  },
  { text: '1,2,3', is: [[1, 3]], why: 'neighbours are one range' },
  { text: '2:6,1:3', is: [[1, 6]], why: 'ranges may overlap' },
  { text: '*', is: [[STAR, STAR]], why: 'the last one' },
  { text: '*:4', is: [[4, STAR]], why: 'backwards with a star' },
  { text: '1:4294967295,*', is: [[1, STAR]], why: 'the largest number is no star, but next to it' },
  { text: '1,', is: [[1, 1]], why: 'Dovecot takes a comma at the end' },
] as const

test('sequence sets are ascending ranges', () => {
  for (const { text, is, why } of SETS) assert.deepEqual(parseSequenceSet(text), is, why)
})

test('what is no sequence set is none', () => {
  for (const text of [
    '',
    '0',
    'a',
    '1:',
    ':1',
    '1,,2',
    ',1',
    '1:2:3',
    '-1',
    '1 2',
    '4294967296',
    '$',
    '1:0',
    '1.5',
    '٣',
  ]) {
    assert.equal(parseSequenceSet(text), undefined, text)
  }
})

test('numbers survive being written and read', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (numbers) => {
      const ascending = numbers.toSorted((a, b) => a - b)
      const set = parseSequenceSet(writeSequenceSet(ascending))
      assert.ok(set !== undefined)
      const named = Array.from({ length: 300 }, (_, i) => i + 1).filter((one) => inSequenceSet(set, one, 300))
      assert.deepEqual(named, ascending)
    }),
  )
})

test('a star names the last message, and so does a range that begins behind it', () => {
  const set = parseSequenceSet('999:*') ?? []
  assert.equal(inSequenceSet(set, 7, 7), true)
  assert.equal(inSequenceSet(set, 6, 7), false)
  assert.equal(inSequenceSet(parseSequenceSet('9') ?? [], 7, 7), false)
})

test('a set as long as a line can hold is read at once', () => {
  const text = Array.from({ length: 10_000 }, (_, i) => 2 * (10_000 - i)).join(',')
  const began = workedMs()
  assert.equal(parseSequenceSet(text)?.length, 10_000)
  assert.ok(workedMs() - began < 200)
})
