import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideLmtpRoute, type LmtpRoute, type LmtpRouteQuestion } from './lmtp-route.ts'

const SELF = { ip: '192.0.2.1', port: 24, others: new Set(['192.0.2.100']) }

function question(fields: Record<string, string>, changes: Partial<LmtpRouteQuestion> = {}): LmtpRouteQuestion {
  return {
    fields: new Map(Object.entries(fields)),
    user: 'joe@x',
    found: 'joe@x',
    addresses: [],
    self: SELF,
    ttl: undefined,
    settings: { ssl_client_require_valid_cert: true },
    ...changes,
  }
}

function destinationOf(route: LmtpRoute): object {
  return route.kind === 'proxy' ? route.destination : route
}

const THERE = {
  protocol: 'lmtp',
  host: '192.0.2.9',
  ip: '192.0.2.9',
  port: 24,
  tls: 'none',
  verifyCertificate: true,
  notTrusted: false,
}

test('where the mail of a recipient goes', () => {
  const rows: [fields: Record<string, string>, expected: object, why: string][] = [
    [{}, { kind: 'local' }, 'nothing said'],
    [{ host: '192.0.2.9' }, { kind: 'local' }, 'a host alone is no proxy'],
    [{ proxy: 'no', host: '192.0.2.9' }, THERE, 'presence counts, not the value'],
    [{ proxy: '', host: '192.0.2.9', port: '2424' }, { ...THERE, port: 2424 }, 'a port'],
    [{ proxy: '', host: '192.0.2.9', protocol: 'lmtp' }, THERE, 'an explicit protocol has its own port'],
    [{ proxy: '', host: '192.0.2.9', protocol: 'smtp' }, { ...THERE, protocol: 'smtp', port: 25 }, 'SMTP'],
    [
      { protocol: 'smtp', port: '26', host: '192.0.2.9', proxy: '' },
      { ...THERE, protocol: 'smtp', port: 26 },
      'in whatever order',
    ],
    [{ proxy: '', host: '192.0.2.9', ssl: 'yes' }, { ...THERE, tls: 'implicit' }, 'TLS does not change the port'],
    [
      { proxy: '', host: '192.0.2.9', starttls: 'any-cert' },
      { ...THERE, tls: 'starttls', verifyCertificate: false },
      'STARTTLS',
    ],
    [{ proxy: '', host: 'mx', hostip: '192.0.2.8' }, { ...THERE, host: 'mx', ip: '192.0.2.8' }, 'hostip'],
    [{ proxy: '', host: '192.0.2.9', hostip: '' }, THERE, 'an empty hostip is none'],
    [{ proxy: '', host: '192.0.2.9', source_ip: '192.0.2.7' }, { ...THERE, sourceIp: '192.0.2.7' }, 'source address'],
    [{ proxy: '', host: '192.0.2.9', source_ip: '::1' }, THERE, 'of another family: of no use'],
    [{ proxy: '', host: '2001:db8::1' }, { ...THERE, host: '2001:db8::1', ip: '2001:db8::1' }, 'IPv6'],
    [{ proxy: '', host: '192.0.2.9', proxy_not_trusted: '' }, { ...THERE, notTrusted: true }, 'nothing is told'],
    [{ proxy: '', host: '192.0.2.9', haproxy: 'v2' }, { ...THERE, haproxy: 'v2' }, 'a PROXY header'],
    [
      { proxy: '', host: '192.0.2.9', proxy_timeout: '10' },
      { ...THERE, timeoutMs: 10_000 },
      'bare numbers are seconds',
    ],
    [{ proxy: '', host: '192.0.2.9', proxy_timeout: '2 min' }, { ...THERE, timeoutMs: 120_000 }, 'with a unit'],
    [
      { proxy: '', host: '192.0.2.9', nologin: '', delay_until: '9999999999' },
      THERE,
      'only logins are refused or delayed',
    ],
    [{ proxy: '' }, { kind: 'misconfigured', text: 'host not given' }, 'no host'],
    [{ proxy: '', host: '' }, { kind: 'misconfigured', text: 'host not given' }, 'an empty one'],
    [
      { proxy: '', host: '192.0.2.9', protocol: 'foo' },
      { kind: 'misconfigured', text: 'Unknown protocol foo' },
      'protocol',
    ],
    [
      { proxy: '', host: '192.0.2.9', port: '99999' },
      { kind: 'misconfigured', text: 'Invalid port number 99999' },
      'port',
    ],
    [
      { proxy: '', host: '192.0.2.9', source_ip: 'foo' },
      { kind: 'misconfigured', text: 'Invalid source_ip foo' },
      'source',
    ],
    [{ proxy: '', host: 'mx', hostip: 'foo' }, { kind: 'misconfigured', text: 'Invalid hostip foo' }, 'hostip'],
    [
      { proxy: '', host: '192.0.2.9', haproxy: 'v3' },
      { kind: 'misconfigured', text: 'Unknown haproxy version v3' },
      'haproxy',
    ],
    [{ proxy: '', host: 'mx' }, { kind: 'misconfigured', text: 'no address for mx' }, 'a name without address'],
  ]
  for (const [fields, expected, why] of rows)
    assert.deepEqual(destinationOf(decideLmtpRoute(question(fields))), expected, why)
})

test('a name goes to its first address, with the name for TLS', () => {
  const route = decideLmtpRoute(question({ proxy: '', host: 'mx' }, { addresses: ['192.0.2.9', '192.0.2.10'] }))
  assert.deepEqual(destinationOf(route), { ...THERE, host: 'mx' })
})

test('proxy_maybe: the address and port of this server are here, everything else is there', () => {
  const rows: [fields: Record<string, string>, addresses: string[], kind: LmtpRoute['kind'], why: string][] = [
    [{ host: '192.0.2.1' }, [], 'local', 'our address'],
    [{ host: '192.0.2.1', port: '24' }, [], 'local', 'and our port'],
    [{ host: '192.0.2.1', port: '25' }, [], 'proxy', 'another port'],
    [{ host: '192.0.2.100' }, [], 'local', 'auth_proxy_self'],
    [{ host: 'me' }, ['192.0.2.50', '192.0.2.1'], 'local', 'one of the addresses of a name'],
    [{ host: '192.0.2.9' }, [], 'proxy', 'another address'],
    [{ host: '192.0.2.1', proxy_always: '' }, [], 'misconfigured', 'somebody else would have to name a host'],
  ]
  for (const [fields, addresses, kind, why] of rows) {
    assert.equal(decideLmtpRoute(question({ proxy_maybe: '', ...fields }, { addresses })).kind, kind, why)
  }
})

test('mail does not go round in circles', () => {
  const here = { proxy: '', host: '192.0.2.1' }
  const rows: [
    fields: Record<string, string>,
    changes: Partial<LmtpRouteQuestion>,
    expected: LmtpRoute['kind'],
    why: string,
  ][] = [
    [here, {}, 'looping', 'to ourselves, under the same name'],
    [{ ...here, destuser: 'other@x' }, {}, 'proxy', 'under another'],
    [here, { found: 'other@x' }, 'proxy', 'or one that the passdb changed'],
    [{ ...here, port: '25' }, {}, 'proxy', 'another port'],
    [{ proxy: '', host: 'me' }, { addresses: ['192.0.2.1'] }, 'looping', 'by name too'],
    [{ proxy: '', host: '192.0.2.9' }, { ttl: 0 }, 'looping', 'no hops left'],
    [{ proxy: '', host: '192.0.2.9' }, { ttl: 1 }, 'proxy', 'the last hop'],
  ]
  for (const [fields, changes, expected, why] of rows) {
    assert.equal(decideLmtpRoute(question(fields, changes)).kind, expected, why)
  }
})

test('values that make no sense but have a default are told, and the default is used', () => {
  for (const value of ['900ms', 'soon', '-1', '']) {
    const route = decideLmtpRoute(question({ proxy: '', host: '192.0.2.9', proxy_timeout: value }))
    assert.equal(route.kind, 'proxy')
    if (route.kind !== 'proxy') return
    assert.deepEqual(route.problems, [`Invalid proxy_timeout value ${value}`])
    assert.equal(route.destination.timeoutMs, undefined)
  }
})

test('what is forwarded are the fields: the databases know those of the proxy in front, and may have taken some out', () => {
  const route = decideLmtpRoute(question({ proxy: '', host: '192.0.2.9', forward_b: 'ours', forward_c: '' }))
  assert.deepEqual(route.kind === 'proxy' ? [...route.forward] : [], [
    ['b', 'ours'],
    ['c', null],
  ])
})

test('the link of a link-local address is kept', () => {
  const route = decideLmtpRoute(question({ proxy: '', host: 'fe80::1%lo' }))
  assert.equal(route.kind === 'proxy' && route.destination.ip, 'fe80::1%lo')
})

test('over a UNIX socket there is no own port: LMTP has one', () => {
  const route = decideLmtpRoute(question({ proxy: '', host: '192.0.2.9' }, { self: { ...SELF, ip: '', port: 0 } }))
  assert.deepEqual(destinationOf(route), THERE)
})
