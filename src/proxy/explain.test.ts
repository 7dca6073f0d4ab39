import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testTarget } from '../../test/support/protocol-session.ts'
import { Secret } from '../util/secret.ts'
import { explainRoute } from './explain.ts'
import type { Route } from './route.ts'

const SETTINGS = { login_source_ips: [], login_proxy_max_reconnects: 3 }

const rows: readonly {
  why: string
  route: Route
  settings?: Partial<typeof SETTINGS> | { login_source_ips: string[] }
  lines: readonly string[]
}[] = [
  { why: 'local', route: { kind: 'local' }, lines: ['Route: served here'] },
  {
    why: 'refused',
    route: { kind: 'refuse', why: { kind: 'nologin', reason: 'Moved' } },
    lines: ['Route: refused: nologin (Moved)'],
  },
  {
    why: 'referral',
    route: {
      kind: 'refuse',
      why: { kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'b.example', port: 1143 },
    },
    lines: ['Route: refused: nologin with a referral to b.example:1143 as joe'],
  },
  {
    why: 'refused with a line for the log',
    route: { kind: 'refuse', why: { kind: 'failed' }, log: 'Invalid hostip in passdb: x' },
    lines: ['Route: refused: failed', 'Log: Invalid hostip in passdb: x'],
  },
  {
    why: 'broken',
    route: { kind: 'broken', text: 'host not given' },
    lines: ['Route: cannot be proxied: host not given'],
  },
  {
    why: 'plain',
    route: { kind: 'proxy', target: testTarget() },
    lines: [
      'Route: proxied to 127.0.77.3:28143',
      'Login: as t1 with the simple login of the protocol',
      'TLS: none: passwords and mail go in clear text',
      'Source address: chosen by the system',
      'Timeout: 30 secs, 3 reconnects',
      'TTL: 4 sent to the backend',
    ],
  },
  {
    why: 'everything',
    route: {
      kind: 'proxy',
      target: testTarget({
        host: 'b.example',
        ip: '2001:db8::1',
        tls: 'implicit',
        master: 'adm',
        mechanism: 'PLAIN',
        sourceIp: '2001:db8::9',
        forward: new Map([['tenant', 'acme']]),
        nopipelining: true,
        haproxy: 'v2',
      }),
    },
    lines: [
      'Route: proxied to b.example ([2001:db8::1]:28143)',
      'Login: as t1 with SASL PLAIN, master user adm',
      'TLS: from the first byte, the certificate must be valid and match b.example',
      'Source address: 2001:db8::9 (source_ip)',
      'Timeout: 30 secs, 3 reconnects',
      'TTL: 4 sent to the backend',
      'Forwarded: forward_tenant',
      'Pipelining: off (proxy_nopipelining)',
      'PROXY header: v2',
    ],
  },
  {
    why: 'any-cert, source list, not trusted',
    route: { kind: 'proxy', target: testTarget({ tls: 'starttls', verifyCertificate: false, notTrusted: true }) },
    settings: { login_source_ips: ['?10.0.0.1', '10.0.0.2'] },
    lines: [
      'Route: proxied to 127.0.77.3:28143',
      'Login: as t1 with the simple login of the protocol',
      'TLS: after STARTTLS, but any certificate will do: whoever answers at that address gets the password',
      'Source address: in turn from login_source_ips: ?10.0.0.1 10.0.0.2',
      'Timeout: 30 secs, 3 reconnects',
      'TTL: 4 sent to the backend',
      'Client data: not sent (proxy_not_trusted)',
    ],
  },
]

for (const { why, route, settings, lines } of rows) {
  test(`a route explained: ${why}`, () => assert.deepEqual(explainRoute(route, { ...SETTINGS, ...settings }), lines))
}

test('an explanation has no secret in it', () => {
  const target = testTarget({ secret: new Secret('hunter2') })
  assert.ok(!explainRoute({ kind: 'proxy', target }, SETTINGS).join('\n').includes('hunter2'))
})
