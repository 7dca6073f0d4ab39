import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSettings } from '../../test/support/protocol-session.ts'
import type { UserdbLookup } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import { explainRoute, type RouteScene } from './explain-route.ts'

interface Given {
  readonly fields: Readonly<Record<string, string>>
  readonly service?: string
  readonly settings?: Partial<Settings>
  readonly dns?: readonly string[]
  readonly userdb?: UserdbLookup
}

async function explain({ fields, service = 'imap', settings, dns, userdb }: Given): Promise<readonly string[]> {
  const endpoint = { ip: '192.0.2.1', port: 143 }
  const scene: RouteScene = {
    connection: {
      service,
      session: 's',
      local: endpoint,
      remote: { ip: '192.0.2.9', port: 1 },
      realLocal: endpoint,
      realRemote: { ip: '192.0.2.9', port: 1 },
      secured: 'TLS',
      forward: new Map(),
    },
    settings: testSettings(settings),
    hostname: 'here',
    proxySelf: new Set(),
    auth: { lookupUser: async () => await Promise.resolve(userdb ?? { kind: 'unknown' }) },
    lookUp: async () => {
      if (dns === undefined) throw new Error('no such name')
      return await Promise.resolve(dns)
    },
    signal: new AbortController().signal,
  }
  const user = {
    user: 'joe',
    asked: 'Joe',
    masterUser: undefined,
    mechanism: 'PLAIN',
    fields: new Map(Object.entries(fields)),
    userdbFields: new Map<string, string>(),
  }
  const { kind, text, details } = await explainRoute(user, scene)
  return [`${kind}: ${text}`, ...details.map(([name, value]) => `${name}: ${value}`)]
}

const PROXY = { proxy: 'y', host: '10.0.0.5' }

test('where a session goes, and how, line by line', async () => {
  const rows: readonly [given: Given, line: string, why: string][] = [
    [{ fields: PROXY }, 'proxy: proxied to 10.0.0.5, port 143', 'the default port'],
    [{ fields: { ...PROXY, ssl: 'yes' } }, 'address: 10.0.0.5 port 993', 'of TLS'],
    [{ fields: PROXY }, 'TLS: none: everything crosses the network in clear', 'no TLS'],
    [
      { fields: { proxy: 'y', host: 'mail1', starttls: 'y' }, dns: ['10.0.0.7', '10.0.0.8'] },
      "TLS: STARTTLS, or the login fails; the certificate must be valid for mail1, by the system's authorities",
      'names are checked',
    ],
    [
      { fields: { ...PROXY, ssl: 'y' }, settings: { ssl_client_ca_file: '/ca.pem', ssl_client_cert: 'x' } },
      'TLS: from the first byte; the certificate must be valid for 10.0.0.5, by ssl_client_ca_file = /ca.pem; ours is ssl_client_cert',
      'whom to trust',
    ],
    [
      { fields: { ...PROXY, ssl: 'any-cert' } },
      'TLS: from the first byte; the certificate is not checked',
      'or not to care',
    ],
    [
      { fields: { proxy: 'y', host: 'mail1' }, dns: ['10.0.0.7', '10.0.0.8'] },
      'DNS: mail1 is 10.0.0.7, 10.0.0.8',
      'DNS',
    ],
    [
      { fields: { proxy: 'y', host: 'mail1' }, dns: ['10.0.0.7'] },
      'address: 10.0.0.7 port 143 (host mail1)',
      'the address',
    ],
    [{ fields: { proxy: 'y', host: 'mail1' } }, 'broken: DNS lookup for mail1 failed: no such name', 'no address'],
    [{ fields: { ...PROXY, source_ip: '10.0.0.1' } }, 'source address: 10.0.0.1 (source_ip)', 'from a field'],
    [
      { fields: PROXY, settings: { login_source_ips: ['?10.0.0.1', '10.0.0.2'] } },
      'source address: in turn from login_source_ips: ?10.0.0.1 10.0.0.2',
      'from a setting',
    ],
    [{ fields: { ...PROXY, haproxy: 'v2' } }, 'PROXY header: v2', 'a PROXY header'],
    [{ fields: { ...PROXY, forward_a: 'b', forward_token: 't0k' } }, 'forwarded: a=b, token=[secret]', 'no secrets'],
    [{ fields: { ...PROXY, proxy_not_trusted: '' } }, 'client identity: not told (proxy_not_trusted)', 'discreetly'],
    [
      { fields: { ...PROXY, port: 'x' } },
      'problem: Auth service returned invalid port number: x',
      'wrong fields are told',
    ],
    [{ fields: { ...PROXY, proxy_timeout: '5' } }, 'time limit: 5 s, at most 4 attempts', 'time'],
    [{ fields: { proxy: 'y' } }, 'broken: cannot be proxied: host not given', 'nowhere to go'],
    [
      { fields: { ...PROXY, proxy_mech: 'foo' } },
      'broken: cannot be proxied: Unsupported SASL mechanism FOO',
      'unspeakable',
    ],
    [
      {
        fields: { proxy_maybe: 'y', host: '192.0.2.1' },
        userdb: { kind: 'found', user: 'joe', fields: new Map([['home', '/h']]) },
      },
      'local: served on this server',
      'proxy_maybe that is here',
    ],
    [
      { fields: {}, userdb: { kind: 'found', user: 'joe', fields: new Map([['home', '/h']]) } },
      'userdb home: /h',
      'with what the userdb says',
    ],
    [{ fields: {} }, 'problem: the userdbs do not know the user: the login fails', 'or does not say'],
    [{ fields: {}, userdb: { kind: 'temporary' } }, 'problem: a userdb failed: the login fails for now', 'or cannot'],
    [{ fields: { nologin: '', reason: 'Moved' } }, 'refuse: refused: nologin (reason: Moved)', 'refused'],
    [
      { fields: { nologin: '', host: 'mail9' } },
      'refuse: refused: the client is referred to mail9',
      'or sent elsewhere',
    ],
    [
      { fields: PROXY, service: 'lmtp', settings: { lmtp_proxy: true } },
      'proxy: proxied to 10.0.0.5, port 143',
      'LMTP goes to the port it came to',
    ],
    [
      { fields: { ...PROXY, protocol: 'smtp', destuser: 'j' }, service: 'lmtp', settings: { lmtp_proxy: true } },
      'recipient: j',
      'whose recipients change their names',
    ],
    [
      { fields: { ...PROXY, protocol: 'uucp' }, service: 'lmtp', settings: { lmtp_proxy: true } },
      'broken: cannot be proxied: Unknown protocol uucp',
      'to what is known',
    ],
    [{ fields: PROXY, service: 'lmtp' }, 'local: delivered here: lmtp_proxy = no', 'when it may'],
    [
      { fields: PROXY, service: 'doveadm' },
      'refuse: no proxy for service doveadm: the fields are what it gets',
      'no door',
    ],
  ]
  for (const [given, line, why] of rows) {
    const lines = await explain(given)
    assert.ok(lines.includes(line), `${why}: ${line}\n${lines.join('\n')}`)
  }
})
