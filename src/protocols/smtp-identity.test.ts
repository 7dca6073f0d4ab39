import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORWARD_BYTES, forwardAttribute, readSmtpIdentity } from './smtp-identity.ts'
import { splitForwardFields } from './forward-fields.ts'

test('XCLIENT attributes become an identity, or the words of a refusal', () => {
  const rows: [words: [string, string][], expected: object, why: string][] = [
    [[['ADDR', 'IPV6:2001:db8::1']], { remoteIp: '2001:db8::1' }, 'Postfix writes the prefix'],
    [[['ADDR', '::1']], { remoteIp: '::1' }, 'Dovecot does not'],
    [[['ADDR', 'bad']], { problem: 'Invalid ADDR parameter' }, 'no address'],
    [[['ADDR', '']], { problem: 'Invalid ADDR parameter' }, 'empty'],
    [
      [
        ['ADDR', '[UNAVAILABLE]'],
        ['PORT', '[unavailable]'],
      ],
      {},
      'nothing is known',
    ],
    [[['PORT', '0']], { problem: 'Invalid PORT parameter' }, 'not a port'],
    [[['PORT', '99999']], { problem: 'Invalid PORT parameter' }, 'too large'],
    [[['TTL', '100']], { ttl: 5 }, 'nobody has more hops left than we give'],
    [[['TTL', '-1']], { problem: 'Invalid TTL parameter' }, 'no number'],
    [[['TIMEOUT', '4']], {}, 'accepted, of no use to a proxy'],
    [[['TIMEOUT', 'x']], { problem: 'Invalid TIMEOUT parameter' }, 'no number'],
    [[['SESSION', 's'.repeat(65)]], {}, 'too long: ignored'],
    [[['SESSION', 'a b']], {}, 'it goes into logs: visible characters only'],
    [[['HELO', '']], {}, 'empty is nothing'],
    [
      [
        ['PROTO', 'esmtp'],
        ['LOGIN', 'joe'],
        ['HELO', 'mx.example.org'],
      ],
      { proto: 'ESMTP', login: 'joe', helo: 'mx.example.org' },
      'all three',
    ],
    [[['PROTO', 'HTTP']], { problem: 'Invalid PROTO parameter' }, 'no mail protocol'],
    [[['constructor', 'x']], {}, 'unknown names are ignored'],
  ]
  for (const [words, expected, why] of rows) assert.deepEqual(readSmtpIdentity(new Map(words)), expected, why)
  assert.deepEqual(readSmtpIdentity(new Map([['SESSION', 's'.repeat(65)]]), 128), { session: 's'.repeat(65) })
})

test('forward fields travel in FORWARD and those that do not fit stay behind', () => {
  const { value, dropped } = forwardAttribute(
    new Map([
      ['a', 'x=y\t'],
      ['big', 'z'.repeat(FORWARD_BYTES)],
      ['bare', null],
    ]),
  )
  assert.deepEqual(dropped, ['big'])
  const joined = Buffer.from(value ?? '', 'base64').toString('latin1')
  assert.deepEqual(
    splitForwardFields(joined),
    new Map([
      ['a', 'x=y\t'],
      ['bare', ''],
    ]),
  )
  assert.deepEqual(readSmtpIdentity(new Map([['FORWARD', value ?? '']])), { forward: splitForwardFields(joined) })
  assert.deepEqual(forwardAttribute(new Map()), { value: undefined, dropped: [] })
})
