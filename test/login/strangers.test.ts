import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Accepted } from '../../src/login/environment.ts'
import type { ProxyHeader } from '../../src/net/haproxy-header.ts'
import { makeCertificate } from '../support/certificates.ts'
import { serving } from '../support/tls-settings.ts'
import { type Door, type DoorOptions, openDoor } from './door.ts'

const certificate = await makeCertificate(undefined, { names: ['imap.example.org'] })
const other = await makeCertificate(undefined, { names: ['other.example.org'] })
const TLS = serving(certificate)

const MECHANISMS = [
  { name: 'PLAIN', plaintext: true },
  { name: 'CRAM-MD5', plaintext: false },
] as const

const haproxy = (changes: Partial<ProxyHeader>): Partial<Accepted> => ({
  haproxy: { source: { ip: '10.1.1.1', port: 333 }, destination: { ip: '10.2.2.2', port: 444 }, ...changes },
})

const states: readonly { why: string; from?: string; options: DoorOptions; is: string }[] = [
  { why: 'from this host', options: { settings: { disable_plaintext_auth: true } }, is: 'secured; PLAIN CRAM-MD5' },
  { why: 'from another', from: '127.0.0.2', options: { settings: { disable_plaintext_auth: true } }, is: '; CRAM-MD5' },
  {
    why: 'plaintext allowed',
    from: '127.0.0.2',
    options: { settings: { disable_plaintext_auth: false } },
    is: '; PLAIN CRAM-MD5',
  },
  {
    why: 'TLS on offer',
    from: '127.0.0.2',
    options: { settings: { ...TLS, disable_plaintext_auth: true } },
    is: 'offers; CRAM-MD5',
  },
  { why: 'ssl=no', from: '127.0.0.2', options: { settings: { ...TLS, ssl: 'no' } }, is: '; PLAIN CRAM-MD5' },
  { why: 'ssl=required', from: '127.0.0.2', options: { settings: { ...TLS, ssl: 'required' } }, is: 'offers; ' },
  {
    why: 'ssl=required, from this host',
    options: { settings: { ...TLS, ssl: 'required' } },
    is: 'secured offers; PLAIN CRAM-MD5',
  },
  {
    why: 'trusted',
    from: '127.0.0.2',
    options: { settings: { disable_plaintext_auth: true, login_trusted_networks: ['127.0.0.2'] } },
    is: 'secured trusted; PLAIN CRAM-MD5',
  },
  {
    why: 'behind HAProxy being on the same host means nothing',
    options: { settings: { disable_plaintext_auth: true }, accepted: haproxy({}) },
    is: '; CRAM-MD5',
  },
  {
    why: 'behind HAProxy with TLS',
    options: { settings: { disable_plaintext_auth: true }, accepted: haproxy({ tls: { certificateVerified: false } }) },
    is: 'secured; PLAIN CRAM-MD5',
  },
  {
    why: 'behind HAProxy the address in the header is the one to trust',
    options: { settings: { login_trusted_networks: ['10.1.0.0/16'] }, accepted: haproxy({}) },
    is: 'secured trusted; PLAIN CRAM-MD5',
  },
]

for (const { why, from, options, is } of states) {
  test(`what a connection is worth: ${why}`, async (t) => {
    const door = await openDoor(t, { mechanisms: MECHANISMS, ...options })
    const client = await door.client(from === undefined ? {} : { localAddress: from })
    client.send('a STATE')
    assert.deepEqual((await client.linesUntil(/^a OK/)).at(-1), `a OK ${is}`)
  })
}

const refusals: readonly {
  why: string
  mechanism: string
  settings: DoorOptions['settings']
  reply: string
  line?: RegExp
}[] = [
  {
    why: 'plaintext on an insecure connection',
    mechanism: 'PLAIN',
    settings: { disable_plaintext_auth: true, auth_verbose: true },
    reply: 'a NO refused plaintext-disabled',
    line: /imap-login: info: Authenticate PLAIN failed: Plaintext authentication disabled\.: user=<>, method=PLAIN/,
  },
  {
    why: 'anything where TLS is required',
    mechanism: 'CRAM-MD5',
    settings: { ssl: 'required', auth_verbose: true },
    reply: 'a NO refused tls-required',
    line: /imap-login: info: Login failed: SSL required for authentication: user=<>, method=CRAM-MD5/,
  },
  { why: 'an unknown mechanism', mechanism: 'foo', settings: {}, reply: 'a NO refused unsupported-mechanism' },
]

for (const { why, mechanism, settings, reply, line } of refusals) {
  test(`refused before any database is asked: ${why}`, async (t) => {
    const door = await openDoor(t, { mechanisms: MECHANISMS, ...(settings === undefined ? {} : { settings }) })
    const client = await door.client({ localAddress: '127.0.0.2' })
    client.send(`a AUTH ${mechanism}`)
    await client.linesUntil(new RegExp(`^${reply}$`))
    assert.equal(door.asked.length, 0)
    if (line !== undefined) await door.logged(line)
  })
}

for (const settings of [{ disable_plaintext_auth: true }, { ssl: 'required' }] as const) {
  test(`a password shown in clear by the simple command has its own words: ${Object.keys(settings)[0]}`, async (t) => {
    const door = await openDoor(t, { settings: { ...settings, auth_verbose: true } })
    const client = await door.client({ localAddress: '127.0.0.2' })
    client.send('a LOGIN joe pw')
    await client.linesUntil(/^a NO refused plaintext-disabled/)
    client.close()
    await door.logged(/imap-login: info: Login failed: Plaintext authentication disabled: user=<>, rip=127/)
    await door.logged(/Disconnected: Connection closed \(auth failed, 1 attempts in \d+ secs\): user=<joe>, rip=127/)
  })
}

test('a trusted peer says who its client is, and the settings follow', async (t) => {
  const door = await openDoor(t, {
    settings: { login_trusted_networks: ['127.0.0.1'], login_proxy_timeout: 1 },
    settingsFor: ({ remoteIp }, base) => (remoteIp === '192.0.2.9' ? { ...base, login_greeting: 'other' } : base),
  })
  const client = await door.client()
  await client.expect(/\[FORWARD\]$/)
  client.send('a FORWARD session=abc rip=192.0.2.9 lip=192.0.2.1 ttl=3 x-tenant=acme', 'b LOGIN joe pw')
  await client.expect('a OK abc')
  await client.expect('b NO refused failed')
  const [asked] = door.asked
  assert.equal(asked?.session, 'abc')
  assert.equal(asked?.remote.ip, '192.0.2.9')
  assert.equal(asked?.local.ip, '192.0.2.1')
  assert.equal(asked?.realRemote.ip, '127.0.0.1')
  assert.deepEqual([...(asked?.forward ?? [])], [['tenant', 'acme']])
  client.close()
  await door.logged(
    /Disconnected: .* user=<joe>, method=PLAIN, rip=192\.0\.2\.9, lip=192\.0\.2\.1, secured, session=<abc>/,
  )
})

test('a PROXY header without addresses leaves those of the socket', async (t) => {
  const door = await openDoor(t, { accepted: { haproxy: {} } })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO/)
  assert.equal(door.asked[0]?.remote.ip, '127.0.0.1')
})

test('nobody else is believed', async (t) => {
  const door = await openDoor(t)
  const client = await door.client()
  client.send('a FORWARD session=abc rip=192.0.2.9', 'b LOGIN joe pw')
  await client.linesUntil(/^b NO/)
  assert.notEqual(door.asked[0]?.session, 'abc')
  assert.equal(door.asked[0]?.remote.ip, '127.0.0.1')
  assert.ok(door.log.some((line) => line.startsWith('imap-login: debug: Ignoring forwarded client address')))
})

test('behind HAProxy the header gives the addresses, and the socket keeps its own', async (t) => {
  const door = await openDoor(t, {
    accepted: { ...haproxy({ authority: 'imap.example.org', tls: { commonName: 'joe', certificateVerified: true } }) },
  })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO/)
  const [asked] = door.asked
  assert.deepEqual(asked?.remote, { ip: '10.1.1.1', port: 333 })
  assert.deepEqual(asked?.local, { ip: '10.2.2.2', port: 444 })
  assert.equal(asked?.realRemote.ip, '127.0.0.1')
  assert.equal(asked?.localName, 'imap.example.org')
  assert.equal(asked?.certificateUser, 'joe')
  const bytes = Buffer.from(asked?.session ?? '', 'base64')
  assert.deepEqual([...bytes.subarray(6)], [333 & 255, 333 >> 8, 10, 1, 1, 1])
})

async function secured(
  t: TestContext,
  ssl: boolean,
  servername?: string,
): Promise<{ door: Door; state: string; subject: string }> {
  const door = await openDoor(t, {
    mechanisms: MECHANISMS,
    settings: { ...TLS, disable_plaintext_auth: true },
    settingsFor: ({ localName }, base) =>
      localName === 'other.example.org' ? { ...base, ...serving(other), login_greeting: 'other' } : base,
    accepted: { ssl },
  })
  const tls = { rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) }
  const client = await door.client({ localAddress: '127.0.0.2', ...(ssl ? { tls } : {}) })
  if (!ssl) {
    client.send('s STARTTLS')
    await client.linesUntil(/^s OK/)
    await client.startTlsAsClient(tls)
  }
  client.send('a STATE')
  const state = (await client.linesUntil(/^a OK/)).at(-1) ?? ''
  const subject = client.tls?.getPeerX509Certificate()?.subjectAltName ?? ''
  client.close()
  return { door, state, subject }
}

for (const ssl of [true, false]) {
  test(`${ssl ? 'TLS from the first byte' : 'STARTTLS'} secures a connection`, async (t) => {
    const { door, state, subject } = await secured(t, ssl)
    assert.equal(state, 'a OK secured tls; PLAIN CRAM-MD5')
    assert.equal(subject, 'DNS:imap.example.org')
    await door.logged(
      /Disconnected: Connection closed \(no auth attempts in \d+ secs\): user=<>, rip=127\.0\.0\.2, lip=127\.0\.0\.1, TLS, session=</,
    )
  })

  test(`the name asked for in ${ssl ? 'TLS' : 'STARTTLS'} chooses certificate and settings`, async (t) => {
    const { subject, door } = await secured(t, ssl, 'other.example.org')
    assert.equal(subject, 'DNS:other.example.org')
    await door.empty()
  })
}

test('the greeting tells what it is asked to', async (t) => {
  const door = await openDoor(t, {
    settings: { ...TLS, login_greeting: '%s at %l for %r, %{local_name}' },
    accepted: { ssl: true },
  })
  const tls = { rejectUnauthorized: false, servername: 'imap.example.org' }
  const client = await door.client({ localAddress: '127.0.0.2', tls })
  await client.expect('* OK imap at 127.0.0.1 for 127.0.0.2, imap.example.org')
})

test('where a certificate is required, its absence is why a stranger left', async (t) => {
  const settings = { ...TLS, auth_ssl_require_client_cert: true, ssl_verify_client_cert: true, ssl_ca: other.cert }
  const door = await openDoor(t, { settings: { ...settings, ssl_require_crl: false }, accepted: { ssl: true } })
  const tls = { rejectUnauthorized: false }
  const [without, wrong] = [await door.client({ tls }), await door.client({ tls: { ...tls, ...certificate } })]
  for (const client of [without, wrong]) client.close()
  await door.logged(/Disconnected: Connection closed \(client didn't send a cert\)/)
  await door.logged(/Disconnected: Connection closed \(client sent an invalid cert\)/)
})

test('a client that speaks no TLS where TLS comes first is told to the log', async (t) => {
  const door = await openDoor(t, { settings: TLS, accepted: { ssl: true } })
  const client = await door.client({ localAddress: '127.0.0.2' })
  client.send('a LOGIN joe pw')
  const line = await door.logged(/Disconnected/)
  assert.match(
    line,
    /Disconnected: Connection closed: SSL_accept\(\) failed: error:.* \(no auth attempts in \d+ secs\): user=<>, rip=127\.0\.0\.2, lip=127\.0\.0\.1, TLS handshaking: SSL_accept\(\) failed: error:/,
  )
  await door.empty()
})

test('a certificate that cannot be used ends the connection, not the process', async (t) => {
  const door = await openDoor(t, { settings: { ssl_cert: 'garbage' }, accepted: { ssl: true } })
  const client = await door.client()
  await client.expectEnd()
  await door.logged(
    /imap-login: error: Failed to initialize SSL: .*\(ssl_cert setting\): There is no valid PEM certificate/,
  )
  await door.empty()
})

const departures: readonly { why: string; say: readonly string[]; line: RegExp }[] = [
  { why: 'at once', say: [], line: /Disconnected: Connection closed \(no auth attempts in \d+ secs\): user=<>, rip=/ },
  {
    why: 'by LOGOUT',
    say: ['a LOGOUT'],
    line: /Disconnected: Aborted login by logging out \(no auth attempts in \d+ secs\): user=<>/,
  },
  {
    why: 'after a wrong password',
    say: ['a LOGIN joe wrong'],
    line: /Disconnected: Connection closed \(auth failed, 1 attempts in \d+ secs\): user=<joe>, method=PLAIN/,
  },
  {
    why: 'after two',
    say: ['a LOGIN joe wrong', 'b LOGIN joe wrong'],
    line: /Disconnected: Connection closed \(auth failed, 2 attempts in \d+ secs\)/,
  },
  {
    why: 'after a remark of the protocol',
    say: ['a REMARK'],
    line: /Disconnected: Connection closed \(tried to use disallowed plaintext auth\)/,
  },
  {
    why: 'in the middle of SASL',
    say: ['a AUTH PLAIN'],
    line: /Disconnected: Connection closed \(client didn't finish SASL auth, waited \d+ secs\)/,
  },
  {
    why: 'after a disabled login',
    say: ['a LOGIN gone pw'],
    line: /Disconnected: Connection closed \(internal failure, 1 successful auths\): user=<gone>/,
  },
]

for (const { why, say, line } of departures) {
  test(`how a stranger left: ${why}`, async (t) => {
    const door = await openDoor(t, { users: { joe: {}, gone: { nologin: 'y' } } })
    const client = await door.client()
    await client.line()
    client.send(...say)
    for (let i = 0; i < say.length; i++) await client.line()
    client.close()
    await door.logged(line)
    await door.empty()
    assert.equal(door.log.filter((text) => text.includes('Disconnected')).length, 1)
    assert.ok(!door.log.some((text) => text.includes('BUG')), door.log.join('\n'))
    assert.equal(door.events.filter(({ name }) => name === 'login_aborted').length, 1)
  })
}

test('a client that finished sending still gets its answers, but no backend', async (t) => {
  const joe = { proxy: 'y', host: '127.0.0.1', port: '1' }
  const door = await openDoor(t, { users: { joe, jane: {} } })
  const client = await door.client()
  client.send('a LOGIN jane wrong', 'b NOOP', 'c LOGIN joe pw')
  client.close()
  await client.linesUntil(/^a NO refused failed$/)
  await client.expect('b OK')
  await client.expect('c NO proxy-failed later')
  await client.expectEnd()
  assert.equal(door.events.filter(({ name }) => name === 'proxy_session_failed').length, 0)
  await door.logged(
    /Disconnected: Connection closed \(disconnected while finishing login, waited \d+ secs\): user=<joe>/,
  )
})

test('a bug in a dialogue ends that session, with one line, and no other', async (t) => {
  const door = await openDoor(t)
  const [client, bystander] = [await door.client(), await door.client()]
  client.send('a BUG')
  await client.linesUntil(/^\* OK/)
  await client.expectEnd()
  await door.logged(/imap-login: error: BUG: TypeError: the dialogue has a bug/)
  bystander.send('a NOOP')
  await bystander.linesUntil(/^a OK/)
  assert.equal(door.service.registry.size, 1)
})

test('a fault before the first byte, or behind the last, is told and nothing stays open', async (t) => {
  const users = { joe: {} }
  const settingsFor = (): never => assert.fail('no settings today')
  const serveLocal = async (): Promise<void> => await Promise.reject(new TypeError('no mail today'))
  const [first, last] = [await openDoor(t, { settingsFor }), await openDoor(t, { users, serveLocal })]
  await (await first.client()).expectEnd()
  await first.logged(/imap-login: error: BUG: AssertionError.*no settings today/)
  const client = await last.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK local/)
  await client.expectEnd()
  await last.logged(/imap-login: error: BUG: TypeError: no mail today/)
  await last.empty()
})

test('a user without proxy fields is served here, where there is a mail service', async (t) => {
  const door = await openDoor(t, {
    users: { joe: {} },
    serveLocal: async (stream, user) => {
      stream.write(`* serving ${user}\r\n`)
      await stream.close()
    },
  })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK local/)
  await client.expect('* serving joe')
  await client.expectEnd()
  await door.logged(/imap-login: info: Login: user=<joe>/)
  await door.empty()
})

test('and is told to come later where there is none', async (t) => {
  const door = await openDoor(t, { users: { joe: {} } })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO proxy-failed later$/)
  await door.logged(/imap-login: error: User joe is to be served here, but there is no local mail service/)
})

test('the oldest stranger makes room when the service is full', async (t) => {
  const door = await openDoor(t, { maxConnections: 2 })
  const oldest = await door.client()
  await oldest.line()
  const second = await door.client()
  await second.line()
  const third = await door.client()
  await third.line()
  await oldest.expect('* BYE too-many-connections')
  await oldest.expectEnd()
  second.send('a NOOP')
  await second.expect('a OK')
  await door.logged(/Disconnected: Connection queue full \(no auth attempts in \d+ secs\)/)
  assert.equal(door.service.registry.size, 2)
})

test('a service full of users takes nobody more', async (t) => {
  const waiting = Promise.withResolvers<void>()
  const door = await openDoor(t, {
    maxConnections: 1,
    users: { joe: {} },
    serveLocal: async (stream) => {
      await waiting.promise
      stream.destroy()
    },
  })
  const user = await door.client()
  user.send('a LOGIN joe pw')
  await user.linesUntil(/^a OK local/)
  const late = await door.client()
  await late.expect('* BYE too-many-connections')
  await late.expectEnd()
  waiting.resolve()
})
