import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advantage, median, significant, spread } from './stats.ts'

test('the median is the middle, whatever the order', () => {
  const table: readonly { values: readonly number[]; expected: number | undefined; why: string }[] = [
    { values: [], expected: undefined, why: 'nothing was measured' },
    { values: [7], expected: 7, why: 'a single sample' },
    { values: [30, 1, 2], expected: 2, why: 'an outlier does not count' },
    { values: [4, 1, 3, 2], expected: 2.5, why: 'two in the middle' },
    { values: [10, 9, 100], expected: 10, why: 'numbers, not text, are sorted' },
  ]
  for (const { values, expected, why } of table) assert.equal(median(values), expected, why)
})

test('the spread relates the distance of the samples to their median', () => {
  assert.equal(spread([90, 100, 120]), 0.3)
  assert.equal(spread([5]), undefined, 'one sample has no spread')
  assert.equal(spread([-1, 0, 1]), undefined, 'no share of zero')
})

test('an advantage is above 1 for the better one, whichever way better points', () => {
  assert.equal(advantage(30, 10, 'more'), 3)
  assert.equal(advantage(10, 30, 'less'), 3)
  assert.equal(advantage(undefined, 30, 'less'), undefined)
  assert.equal(advantage(30, undefined, 'more'), undefined)
  assert.equal(advantage(0, 30, 'less'), undefined, 'nothing is not infinitely good')
})

test('significant digits keep large numbers readable', () => {
  assert.equal(significant(123_456, 3), 123_000)
  assert.equal(significant(0.012_345, 2), 0.012)
})
