import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import { parseProxyFields } from './fields.ts'
import { decideRoute, hostToResolve, type Route, type RouteQuestion } from './route.ts'

const IMAP = { name: 'imap', ports: { plain: 143, tls: 993 } } as const
const SUBMISSION = { name: 'submission', ports: { plain: 587 } } as const

type Fields = Record<string, string>
type Rest = Partial<Omit<RouteQuestion, 'fields'>>

const SELF = { ip: '192.0.2.1', port: 143, forwardedPort: 143, others: new Set<string>() }

function route(fields: Fields, rest: Rest = {}): Route {
  return decideRoute({
    protocol: IMAP,
    fields: parseProxyFields(new Map(Object.entries(fields))).fields,
    user: 'joe',
    masterUser: undefined,
    mechanism: 'PLAIN',
    secret: new Secret('pw'),
    addresses: [],
    self: SELF,
    ttl: 5,
    settings: { login_proxy_timeout: 30_000, ssl_client_require_valid_cert: true },
    ...rest,
  })
}

function target(fields: Fields, rest?: Rest): Extract<Route, { kind: 'proxy' }>['target'] {
  const result = route({ proxy: 'y', host: '10.0.0.5', ...fields }, rest)
  if (result.kind !== 'proxy') assert.fail(`not proxied: ${JSON.stringify(result)}`)
  return result.target
}

const others = (...ips: string[]): Rest => ({ self: { ...SELF, others: new Set(ips) } })

const choices: readonly { why: string; fields: Fields; rest?: Rest; is: string }[] = [
  { why: 'no proxy fields', fields: {}, is: 'local' },
  { why: 'proxy', fields: { proxy: 'y', host: '10.0.0.5' }, is: 'proxy 10.0.0.5:143' },
  { why: 'presence is truth', fields: { proxy: 'no', host: '10.0.0.5' }, is: 'proxy 10.0.0.5:143' },
  {
    why: 'nologin together with proxy is proxied',
    fields: { proxy: 'y', nologin: 'y', host: '10.0.0.5' },
    is: 'proxy 10.0.0.5:143',
  },
  { why: 'nologin', fields: { nologin: 'y' }, is: 'refuse {"kind":"nologin"}' },
  {
    why: 'nologin with a reason',
    fields: { nologin: 'y', reason: 'Moved' },
    is: 'refuse {"kind":"nologin","reason":"Moved"}',
  },
  {
    why: 'host with nologin is a referral',
    fields: { nologin: 'y', host: 'imap2.example.com', port: '1143', destuser: 'zz', reason: 'There' },
    is: 'refuse {"kind":"referral","user":"zz","mechanism":"PLAIN","host":"imap2.example.com","port":1143,"reason":"There"}',
  },
  { why: 'host alone changes nothing (2.3.19)', fields: { host: 'imap2.example.com' }, is: 'local' },
  { why: 'no host', fields: { proxy: 'y' }, is: 'broken host not given' },
  { why: 'empty host', fields: { proxy: 'y', host: '' }, is: 'broken host not given' },
  {
    why: 'proxy_maybe without host is a proxy login that lacks one',
    fields: { proxy_maybe: 'y' },
    is: 'broken host not given',
  },
  { why: 'proxy_maybe elsewhere', fields: { proxy_maybe: 'y', host: '10.0.0.5' }, is: 'proxy 10.0.0.5:143' },
  { why: 'proxy_maybe here', fields: { proxy_maybe: 'y', host: '192.0.2.1' }, is: 'local' },
  { why: 'proxy_maybe here beats proxy', fields: { proxy: 'y', proxy_maybe: 'y', host: '192.0.2.1' }, is: 'local' },
  { why: 'destuser plays no part in it', fields: { proxy_maybe: 'y', host: '192.0.2.1', destuser: 'x' }, is: 'local' },
  { why: 'here, with our port', fields: { proxy_maybe: 'y', host: '192.0.2.1', port: '143' }, is: 'local' },
  {
    why: 'here, with another port: proxied',
    fields: { proxy_maybe: 'y', host: '192.0.2.1', port: '144' },
    is: 'proxy 192.0.2.1:144',
  },
  {
    why: 'the port compared is the one the client saw, the address the real one',
    fields: { proxy_maybe: 'y', host: '192.0.2.1', port: '1143' },
    rest: { self: { ...SELF, forwardedPort: 1143 } },
    is: 'local',
  },
  {
    why: 'auth_proxy_self is us',
    fields: { proxy_maybe: 'y', host: '192.0.2.9' },
    rest: others('192.0.2.9'),
    is: 'local',
  },
  {
    why: 'any address of a name counts',
    fields: { proxy_maybe: 'y', host: 'mail.example.org' },
    rest: { addresses: ['10.0.0.5', '192.0.2.1'] },
    is: 'local',
  },
  {
    why: 'beside a name hostip is looked at',
    fields: { proxy_maybe: 'y', host: 'mail.example.org', hostip: '192.0.2.1' },
    is: 'local',
  },
  {
    why: 'beside an address hostip is not',
    fields: { proxy_maybe: 'y', host: '10.0.0.5', hostip: '192.0.2.1' },
    rest: { self: { ...SELF, port: 99 } },
    is: 'proxy 192.0.2.1:143',
  },
  {
    why: 'here and nologin',
    fields: { proxy_maybe: 'y', nologin: 'y', host: '192.0.2.1' },
    is: 'refuse {"kind":"nologin"}',
  },
  {
    why: 'proxy_always here needs somebody to name a host',
    fields: { proxy_maybe: 'y', proxy_always: 'y', host: '192.0.2.1' },
    is: 'broken host not given',
  },
  {
    why: 'proxy_always elsewhere',
    fields: { proxy_maybe: 'y', proxy_always: 'y', host: '10.0.0.5' },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'an IPv6 address in another spelling is us too',
    fields: { proxy_maybe: 'y', host: '2001:DB8:0:0::1' },
    rest: { self: { ...SELF, ip: '2001:db8::1' } },
    is: 'local',
  },
  { why: 'an IPv4 address inside IPv6 is us too', fields: { proxy_maybe: 'y', host: '::ffff:192.0.2.1' }, is: 'local' },
  { why: 'proxy to ourselves', fields: { proxy: 'y', host: '192.0.2.1' }, is: 'broken Proxying loops to itself' },
  {
    why: 'proxy to ourselves by name (2.3.19 does not see that)',
    fields: { proxy: 'y', host: 'mail.example.org' },
    rest: { addresses: ['192.0.2.1'] },
    is: 'broken Proxying loops to itself',
  },
  {
    why: 'ourselves with another user is legitimate',
    fields: { proxy: 'y', host: '192.0.2.1', destuser: 'x' },
    is: 'proxy 192.0.2.1:143',
  },
  {
    why: 'ourselves on another port is legitimate',
    fields: { proxy: 'y', host: '192.0.2.1', port: '144' },
    is: 'proxy 192.0.2.1:144',
  },
  { why: 'the last hop but one', fields: { proxy: 'y', host: '10.0.0.5' }, rest: { ttl: 2 }, is: 'proxy 10.0.0.5:143' },
  {
    why: 'no hops left',
    fields: { proxy: 'y', host: '10.0.0.5' },
    rest: { ttl: 1 },
    is: 'looping TTL reached zero - proxies appear to be looping?',
  },
  {
    why: 'no password to forward',
    fields: { proxy: 'y', host: '10.0.0.5' },
    rest: { secret: undefined, mechanism: 'CRAM-MD5' },
    is: 'broken password not given',
  },
  {
    why: 'the passdb gives one',
    fields: { proxy: 'y', host: '10.0.0.5', pass: 'x' },
    rest: { secret: undefined, mechanism: 'CRAM-MD5' },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'EXTERNAL needs none',
    fields: { proxy: 'y', host: '10.0.0.5', proxy_mech: 'external' },
    rest: { secret: undefined },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'proxy_noauth needs none',
    fields: { proxy: 'y', host: '10.0.0.5', proxy_noauth: 'y' },
    rest: { secret: undefined, protocol: SUBMISSION },
    is: 'proxy 10.0.0.5:587',
  },
  {
    why: 'IMAP ignores proxy_noauth',
    fields: { proxy: 'y', host: '10.0.0.5', proxy_noauth: 'y' },
    rest: { secret: undefined },
    is: 'broken password not given',
  },
  {
    why: 'unknown mechanism',
    fields: { proxy: 'y', host: '10.0.0.5', proxy_mech: 'foo' },
    is: 'broken Unsupported SASL mechanism FOO',
  },
  {
    why: '%m of a client with CRAM-MD5',
    fields: { proxy: 'y', host: '10.0.0.5', proxy_mech: '%m', pass: 'x' },
    rest: { mechanism: 'CRAM-MD5' },
    is: 'broken Unsupported SASL mechanism CRAM-MD5',
  },
  {
    why: 'wrong hostip beside a name',
    fields: { proxy: 'y', host: 'a.example', hostip: 'zzz' },
    is: 'refuse {"kind":"failed"} Invalid hostip in passdb: zzz',
  },
  {
    why: 'wrong hostip beside an address',
    fields: { proxy: 'y', host: '10.0.0.5', hostip: 'zzz' },
    is: 'broken Invalid hostip zzz',
  },
  {
    why: 'unusable fields',
    fields: { proxy: 'y', host: '10.0.0.5', haproxy: 'v9' },
    is: 'broken Unknown haproxy version v9',
  },
  { why: 'implicit TLS', fields: { proxy: 'y', host: '10.0.0.5', ssl: 'yes' }, is: 'proxy 10.0.0.5:993' },
  {
    why: 'an explicit port wins over TLS, in any order',
    fields: { port: '143', proxy: 'y', host: '10.0.0.5', ssl: 'yes' },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'STARTTLS keeps the plain port',
    fields: { proxy: 'y', host: '10.0.0.5', starttls: 'yes' },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'a wrong port is the default',
    fields: { proxy: 'y', host: '10.0.0.5', port: '999999' },
    is: 'proxy 10.0.0.5:143',
  },
  {
    why: 'submission has no TLS port',
    fields: { proxy: 'y', host: '10.0.0.5', ssl: 'yes' },
    rest: { protocol: SUBMISSION },
    is: 'broken port not given (ssl has no default port for submission)',
  },
  {
    why: 'hostip is connected to',
    fields: { proxy: 'y', host: 'a.example', hostip: '10.0.0.7' },
    is: 'proxy 10.0.0.7:143',
  },
  {
    why: 'the first address of a name is connected to',
    fields: { proxy: 'y', host: 'a.example' },
    rest: { addresses: ['10.0.0.8', '10.0.0.9'] },
    is: 'proxy 10.0.0.8:143',
  },
  { why: 'IPv6', fields: { proxy: 'y', host: '::1' }, is: 'proxy ::1:143' },
]

function describe(result: Route): string {
  switch (result.kind) {
    case 'local':
      return 'local'
    case 'proxy':
      return `proxy ${result.target.ip}:${result.target.port}`
    case 'refuse':
      return `refuse ${JSON.stringify(result.why)}${result.log === undefined ? '' : ` ${result.log}`}`
    default:
      return `${result.kind} ${result.text}`
  }
}

for (const { why, fields, rest, is } of choices) {
  test(`route: ${why}`, () => assert.equal(describe(route(fields, rest)), is))
}

test('what is sent to the backend: defaults', () => {
  const { secret, ...rest } = target({})
  assert.equal(secret?.reveal().toString(), 'pw')
  assert.deepEqual(rest, {
    host: '10.0.0.5',
    ip: '10.0.0.5',
    port: 143,
    tls: 'none',
    verifyCertificate: true,
    destuser: 'joe',
    nopipelining: false,
    notTrusted: false,
    noauth: false,
    ttl: 4,
    forward: new Map(),
    timeoutMs: 30_000,
    immediateFailureAfterMs: 30_000,
  })
})

const details: readonly {
  why: string
  fields: Fields
  rest?: Rest
  key: keyof ReturnType<typeof target>
  is: unknown
}[] = [
  { why: 'host stays the name', fields: { host: 'a.example', hostip: '10.0.0.7' }, key: 'host', is: 'a.example' },
  { why: 'destuser', fields: { destuser: 'x' }, key: 'destuser', is: 'x' },
  { why: 'empty destuser', fields: { destuser: '' }, key: 'destuser', is: 'joe' },
  { why: 'master', fields: { master: 'adm' }, key: 'master', is: 'adm' },
  { why: 'master means SASL PLAIN', fields: { master: 'adm' }, key: 'mechanism', is: 'PLAIN' },
  {
    why: 'unless proxy_mech says otherwise',
    fields: { master: 'adm', proxy_mech: 'login' },
    key: 'mechanism',
    is: 'LOGIN',
  },
  { why: "the client's master login is kept", fields: {}, rest: { masterUser: 'boss' }, key: 'master', is: 'boss' },
  {
    why: "the passdb's master is stronger",
    fields: { master: 'adm' },
    rest: { masterUser: 'boss' },
    key: 'master',
    is: 'adm',
  },
  { why: 'no mechanism: the simple login of the protocol', fields: {}, key: 'mechanism', is: undefined },
  { why: '%m', fields: { proxy_mech: '%m' }, rest: { mechanism: 'xoauth2' }, key: 'mechanism', is: 'XOAUTH2' },
  { why: 'source_ip', fields: { source_ip: '10.0.0.1' }, key: 'sourceIp', is: '10.0.0.1' },
  { why: 'source_ip that is none', fields: { source_ip: 'zzz' }, key: 'sourceIp', is: undefined },
  { why: 'source_ip of the other family', fields: { source_ip: '::1' }, key: 'sourceIp', is: undefined },
  { why: 'any-cert', fields: { ssl: 'any-cert' }, key: 'verifyCertificate', is: false },
  {
    why: 'ssl_client_require_valid_cert=no',
    fields: { ssl: 'yes' },
    rest: { settings: { login_proxy_timeout: 1, ssl_client_require_valid_cert: false } },
    key: 'verifyCertificate',
    is: false,
  },
  { why: 'proxy_timeout', fields: { proxy_timeout: '2' }, key: 'timeoutMs', is: 2000 },
  { why: 'TTL goes down', fields: {}, rest: { ttl: 3 }, key: 'ttl', is: 2 },
  { why: 'fields for the next hop', fields: { forward_b: '2' }, key: 'forward', is: new Map([['b', '2']]) },
  { why: 'PROXY header', fields: { haproxy: 'v1' }, key: 'haproxy', is: 'v1' },
]

for (const { why, fields, rest, key, is } of details) {
  test(`target: ${why}`, () => assert.deepEqual(target(fields, rest)[key], is))
}

test("the passdb's password is stronger than the client's, even when it is empty", () => {
  assert.equal(target({ pass: '' }).secret?.isEmpty, true)
  assert.equal(target({ pass: 'x' }).secret?.reveal().toString(), 'x')
})

const names: readonly { why: string; fields: Fields; is: string | undefined }[] = [
  { why: 'not proxied', fields: { host: 'a.example' }, is: undefined },
  { why: 'an address', fields: { proxy: 'y', host: '10.0.0.5' }, is: undefined },
  { why: 'a name', fields: { proxy: 'y', host: 'a.example' }, is: 'a.example' },
  { why: 'a name with proxy_maybe', fields: { proxy_maybe: 'y', host: 'a.example' }, is: 'a.example' },
  { why: 'hostip is there', fields: { proxy: 'y', host: 'a.example', hostip: '10.0.0.5' }, is: undefined },
  { why: 'no host', fields: { proxy: 'y' }, is: undefined },
]

test('only names are resolved, and only when needed', () => {
  for (const { why, fields, is } of names) {
    assert.equal(hostToResolve(parseProxyFields(new Map(Object.entries(fields))).fields), is, why)
  }
})
