import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retainClientId } from './client-id.ts'
import { forwardedIdentity, isReservedIdKey } from './forwarded.ts'
import { idLogLine } from './id-log.ts'
import { serverId } from './server-id.ts'
import type { IdPair } from './wire/id-parameters.ts'

test('a client keeps its ID, without the keys that say who it is', () => {
  const pairs: IdPair[] = [
    ['name', 'Thunder'],
    ['X-Originating-IP', '1.2.3.4'],
    ['x-forward-foo', 'bar'],
    ['x-session-ext-id', 'abc'],
    ['x-tra', 'ordinary'],
    ['x', null],
    ['bad', 'a\r\nb'],
  ]
  assert.deepEqual(retainClientId(pairs), [
    ['name', 'Thunder'],
    ['x-tra', 'ordinary'],
    ['x', null],
  ])
})

test('pairs that would make a kept ID longer than 256 bytes are dropped one by one', () => {
  const long: IdPair = ['long', 'x'.repeat(240)]
  assert.deepEqual(retainClientId([['a', 'b'], long, ['c', 'd']]), [
    ['a', 'b'],
    ['c', 'd'],
  ])
  const exact: IdPair = ['a', 'x'.repeat(256 - '"a" ""'.length)]
  assert.deepEqual(retainClientId([exact]), [exact])
  assert.deepEqual(retainClientId([['a', `${exact[1]}x`]]), [])
})

const FORWARDED: readonly (readonly [pairs: readonly IdPair[], update: unknown, why: string])[] = [
  [
    [
      ['x-originating-ip', '1.2.3.4'],
      ['x-originating-port', '77'],
      ['x-connected-ip', '::1'],
      ['x-connected-port', '99'],
      ['x-session-id', 'SESS'],
      ['x-proxy-ttl', '3'],
      ['x-forward-Foo', 'bar'],
      ['X-Forward-nil', null],
    ],
    {
      remoteIp: '1.2.3.4',
      remotePort: 77,
      localIp: '::1',
      localPort: 99,
      session: 'SESS',
      ttl: 3,
      forward: new Map([['Foo', 'bar']]),
    },
    'everything; keys keep their case, NIL is absent',
  ],
  [
    [
      ['X-Originating-IP', '1.2.3.4'],
      ['x-session-EXT-id', 's'],
    ],
    { remoteIp: '1.2.3.4', session: 's' },
    'any case, alias',
  ],
  [
    [
      ['x-originating-ip', '1.2.3.4'],
      ['x-originating-ip', '1.2.3.9'],
    ],
    { remoteIp: '1.2.3.9' },
    'the later one counts',
  ],
  [
    [
      ['x-originating-ip', 'foo'],
      ['x-originating-port', '99999'],
      ['x-connected-port', '0'],
      ['x-proxy-ttl', 'abc'],
      ['x-session-id', 's'.repeat(65)],
    ],
    undefined,
    'nonsense is ignored',
  ],
  [[['x-originating-ip', 'fe80::1%eth0']], undefined, 'a zone means nothing on another machine'],
  [[['x-session-id', 'a b']], undefined, 'a session id that would break a log line'],
  [[['x-proxy-ttl', '100']], { ttl: 5 }, 'nobody gets more hops than we start with'],
  [[['x-proxy-ttl', '0']], { ttl: 0 }, 'used up'],
  [
    [
      ['name', 'x'],
      ['x-forward-', 'y'],
    ],
    undefined,
    'nothing of interest',
  ],
  [[['x-forward-a', 'j\xc3\xbc']], { forward: new Map([['a', 'jü']]) }, 'values are UTF-8'],
]

test('a trusted proxy says who its client is', () => {
  for (const [pairs, update, why] of FORWARDED) assert.deepEqual(forwardedIdentity(pairs), update, why)
})

test('keys that carry identity are reserved in any case', () => {
  assert.equal(isReservedIdKey('X-Proxy-TTL'), true)
  assert.equal(isReservedIdKey('X-FORWARD-x'), true)
  assert.equal(isReservedIdKey('x-mailer'), false)
})

const LOG: readonly (readonly [setting: string, pairs: readonly IdPair[], line: string | undefined, why: string])[] = [
  ['', [['name', 'x']], undefined, 'off'],
  [
    '*',
    [
      ['name', 'Thunder'],
      ['version', '1.0'],
      ['x', null],
    ],
    'ID sent: name=Thunder, version=1.0, x=NIL',
    'all',
  ],
  [
    'name version',
    [
      ['Name', 'x'],
      ['z', 'y'],
    ],
    'ID sent: Name=x',
    'some, in any case',
  ],
  ['name', [['z', 'y']], undefined, 'none of those wanted'],
  ['*', [], undefined, 'nothing sent'],
  ['*', [['a', 'x\r\n\x1b[1m']], 'ID sent: a=x???[1m', 'nothing that could forge a line'],
  ['*', [['z', 'a'.repeat(81)]], `ID sent: z=${'a'.repeat(77)}...`, 'long values are cut'],
]

test('imap_id_log names what is logged', () => {
  for (const [setting, pairs, line, why] of LOG) assert.equal(idLogLine(setting, pairs), line, why)
})

test('imap_id_send says what we tell about ourselves', () => {
  assert.equal(serverId({ imap_id_send: 'name *' }), '("name" "Dovecot")')
  assert.equal(serverId({ imap_id_send: '' }), 'NIL')
  assert.equal(
    serverId({ imap_id_send: 'name * vendor * support-url http://x foo NIL support-email *' }),
    '("name" "Dovecot" "vendor" NIL "support-url" "http://x" "foo" "NIL" "support-email" "dovecot@dovecot.org")',
  )
})
