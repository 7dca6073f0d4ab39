import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxyFields } from './fields.ts'

const read = (fields: Record<string, string>) => parseProxyFields(new Map(Object.entries(fields)))

const booleans = [
  ['proxy', 'proxy'],
  ['proxy_maybe', 'proxyMaybe'],
  ['proxy_always', 'proxyAlways'],
  ['nologin', 'nologin'],
  ['proxy_nopipelining', 'nopipelining'],
  ['proxy_not_trusted', 'notTrusted'],
  ['proxy_noauth', 'noauth'],
] as const

test('a boolean field is true when it is present, whatever its value', () => {
  for (const [name, key] of booleans) {
    for (const value of ['y', 'no', '0', ''])
      assert.equal(read({ [name]: value }).fields[key], true, `${name}=${value}`)
    assert.equal(read({}).fields[key], false, `no ${name}`)
  }
})

const good: readonly {
  why: string
  fields: Record<string, string>
  key: keyof ReturnType<typeof read>['fields']
  is: unknown
}[] = [
  {
    why: 'the documented SQL schema has empty destuser for "unchanged"',
    fields: { destuser: '' },
    key: 'destuser',
    is: undefined,
  },
  { why: 'a name is a name', fields: { destuser: 'joe@b' }, key: 'destuser', is: 'joe@b' },
  { why: 'an empty master is no master login', fields: { master: '' }, key: 'master', is: undefined },
  { why: 'an empty host is no host', fields: { host: '' }, key: 'host', is: undefined },
  { why: 'an empty hostip is no hostip', fields: { hostip: '' }, key: 'hostip', is: undefined },
  { why: 'a wrong hostip is kept for the route to refuse', fields: { hostip: 'zzz' }, key: 'hostip', is: 'zzz' },
  { why: 'an empty reason says nothing', fields: { reason: '' }, key: 'reason', is: undefined },
  { why: 'lowest port', fields: { port: '1' }, key: 'port', is: 1 },
  { why: 'highest port', fields: { port: '65535' }, key: 'port', is: 65535 },
  { why: 'no port', fields: {}, key: 'port', is: undefined },
  { why: 'mechanism names have no case', fields: { proxy_mech: 'xoauth2' }, key: 'mechanism', is: 'XOAUTH2' },
  { why: 'no TLS by default', fields: {}, key: 'tls', is: 'none' },
  { why: 'ssl=yes', fields: { ssl: 'yes' }, key: 'tls', is: 'implicit' },
  { why: 'any other value of ssl also means TLS, also "no"', fields: { ssl: 'no' }, key: 'tls', is: 'implicit' },
  { why: 'starttls', fields: { starttls: 'yes' }, key: 'tls', is: 'starttls' },
  { why: 'both: starttls', fields: { ssl: 'yes', starttls: 'yes' }, key: 'tls', is: 'starttls' },
  { why: 'any-cert with ssl', fields: { ssl: 'any-cert' }, key: 'anyCert', is: true },
  { why: 'any-cert with starttls', fields: { starttls: 'any-cert' }, key: 'anyCert', is: true },
  { why: 'everything else verifies', fields: { ssl: 'y' }, key: 'anyCert', is: false },
  { why: 'a bare proxy_timeout is seconds', fields: { proxy_timeout: '5' }, key: 'timeoutMs', is: 5000 },
  { why: 'proxy_timeout with milliseconds', fields: { proxy_timeout: '1500 ms' }, key: 'timeoutMs', is: 1500 },
  { why: 'proxy_timeout=0 is the setting', fields: { proxy_timeout: '0' }, key: 'timeoutMs', is: undefined },
  { why: 'more than a timer can wait', fields: { proxy_timeout: '99999999' }, key: 'timeoutMs', is: 2_147_483_647 },
  { why: 'refresh in seconds', fields: { proxy_refresh: '450' }, key: 'refreshSecs', is: 450 },
  { why: 'the threshold has a default', fields: {}, key: 'immediateFailureAfterMs', is: 30_000 },
  {
    why: 'the threshold with its unit',
    fields: { proxy_host_immediate_failure_after: '1 min' },
    key: 'immediateFailureAfterMs',
    is: 60_000,
  },
  { why: 'PROXY header for the backend', fields: { haproxy: 'v2' }, key: 'haproxy', is: 'v2' },
]

test('good values are read', () => {
  for (const { why, fields, key, is } of good) {
    const result = read(fields)
    assert.deepEqual(result.fields[key], is, why)
    assert.deepEqual(result.problems, [], why)
    assert.equal(result.fields.unusable, undefined, why)
  }
})

const wrong: readonly {
  fields: Record<string, string>
  problem: string
  key: 'port' | 'timeoutMs' | 'refreshSecs' | 'immediateFailureAfterMs'
  is: unknown
}[] = [
  {
    fields: { port: '999999' },
    problem: 'Auth service returned invalid port number: 999999',
    key: 'port',
    is: undefined,
  },
  { fields: { port: '0' }, problem: 'Auth service returned invalid port number: 0', key: 'port', is: undefined },
  { fields: { port: '' }, problem: 'Auth service returned invalid port number: ', key: 'port', is: undefined },
  { fields: { port: '14x3' }, problem: 'Auth service returned invalid port number: 14x3', key: 'port', is: undefined },
  {
    fields: { proxy_timeout: 'abc' },
    problem: "BUG: Auth service returned invalid proxy_timeout value 'abc': Invalid time interval: abc",
    key: 'timeoutMs',
    is: undefined,
  },
  {
    fields: { proxy_refresh: 'x' },
    problem: 'BUG: Auth service returned invalid proxy_refresh value: x',
    key: 'refreshSecs',
    is: undefined,
  },
  {
    fields: { proxy_host_immediate_failure_after: '1' },
    problem:
      "BUG: Auth service returned invalid proxy_host_immediate_failure_after value '1': Time interval '1' is missing units (add e.g. 's' for seconds)",
    key: 'immediateFailureAfterMs',
    is: 30_000,
  },
]

test('wrong values are told in the words of Dovecot 2.3.19, and the default is used', () => {
  for (const { fields, problem, key, is } of wrong) {
    const result = read(fields)
    assert.deepEqual(result.problems, [problem])
    assert.equal(result.fields[key], is, problem)
  }
})

test('an unknown PROXY header version makes the fields unusable', () => {
  assert.equal(read({ haproxy: 'v3' }).fields.unusable, 'Unknown haproxy version v3')
})

test('an empty pass is a password', () => {
  assert.equal(read({ pass: '' }).fields.pass?.isEmpty, true)
  assert.equal(read({}).fields.pass, undefined)
})

test('forward fields lose their prefix and keep their case; values that say nothing become null', () => {
  const { forward } = read({
    forward_Tenant: 'acme',
    forward_flag: '',
    forward_nil: 'NIL',
    forward_: 'x',
    proxy: 'y',
  }).fields
  assert.deepEqual(
    [...forward],
    [
      ['Tenant', 'acme'],
      ['flag', null],
      ['nil', null],
    ],
  )
})

test('alternative user names keep their prefix', () => {
  const { alternatives } = read({ user_alt: 'joejoe', user: 'joe', username: 'j' }).fields
  assert.deepEqual([...alternatives], [['user_alt', 'joejoe']])
})

test('names of Object.prototype are nothing special', () => {
  const { fields, problems } = read({ forward_constructor: 'x', forward___proto__: 'y' })
  assert.deepEqual([...fields.forward.keys()], ['constructor', '__proto__'])
  assert.deepEqual(problems, [])
})
