import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALL_SESSIONS,
  compileFilter,
  type FilteredSession,
  parseSessionFilter,
  type SessionFilter,
} from './session-filter.ts'

const joe: FilteredSession = {
  user: 'joe@example.org',
  alternatives: new Map([['user_alt', 'j1']]),
  state: 'proxied',
  remoteIp: '192.0.2.7',
  backend: { host: 'mail1' },
}

test('a filter says which sessions are meant', () => {
  const rows: readonly [given: Partial<SessionFilter>, meant: boolean, why: string][] = [
    [{}, true, 'nothing said means everybody'],
    [{ users: ['joe@example.org'] }, true, 'an exact name'],
    [{ users: ['JOE@example.org'] }, false, 'exact names keep their case'],
    [{ users: ['JOE@example.org'], ignoreCase: true }, true, 'unless told otherwise'],
    [{ users: ['*@example.org'] }, true, 'a mask'],
    [{ users: ['jo?@example.org'] }, true, 'one character'],
    [{ users: ['joe'] }, false, 'a name is not a prefix'],
    [{ users: ['jane', '*joe*'] }, true, 'one of several'],
    [{ users: [''] }, false, 'an empty name is nobody'],
    [{ users: ['j1'], field: 'user_alt' }, true, 'an alternative name'],
    [{ users: ['j1'], field: 'alt' }, true, 'whose prefix may be left out'],
    [{ users: ['joe@example.org'], field: 'user_alt' }, false, 'then the user name does not count'],
    [{ users: ['*'], field: 'user_none' }, false, 'a field that is not there matches nothing'],
    [{ networks: ['192.0.2.0/24'] }, true, 'a network'],
    [{ networks: ['192.0.2.8', '2001:db8::/32'] }, false, 'other addresses'],
    [{ users: ['joe*'], networks: ['10.0.0.0/8'] }, false, 'both must match'],
    [{ hosts: ['mail1'] }, true, 'the text of the host field'],
    [{ hosts: ['MAIL1'] }, false, 'as it is written'],
    [{ states: ['local', 'proxied'] }, true, 'one of these states'],
    [{ states: ['login'] }, false, 'and no other'],
  ]
  for (const [given, meant, why] of rows) {
    assert.equal(compileFilter({ ...ALL_SESSIONS, ...given })(joe), meant, why)
  }
})

test('a session without a backend is at no host', () => {
  const { backend: _, ...homeless } = joe
  assert.equal(compileFilter({ ...ALL_SESSIONS, hosts: ['mail1'] })(homeless), false)
})

test('what comes over the socket is looked at', () => {
  const rows: readonly [input: unknown, expected: RegExp, why: string][] = [
    [null, /not an object/, 'nothing'],
    ['joe', /not an object/, 'a text'],
    [{ users: 'joe' }, /users is not a list/, 'no list'],
    [{ users: [1] }, /users is not a list/, 'a list of something else'],
    [{ networks: ['mail.example.org'] }, /not an address or network: mail.example.org/, 'a name for a network'],
  ]
  for (const [input, expected, why] of rows) assert.throws(() => parseSessionFilter(input), expected, why)
  assert.deepEqual(parseSessionFilter({}), ALL_SESSIONS)
  const filter = { users: ['a'], field: 'x', ignoreCase: true, networks: ['::1'], hosts: ['h'], states: ['login'] }
  assert.deepEqual(parseSessionFilter({ ...filter, states: ['login', 'flying'] }), filter)
})
