import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testIdentity, testSettings, testTarget } from '../../test/support/protocol-session.ts'
import { loginProtocols } from '../protocols/index.ts'
import type { ProxyTarget } from '../protocols/protocol.ts'
import { rehearse } from './rehearsal.ts'

async function sent(name: string, target: Partial<ProxyTarget>): Promise<readonly string[]> {
  const protocol = loginProtocols.find((candidate) => candidate.name === name)
  assert.ok(protocol)
  const identity = { ...testIdentity, session: 'S' }
  return await rehearse(protocol, testTarget(target), { settings: testSettings(), identity, hostname: 'here' })
}

const PLAIN = 'dDEAdDEAKHBhc3N3b3JkKQ=='
const DECODED = '  (that is t1\\0t1\\0(password))'

test('each protocol says what it would say, and never the password', async () => {
  const rows: readonly [name: string, target: Partial<ProxyTarget>, expected: readonly string[]][] = [
    ['imap', { notTrusted: true }, ['L LOGIN "t1" "(password)"']],
    ['imap', { notTrusted: true, mechanism: 'PLAIN' }, [`L AUTHENTICATE PLAIN ${PLAIN}`, DECODED]],
    ['pop3', {}, ['XCLIENT ADDR=127.0.77.1 PORT=45311 SESSION=S TTL=4', 'USER t1', 'PASS (password)']],
    ['pop3', { notTrusted: true, tls: 'starttls' }, ['STLS', '(TLS handshake)', 'USER t1', 'PASS (password)']],
    [
      'submission',
      { tls: 'starttls', notTrusted: true },
      ['EHLO here', 'STARTTLS', '(TLS handshake)', 'EHLO here', `AUTH PLAIN ${PLAIN}`, DECODED],
    ],
    [
      'submission',
      { noauth: true },
      [
        'EHLO here',
        'XCLIENT HELO=[UNAVAILABLE] PROTO=ESMTP LOGIN=t1 TTL=4 PORT=45311 ADDR=127.0.77.1 SESSION=S',
        'EHLO here',
      ],
    ],
    ['sieve', { notTrusted: true }, [`AUTHENTICATE "PLAIN" "${PLAIN}"`, DECODED]],
    [
      'sieve',
      { tls: 'starttls', forward: new Map([['a', 'b']]) },
      [
        'STARTTLS',
        '(TLS handshake)',
        'XCLIENT ADDR=127.0.77.1 PORT=45311 SESSION=S TTL=4 FORWARD=YT1i',
        `AUTHENTICATE "PLAIN" "${PLAIN}"`,
        DECODED,
      ],
    ],
  ]
  for (const [name, target, expected] of rows) assert.deepEqual(await sent(name, target), expected, name)
})

test('a login that cannot be said is told so', async () => {
  const lines = await sent('pop3', { notTrusted: true, destuser: 'two\nlines' })
  assert.match(lines.at(-1) ?? '', /^\(fails: /)
})
