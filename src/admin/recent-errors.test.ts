import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentErrors } from './recent-errors.ts'

test('warnings and worse are kept, with their time', () => {
  let now = 5
  const recent = new RecentErrors(() => now)
  recent.log('info', 'auth', 'nothing to see')
  recent.log('debug', 'auth', 'less')
  recent.log('warning', 'auth', 'slow')
  now = 6
  recent.log('fatal', 'master', 'gone')
  assert.deepEqual(recent.list(), [
    { timeMs: 5, prefix: 'auth', level: 'warning', text: 'slow' },
    { timeMs: 6, prefix: 'master', level: 'fatal', text: 'gone' },
  ])
})

test('events that are errors count', () => {
  const recent = new RecentErrors(() => 1)
  recent.emit('backend_down', { ip: '10.0.0.1', port: 143, error: 'Connection refused' })
  recent.emit('backend_up', { ip: '10.0.0.1', port: 143, down_ms: 1 })
  recent.emit('config_rejected', { path: 'x', error: 'y' })
  assert.deepEqual(
    recent.list().map(({ level, prefix }) => `${level} ${prefix}`),
    ['warning proxy', 'error master'],
  )
})

test('a line is not made for an event that cannot be an error', () => {
  const recent = new RecentErrors()
  const line = (): string => assert.fail('a sentence was made')
  recent.emit('login_local', { ...fields, line, user: 'joe' })
  assert.deepEqual(recent.list(), [])
})

test('the newest thousand stay', () => {
  const recent = new RecentErrors(() => 1)
  for (let number = 0; number < 2500; number++) recent.log('error', 'auth', String(number))
  const texts = recent.list().map(({ text }) => text)
  assert.equal(texts.length, 1000)
  assert.equal(texts[0], '1500')
  assert.equal(texts[999], '2499')
})

const fields = {
  protocol: 'imap',
  session: 's',
  remote_ip: '192.0.2.1',
  remote_port: 1,
  local_ip: '192.0.2.2',
  local_port: 143,
  service: 'imap-login',
} as const
