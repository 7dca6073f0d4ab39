import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeadBackends } from './dead-backends.ts'

const TIMES = { lastSuccessMs: 1, lastFailureMs: 9, lastUnreachableMs: 9, downSinceMs: 5 }
const DOWN = { ip: '192.0.2.1', port: 143, ...TIMES, lastError: 'x' }

test('what is down is remembered once, without who tries it, until it answers', () => {
  const backends = new DeadBackends()
  backends.add({ ...DOWN, probing: true })
  backends.add({ ...DOWN, lastFailureMs: 10, probing: true })
  assert.deepEqual([...backends.known()], [{ ...DOWN, lastFailureMs: 10, probing: false }])
  const { downSinceMs: _, ...up } = DOWN
  backends.add({ ...up, lastSuccessMs: 11, probing: false })
  assert.deepEqual([...backends.known()], [])
})

test('a database that names endless hosts does not fill the memory', () => {
  const backends = new DeadBackends()
  for (let port = 1; port <= 1_200; port++) backends.add({ ...DOWN, port, probing: false })
  assert.equal([...backends.known()].length, 1_000)
  assert.equal([...backends.known()][0]?.port, 201)
})
