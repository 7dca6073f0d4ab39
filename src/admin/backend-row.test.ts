import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackendView, mergeBackends } from './backend-row.ts'

const view: BackendView = {
  ip: '10.0.0.1',
  port: 143,
  up: true,
  lastSuccessMs: 1000,
  lastFailureMs: 0,
  lastError: '',
  waiting: 0,
}

test('sessions and waiting logins of all workers are added up', () => {
  const rows = mergeBackends(
    [
      { ...view, waiting: 2 },
      { ...view, waiting: 1 },
    ],
    [
      { host: 'mail1', ip: '10.0.0.1', port: 143, count: 3 },
      { host: '10.0.0.1', ip: '10.0.0.1', port: 143, count: 1 },
    ],
  )
  assert.deepEqual(rows, [
    {
      hosts: '10.0.0.1 mail1',
      ip: '10.0.0.1',
      port: '143',
      state: 'up',
      sessions: '4',
      waiting: '3',
      lastFailureMs: '0',
      lastError: '',
    },
  ])
})

test('whoever saw the backend last is right', () => {
  const failed: BackendView = { ...view, up: false, lastFailureMs: 2000, lastError: 'Connection refused' }
  assert.equal(mergeBackends([view, failed], [])[0]?.state, 'down')
  const [again] = mergeBackends([failed, { ...view, lastSuccessMs: 3000 }], [])
  assert.equal(again?.state, 'up')
  assert.equal(again?.lastError, 'Connection refused')
})

test('a backend with sessions that no worker tried lately is up', () => {
  const [row] = mergeBackends([], [{ host: 'h', ip: '10.0.0.2', port: 110, count: 1 }])
  assert.equal(row?.state, 'up')
  assert.equal(row?.ip, '10.0.0.2')
})
