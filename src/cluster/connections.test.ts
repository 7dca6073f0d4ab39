import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionCounts, connectionKey } from './connections.ts'

const KEY = connectionKey('imap', '192.0.2.1', 'joe')

test('service, address and user are counted together, and nothing else', () => {
  const counts = new ConnectionCounts()
  for (const worker of ['1', '2']) assert.equal(counts.enter(worker, KEY, 2), true)
  assert.equal(counts.enter('1', KEY, 2), false)
  assert.equal(counts.enter('1', connectionKey('pop3', '192.0.2.1', 'joe'), 2), true)
  assert.equal(counts.enter('1', connectionKey('imap', '192.0.2.2', 'joe'), 2), true)
  assert.equal(counts.enter('1', connectionKey('imap', '192.0.2.1', 'jane'), 2), true)
  counts.leave('2', KEY)
  assert.equal(counts.enter('1', KEY, 2), true)
})

test('0 is no limit', () => {
  const counts = new ConnectionCounts()
  for (let count = 0; count < 100; count++) assert.equal(counts.enter('1', KEY, 0), true)
})

test('leaving twice is leaving once', () => {
  const counts = new ConnectionCounts()
  counts.enter('1', KEY, 1)
  counts.leave('1', KEY)
  counts.leave('1', KEY)
  assert.equal(counts.count(KEY), 0)
  assert.equal(counts.enter('1', KEY, 1), true)
})

test('a worker that dies takes its connections with it', () => {
  const told: (readonly [string, number])[] = []
  const counts = new ConnectionCounts((key, count) => told.push([key, count]))
  counts.enter('1', KEY, 0)
  counts.enter('2', KEY, 0)
  counts.dropWorker('1')
  assert.equal(counts.count(KEY), 1)
  assert.deepEqual(told, [
    [KEY, 1],
    [KEY, 2],
    [KEY, 1],
  ])
})

test('other servers count, until they leave', () => {
  const counts = new ConnectionCounts()
  counts.setOther('b', KEY, 2)
  counts.setOther('c', KEY, 1)
  assert.equal(counts.enter('1', KEY, 3), false)
  counts.setOther('c', KEY, 0)
  assert.equal(counts.enter('1', KEY, 3), true)
  assert.equal(counts.count(KEY), 3)
  counts.dropOther('b')
  assert.equal(counts.count(KEY), 1)
  assert.deepEqual([...counts.own()], [[KEY, 1]])
})
