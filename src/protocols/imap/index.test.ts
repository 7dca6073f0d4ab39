import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Goodbye } from '../protocol.ts'
import { imap } from './index.ts'

const GOODBYES: readonly (readonly [why: Goodbye, line: string])[] = [
  ['idle', '* BYE Disconnected for inactivity.\r\n'],
  ['idle-during-auth', '* BYE Disconnected for inactivity during authentication.\r\n'],
  ['login-timeout', '* BYE Timeout while finishing login.\r\n'],
  ['shutting-down', '* BYE Server shutting down.\r\n'],
  ['too-many-connections', '* BYE Connection queue full\r\n'],
]

test('a client that is cut off hears why', () => {
  for (const [why, line] of GOODBYES) assert.equal(imap.goodbye(why, 'mail.example.org'), line)
})

test('IMAP has its names and ports', () => {
  assert.equal(imap.name, 'imap')
  assert.equal(imap.service, 'imap-login')
  assert.deepEqual(imap.ports, { plain: 143, tls: 993 })
})
