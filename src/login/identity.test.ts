import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientIdentity, ForwardedIdentity } from '../protocols/protocol.ts'
import { overrideIdentity } from './identity.ts'

const BEFORE: ClientIdentity = {
  session: 'own',
  remote: { ip: '192.0.2.1', port: 1000 },
  local: { ip: '192.0.2.2', port: 143 },
  ttl: 5,
  forward: new Map([['a', '1']]),
}

const rows: readonly { why: string; update: ForwardedIdentity; is: Partial<ClientIdentity> }[] = [
  { why: 'nothing', update: {}, is: {} },
  {
    why: 'the client',
    update: { remoteIp: '2001:DB8::1', remotePort: 7 },
    is: { remote: { ip: '2001:db8::1', port: 7 } },
  },
  { why: 'the server', update: { localIp: '10.0.0.1', localPort: 993 }, is: { local: { ip: '10.0.0.1', port: 993 } } },
  { why: 'an address that is none', update: { remoteIp: 'zzz', remotePort: 99_999 }, is: {} },
  { why: 'the session', update: { session: 'abc' }, is: { session: 'abc', sessionForwarded: true } },
  {
    why: 'a session id of 64 bytes',
    update: { session: 'x'.repeat(64) },
    is: { session: 'x'.repeat(64), sessionForwarded: true },
  },
  { why: 'a longer one', update: { session: 'x'.repeat(65) }, is: {} },
  { why: 'one that would break a line', update: { session: 'a\r\nb' }, is: {} },
  { why: 'fewer hops', update: { ttl: 2 }, is: { ttl: 2 } },
  { why: 'more hops than we give', update: { ttl: 100 }, is: { ttl: 5 } },
  { why: 'hops that are no number', update: { ttl: Number.NaN }, is: {} },
  {
    why: 'forward fields',
    update: {
      forward: new Map([
        ['a', '2'],
        ['b', '3'],
      ]),
    },
    is: {
      forward: new Map([
        ['a', '2'],
        ['b', '3'],
      ]),
    },
  },
  {
    why: 'other forward fields in place of those said before, as Dovecot has it',
    update: { forward: new Map([['b', '3']]) },
    is: { forward: new Map([['b', '3']]) },
  },
  {
    why: 'too many forward fields',
    update: { forward: new Map([['b', 'x'.repeat(20_000)]]) },
    is: { forward: new Map() },
  },
]

for (const { why, update, is } of rows) {
  test(`what a trusted peer says: ${why}`, () =>
    assert.deepEqual(overrideIdentity(BEFORE, update), { ...BEFORE, ...is }))
}
