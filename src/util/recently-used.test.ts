import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentlyUsed } from './recently-used.ts'

function abc(): RecentlyUsed<string> {
  const list = new RecentlyUsed<string>()
  for (const name of ['a', 'b', 'c']) list.set(name, name.toUpperCase())
  return list
}

test('what is used goes to the end; to find it is no use', () => {
  const list = abc()
  assert.equal(list.get('a'), 'A')
  assert.equal(list.oldest, 'A')
  list.use('a')
  list.use('nobody')
  assert.deepEqual(list.all(), ['B', 'C', 'A'])
  assert.equal(list.oldest, 'B')
})

test('what is deleted is neither found nor listed, and may be deleted again', () => {
  const list = abc()
  list.delete('b')
  list.delete('b')
  assert.equal(list.get('b'), undefined)
  assert.deepEqual([list.all(), list.size], [['A', 'C'], 2])
  list.set('b', 'again')
  assert.deepEqual(list.all(), ['A', 'C', 'again'])
})

test('a name has one value, the last', () => {
  const list = abc()
  list.set('a', 'other')
  assert.equal(list.get('a'), 'other')
  assert.deepEqual([list.all(), list.size], [['B', 'C', 'other'], 3])
})
