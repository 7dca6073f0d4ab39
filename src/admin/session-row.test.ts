import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareSessions, type NamedSession, readSessionRow, writeSessionRow } from './session-row.ts'

const session: NamedSession = {
  user: 'joe "the" \u0001 user',
  service: 'imap',
  state: 'proxied',
  pid: '17',
  session: 'abc',
  remoteIp: '::1',
  remotePort: '4711',
  localIp: '127.0.0.1',
  localPort: '143',
  destHost: 'mail1',
  destIp: '10.0.0.1',
  destPort: '143',
  destUser: 'joe2',
  started: '1700000000000',
  alternatives: new Map([
    ['user_alt', 'j'],
    ['user___proto__', 'x'],
  ]),
}

test('a session survives the socket', () => {
  const sent = JSON.parse(JSON.stringify(writeSessionRow(session))) as Record<string, string>
  assert.deepEqual(readSessionRow(sent), session)
})

test('the order of a listing does not depend on which worker answers first', () => {
  const make = (user: string, service: string, remotePort: string): NamedSession => ({
    ...session,
    user,
    service,
    remotePort,
  })
  const sorted = [make('a', 'imap', '9'), make('a', 'imap', '10'), make('a', 'pop3', '1'), make('b', 'imap', '2')]
  assert.deepEqual(sorted.toReversed().sort(compareSessions), sorted)
})
