import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summarise } from '../message/summarise.ts'
import { SummaryMemories } from './summary-memory.ts'

const summary = summarise(Buffer.from('Subject: x\n\n'))

test('a summary is found under its UID and key alone', () => {
  const memory = new SummaryMemories().open()
  memory.add({ uid: 1, key: 'a' }, summary, 100)
  assert.equal(memory.find({ uid: 1, key: 'a' }), summary)
  assert.equal(memory.find({ uid: 1, key: 'b' }), undefined)
  assert.equal(memory.find({ uid: 2, key: 'a' }), undefined)
})

test('the mailbox that nobody asked for the longest forgets first', () => {
  const memories = new SummaryMemories(3000)
  const [first, second] = [memories.open(), memories.open()]
  first.add({ uid: 1, key: 'a' }, summary, 600)
  second.add({ uid: 1, key: 'a' }, summary, 600)
  first.add({ uid: 2, key: 'b' }, summary, 600)
  first.add({ uid: 3, key: 'c' }, summary, 0)
  assert.equal(second.find({ uid: 1, key: 'a' }), undefined)
  assert.equal(first.find({ uid: 3, key: 'c' }), summary)
  assert.ok(memories.bytes <= 3000)
})

test('memory has its limit, also for one mailbox, and is given back', () => {
  const memories = new SummaryMemories(10_000)
  const memory = memories.open()
  for (let uid = 1; uid < 1000; uid++) {
    memory.add({ uid, key: 'a' }, summary, 100)
    assert.ok(memories.bytes <= 10_000)
  }
  memory.clear()
  assert.equal(memories.bytes, 0)
})
