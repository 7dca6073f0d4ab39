import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseProxyHeader } from '../../src/net/haproxy-parse.ts'
import type { Observer } from '../../src/observe/events.ts'
import { type BackendScript, type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import { type Door, type DoorOptions, openDoor } from './door.ts'

const BANNER = '* OK ready'

/** Lets everybody in, and then echoes lines. */
const welcoming: BackendScript = async (wire) => {
  wire.send(BANNER)
  await wire.expect('L LOGIN joe pw')
  wire.send('L OK Logged in')
  for (;;) wire.send(`* ECHO ${await wire.line()}`)
}

/** Hears the login and never answers. */
function silent(asked: PromiseWithResolvers<void>): BackendScript {
  return async (wire) => {
    wire.send(BANNER)
    await wire.linesUntil(/^L LOGIN/)
    asked.resolve()
  }
}

async function setUp(
  t: TestContext,
  script: BackendScript,
  options: DoorOptions & { fields?: Record<string, string> } = {},
): Promise<{ door: Door; backend: ScriptedBackend }> {
  const backend = await startScriptedBackend(script)
  t.after(async () => await backend.close())
  const joe = { proxy: 'y', host: '127.0.0.1', port: String(backend.port), ...options.fields }
  return { door: await openDoor(t, { users: { joe }, ...options }), backend }
}

test('a user is proxied: events, log lines and bytes both ways [row 47 39]', async (t) => {
  const { door, backend } = await setUp(t, welcoming, { fields: { user_alt: 'joejoe' } })
  const client = await door.client()
  await client.expect('* OK Dovecot (Debian) ready.')
  client.send('a LOGIN joe pw')
  await client.expect('a OK Logged in')
  client.send('hello')
  await client.expect('* ECHO hello')
  const [listed] = door.service.registry.list()
  assert.equal(listed?.state, 'proxied')
  assert.deepEqual([...(listed?.alternatives ?? [])], [['user_alt', 'joejoe']])
  assert.deepEqual(listed?.backend?.port, backend.port)
  client.close()
  await client.expectEnd()
  const finished = await door.event('proxy_session_finished')
  assert.equal(finished.disconnect_side, 'client')
  await door.empty()
  const at = `127.0.0.1:${backend.port}`
  const session = `user=<joe>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<${finished.session}>`
  const [started, ended] = door.log.filter((line) => line.startsWith('imap-login: info:'))
  assert.match(
    started ?? '',
    new RegExp(
      `^imap-login: info: proxy\\(joe,${at}\\): Started proxying to <127\\.0\\.0\\.1> \\(\\d+\\.\\d{3} secs\\): `,
    ),
  )
  assert.ok(started?.endsWith(session), started)
  const sent = `in=${backend.connections[0]?.received.length}, out=${client.received.length}`
  assert.equal(
    ended?.replace(/\(\d+s idle/, '(Ns idle'),
    `imap-login: info: proxy(joe,${at}): Disconnected by client (Ns idle, ${sent}): ${session}`,
  )
  assert.deepEqual(
    door.events.map(({ name }) => name),
    [
      'connection_opened',
      'proxy_session_started',
      'login_attempt_finished',
      'proxy_session_established',
      'proxy_session_finished',
    ],
  )
})

test('what a client pipelines behind LOGIN reaches the backend after its OK, in order', async (t) => {
  const { door } = await setUp(t, welcoming)
  const client = await door.client()
  client.send('a LOGIN joe pw', 'b SELECT INBOX', 'c NOOP')
  await client.linesUntil(/^a OK/)
  await client.expect('* ECHO b SELECT INBOX')
  await client.expect('* ECHO c NOOP')
})

test('bytes that the backend sends right behind its OK reach the client', async (t) => {
  const { door } = await setUp(t, async (wire) => {
    wire.send(BANNER)
    await wire.linesUntil(/^L LOGIN/)
    wire.send('L OK in', '* 1 EXISTS', '* BYE and gone')
    wire.close()
  })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK/)
  await client.expect('* 1 EXISTS')
  await client.expect('* BYE and gone')
  await client.expectEnd()
  assert.equal((await door.event('proxy_session_finished')).disconnect_side, 'server')
  await door.empty()
})

test('a refused client may try again on the same connection', async (t) => {
  const { door } = await setUp(t, async (wire, number) => {
    wire.send(BANNER)
    await wire.linesUntil(/^L LOGIN/)
    wire.send(number === 1 ? 'L NO no' : 'L OK in')
  })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO backend-refused NO no$/)
  client.send('b LOGIN joe pw')
  await client.linesUntil(/^b OK/)
  await door.event('proxy_session_established')
})

test('a client that leaves during the backend login leaves nothing behind', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { door, backend } = await setUp(t, silent(asked))
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await asked.promise
  assert.equal(door.service.registry.list()[0]?.state, 'backend-login')
  client.destroy()
  await door.empty()
  const line = await door.logged(/Disconnected/)
  assert.match(
    line,
    /Disconnected: Connection closed \(disconnected while finishing login, waited \d+ secs\): user=<joe>/,
  )
  assert.ok(!door.log.some((text) => text.includes('error')), door.log.join('\n'))
  await (await backend.connection(1)).expectEnd()
})

test('one LOGIN that goes wrong inside us ends that login only', async (t) => {
  const { door } = await setUp(t, welcoming, {
    authenticate: async () => await Promise.reject(new TypeError('x is undefined')),
  })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO refused temporary$/)
  client.send('b NOOP')
  await client.expect('b OK')
  assert.match(await door.logged(/BUG/), /imap-login: error: BUG: TypeError: x is undefined/)
  assert.equal(door.log.filter((line) => line.includes('BUG')).length, 1)
})

test('a session that cannot be joined ends with both its connections and leaves its place', async (t) => {
  const observer: Observer = {
    emit(name) {
      if (name === 'proxy_session_established') throw new TypeError('y is undefined')
    },
    log() {},
    hears: () => true,
  }
  const { door, backend } = await setUp(t, welcoming, { proxy: { observer }, maxConnections: 1 })
  const client = await door.client()
  await client.expect('* OK Dovecot (Debian) ready.')
  client.send('a LOGIN joe pw')
  await client.expect('a OK Logged in')
  await client.expectEnd()
  await backend.connections[0]?.expectEnd()
  assert.match(await door.logged(/BUG/), /imap-login: error: BUG: TypeError: y is undefined/)
  await door.empty()
  const next = await door.client()
  await next.expect('* OK Dovecot (Debian) ready.')
  next.send('a NOOP')
  await next.expect('a OK')
  assert.equal(door.service.registry.size, 1)
})

test('kicked sessions end without a word and say who did it', async (t) => {
  const { door } = await setUp(t, welcoming)
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK/)
  await door.event('proxy_session_established')
  assert.equal(
    door.service.registry.kick(({ user }) => user === 'jane', 'Kicked by admin'),
    0,
  )
  assert.equal(
    door.service.registry.kick(({ user }) => user === 'joe', 'Kicked by admin'),
    1,
  )
  await client.expectEnd()
  assert.match(
    await door.logged(/Disconnected by/),
    /: Disconnected by proxy: Kicked by admin \(\d+s idle, in=\d+, out=\d+\): user=<joe>/,
  )
  await door.empty()
})

test('a kick during the backend login ends both connections', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { door, backend } = await setUp(t, silent(asked))
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await asked.promise
  assert.equal(
    door.service.registry.kick(() => true, 'Kicked by admin'),
    1,
  )
  await door.empty()
  await (await backend.connection(1)).expectEnd()
  assert.match(await door.logged(/Kicked/), /Disconnected: Kicked by admin \(disconnected while finishing login/)
})

test('clients that lose their backend together go one after the other, unlisted meanwhile', async (t) => {
  const { door, backend } = await setUp(t, welcoming, { settings: { login_proxy_max_disconnect_delay: 2000 } })
  const clients = []
  for (let i = 0; i < 4; i++) {
    const client = await door.client()
    client.send('a LOGIN joe pw')
    await client.linesUntil(/^a OK/)
    clients.push(client)
  }
  await door.event('proxy_session_established', 4)
  for (const connection of backend.connections) connection.destroy()
  await door.event('proxy_session_finished', 4)
  assert.equal(door.service.registry.size, 0)
  assert.ok(
    clients.some((client) => !client.ended),
    'not all at once',
  )
  for (const client of clients) await client.expectEnd()
  const delayed = door.log.filter((line) => / - disconnecting client in \d+ms: user=<joe>/.test(line))
  assert.ok(delayed.length > 0 && delayed.length < 4, door.log.join('\n'))
})

test('a PROXY header goes to the backend in front of everything', async (t) => {
  const { door, backend } = await setUp(
    t,
    async (wire) => {
      await wire.expect(/^PROXY TCP4 127\.0\.0\.2 127\.0\.0\.1 \d+ \d+$/)
      wire.send(BANNER)
      await wire.expect('L LOGIN joe pw')
      wire.send('L OK in')
    },
    { fields: { haproxy: 'v1' } },
  )
  const client = await door.client({ localAddress: '127.0.0.2' })
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK/)
  assert.deepEqual(backend.faults, [])
})

test('a client that came to a balancer over TLS came over TLS for the backend, too [field haproxy: imap]', async (t) => {
  const source = { ip: '192.0.2.1', port: 5000 }
  const destination = { ip: '192.0.2.2', port: 993 }
  const first = Promise.withResolvers<Buffer>()
  const { door } = await setUp(
    t,
    async (wire) => {
      // Addresses and ports, then TLVs; a checksum of seven bytes ends them.
      const header = await wire.bytes(16 + 12 + 8 + 7)
      first.resolve(header)
      await welcoming(wire, 1)
    },
    {
      fields: { haproxy: 'v2' },
      accepted: { haproxy: { source, destination, tls: { certificateVerified: false } } },
    },
  )
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK/)
  const parsed = parseProxyHeader(await first.promise)
  assert.deepEqual(parsed.kind === 'header' && parsed.header, {
    source,
    destination,
    tls: { certificateVerified: false },
  })
})

const broken: readonly { why: string; fields: Record<string, string>; reply: RegExp; line: RegExp }[] = [
  {
    why: 'no host',
    fields: { host: '' },
    reply: /^a NO proxy-failed later$/,
    line: /imap-login: error: proxy\(joe\): host not given: user=<joe>/,
  },
  {
    why: 'unknown mechanism',
    fields: { proxy_mech: 'cram-md5' },
    reply: /^a NO proxy-failed later$/,
    line: /imap-login: error: proxy\(joe\): Unsupported SASL mechanism CRAM-MD5: user=<joe>/,
  },
  {
    why: 'wrong hostip beside a name',
    fields: { host: 'a.example', hostip: 'zzz' },
    reply: /^a NO refused failed$/,
    line: /auth: error: Invalid hostip in passdb: zzz$/,
  },
  {
    why: 'a name that does not exist',
    fields: { host: 'no.such.invalid' },
    reply: /^a NO refused temporary$/,
    line: /auth: error: DNS lookup for no\.such\.invalid failed: Name or service not known$/,
  },
]

for (const { why, fields, reply, line } of broken) {
  test(`a database that says something useless is an answer, not a fault: ${why}`, async (t) => {
    const lookUp = async (): Promise<readonly string[]> =>
      await Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))
    const { door, backend } = await setUp(t, welcoming, { fields, proxy: { lookUp } })
    const client = await door.client()
    await client.line()
    client.send('a LOGIN joe pw')
    await client.expect(reply)
    await door.logged(line)
    client.send('b NOOP')
    await client.expect('b OK')
    assert.equal(backend.connections.length, 0)
  })
}

const hostile: readonly { why: string; fields: Record<string, string> }[] = [
  { why: 'a line break in host', fields: { host: 'a.example\r\nb.example' } },
  { why: 'a NUL in host', fields: { host: '127.0.0.1\0.example' } },
  { why: 'a blank in host', fields: { host: '127.0.0.1 10.0.0.1' } },
  { why: 'an endless host', fields: { host: 'a'.repeat(100_000) } },
  { why: '8-bit host', fields: { host: 'b\u00fccher.example' } },
  { why: 'a line break in hostip', fields: { hostip: '127.0.0.1\r\n' } },
  { why: 'a NUL in proxy_mech', fields: { proxy_mech: 'PLAIN\0' } },
]

for (const { why, fields } of hostile) {
  test(`a row that no administrator wrote is one answer and one line: ${why}`, async (t) => {
    const { door, backend } = await setUp(t, welcoming, { fields })
    const client = await door.client()
    client.send('a LOGIN joe pw')
    await client.linesUntil(/^a NO (refused|proxy-failed)/)
    client.send('b NOOP')
    await client.expect('b OK')
    assert.equal(backend.connections.length, 0)
    assert.equal(door.log.filter((line) => line.includes('error')).length, 1, door.log.join('\n'))
    assert.ok(door.log.every((line) => line.length < 1000))
  })
}

test('IPv6 clients and IPv6 backends', async (t) => {
  const backend = await startScriptedBackend(welcoming, '::1')
  t.after(async () => await backend.close())
  const joe = { proxy: 'y', host: '::1', port: String(backend.port) }
  const door = await openDoor(t, { users: { joe }, address: '::1' })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a OK/)
  await door.logged(new RegExp(`proxy\\(joe,::1:${backend.port}\\): Started proxying to <::1> .*, rip=::1, lip=::1, `))
  assert.equal(Buffer.from(door.asked[0]?.session ?? '', 'base64').length, 24)
})

test('a wrong port is told and the default is used', async (t) => {
  const dialed: number[] = []
  const dial = async ({ port }: { port: number }): Promise<never> => {
    dialed.push(port)
    return await Promise.reject(new TypeError('not today'))
  }
  const { door } = await setUp(t, welcoming, { fields: { port: '999999' }, proxy: { dial } })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO proxy-failed later$/)
  assert.deepEqual(dialed, [143])
  await door.logged(/imap-login: error: Auth service returned invalid port number: 999999: user=<joe>/)
})

test('a proxy that is sent to itself under changing names is stopped, and told so along the chain', async (t) => {
  const users: Record<string, Record<string, string>> = {}
  const door = await openDoor(t, { users })
  for (const [user, destuser] of [
    ['joe', 'jane'],
    ['jane', 'joe'],
  ] as const) {
    users[user] = { proxy: 'y', host: '127.0.0.1', port: String(door.port), destuser }
  }
  const client = await door.client()
  client.send('a LOGIN joe pw')
  await client.linesUntil(/^a NO backend-refused .*proxy-failed for good$/)
  await door.logged(/Aborting due to remote server: This login is on its way there already - proxies loop: user=<joe>/)
  assert.equal(door.events.filter(({ name }) => name === 'connection_opened').length, 3)
})

test('a client beside us that has the port of a connection of ours is no loop', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { door, backend } = await setUp(
    t,
    async (wire, number) => await (number === 1 ? silent(asked) : welcoming)(wire, number),
    // A port can be had twice where both connections name their address.
    { settings: { login_source_ips: ['127.0.0.1'] } },
  )
  const first = await door.client()
  await first.expect(/^\* OK/)
  first.send('a LOGIN joe pw')
  await asked.promise
  const localPort = backend.connections[0]?.remotePort ?? 0
  const second = await door.client({ localAddress: '127.0.0.1', localPort })
  second.send('a LOGIN joe pw')
  await second.linesUntil(/^a OK Logged in$/)
  assert.equal(second.localPort, localPort)
})

test('with trust along the chain the hop counter ends a loop', async (t) => {
  const users: Record<string, Record<string, string>> = {}
  const door = await openDoor(t, { users, settings: { login_trusted_networks: ['127.0.0.0/8'] } })
  // Every hop has another destination user: only the counter can tell.
  for (let hop = 0; hop < 9; hop++) {
    users[`u${hop}`] = { proxy: 'y', host: '127.0.0.1', port: String(door.port), destuser: `u${hop + 1}` }
  }
  const client = await door.client()
  client.send('a LOGIN u0 pw')
  await client.linesUntil(/^a NO backend-refused .*proxy-failed for good$/)
  await door.logged(/Aborting due to remote server: TTL reached zero - proxies appear to be looping\?/)
  assert.equal(door.events.filter(({ name }) => name === 'connection_opened').length, 5)
  const sessions = new Set(door.asked.map(({ session }) => session))
  assert.equal(sessions.size, 1, 'one session id along the chain')
})
