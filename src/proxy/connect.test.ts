import assert from 'node:assert/strict'
import { mock, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type Peer,
  streamAndPeer,
  testIdentity,
  testSettings,
  testTarget,
} from '../../test/support/protocol-session.ts'
import type { Settings } from '../config/config.ts'
import { DialFailed, type DialFault, type DialOptions } from '../net/dial.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import { type EventName, type EventTable, type Observer, silent } from '../observe/events.ts'
import type { BackendIo, BackendWelcome, Protocol, ProxyTarget } from '../protocols/protocol.ts'
import { ProxyFailure, type ProxyFailureClass } from '../protocols/proxy-failure.ts'
import { type BackendLoginEnd, type BackendLoginRequest, loginToBackend } from './connect.ts'
import { type BackendHosts, createBackendHosts } from './hosts.ts'
import { createLoopGuard } from './loops.ts'
import { createSourceIps } from './source-ips.ts'

/** A protocol of one command: `LOGIN user`, answered by `OK`, `NO text` (refused), or `FAIL class text`. */
const toy: Protocol = {
  name: 'imap',
  service: 'imap-login',
  ports: { plain: 143, tls: 993 },
  login: async () => ({ kind: 'closed', reason: 'not used' }),
  goodbye: () => '',
  async backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
    io.stream.write(`LOGIN ${target.destuser}\r\n`)
    io.step = 'login/banner'
    const line = await io.stream.readLine(4096)
    if (line === undefined) throw new ProxyFailure('connect', 'Disconnected by server: Connection closed')
    if (line.startsWith('NO ')) throw new ProxyFailure('auth', line.slice(3), { reply: { lines: [line] } })
    const [, failureClass, text = ''] = /^FAIL (\S+) (.*)/.exec(line) ?? []
    if (failureClass !== undefined) throw new ProxyFailure(failureClass as ProxyFailureClass, text)
    return { untagged: [], lines: [line] }
  },
}

/** What a backend does with one connection: not come up, or play with what is sent to it. */
type Backend = DialFault | ((peer: Peer, stream: SocketStream) => void | Promise<void>)

interface Options {
  readonly target?: Partial<ProxyTarget>
  readonly settings?: Partial<Settings>
  readonly limitMs?: number
}

interface World {
  readonly start: (options?: Options) => Promise<BackendLoginEnd>
  readonly abort: () => void
  readonly dials: DialOptions[]
  readonly streams: SocketStream[]
  readonly events: readonly { name: EventName; fields: EventTable[EventName] }[]
  readonly log: readonly string[]
  /** Lets time pass until the login has ended. */
  readonly until: (end: Promise<BackendLoginEnd>) => Promise<{ end: BackendLoginEnd; secs: number }>
  readonly failures: () => string[]
  readonly hosts: BackendHosts
  /** What was told of backends. */
  readonly told: readonly EventName[]
}

const LOCAL = { ip: '127.0.0.1', port: 4000 }

function world(t: TestContext, backends: readonly Backend[]): World {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  t.after(() => mock.timers.reset())
  const dials: DialOptions[] = []
  const streams: SocketStream[] = []
  const events: { name: EventName; fields: EventTable[EventName] }[] = []
  const log: string[] = []
  const observer: Observer = {
    emit: (name, fields) => events.push({ name, fields }),
    log: (level, service, text) => log.push(`${service}: ${level}: ${text}`),
  }
  const dial = async (options: DialOptions): Promise<SocketStream> => {
    const backend = backends[Math.min(dials.length, backends.length - 1)]
    dials.push(options)
    if (typeof backend === 'string') throw await faultOf(backend, options)
    const { stream, peer } = streamAndPeer()
    stream.setDeadline(options.timeoutMs)
    streams.push(stream)
    t.after(() => stream.destroy())
    void backend?.(peer, stream)
    return stream
  }
  const abort = new AbortController()
  const told: EventName[] = []
  const hosts = createBackendHosts({ ...silent, emit: (name) => told.push(name) })
  const sourceIps = createSourceIps({ observer, lookUp: async () => [], random: () => 0 })
  const tlsContext = (): never => assert.fail('no TLS here')
  const access = { observer, hosts, sourceIps, dial, tlsContext, now: () => Date.now() }
  return {
    hosts,
    told,
    dials,
    streams,
    events,
    log,
    abort: () => abort.abort(),
    start: async (options) => await loginToBackend(access, request(abort.signal, options)),
    until: untilEnded,
    failures: () =>
      events
        .filter(({ name }) => name === 'proxy_session_failed')
        .map(({ fields }) => (fields as { text: string }).text),
  }
}

async function faultOf(fault: DialFault, { ip, port, sourceIp, timeoutMs, signal }: DialOptions): Promise<DialFailed> {
  const local = sourceIp === undefined ? LOCAL : undefined
  if (fault === 'timeout' || fault === 'tls-timeout') await new Promise((resolve) => setTimeout(resolve, timeoutMs))
  if (fault === 'aborted') await new Promise<void>((resolve) => signal?.addEventListener('abort', resolve))
  if (fault === 'bind') {
    const cause = Object.assign(new Error('bind'), { code: 'EADDRNOTAVAIL' })
    return new DialFailed('bind', `bind(${sourceIp}) failed: Cannot assign requested address`, local, cause)
  }
  const message = fault === 'connect' ? `connect(${ip}, ${port}) failed: Connection refused` : fault
  return new DialFailed(fault, message, local)
}

function request(
  signal: AbortSignal,
  { target = {}, settings = {}, limitMs = 180_000 }: Options = {},
): BackendLoginRequest {
  const fields = {
    protocol: 'imap',
    service: 'imap-login',
    session: testIdentity.session,
    remote_ip: '127.0.77.1',
    remote_port: 1,
    local_ip: '127.0.77.2',
    local_port: 2,
    user: 'joe',
    dest_host: 'a.example',
    dest_ip: '127.0.77.3',
    dest_port: 28143,
    line: (message: string) => message,
  }
  const guard = createLoopGuard()
  const loop = guard.enter(
    {
      session: 'id',
      forwarded: false,
      ttl: 5,
      remote: { ip: '127.0.77.1', port: 1 },
      local: { ip: '127.0.77.2', port: 2 },
    },
    { ip: '127.0.77.3', port: 28143, destuser: 'joe' },
  )
  assert.ok(loop)
  return {
    protocol: toy,
    target: testTarget({ destuser: 'joe', ...target }),
    user: 'joe',
    identity: testIdentity,
    secured: false,
    settings: testSettings(settings),
    hostname: 'mail.example.org',
    fields: () => fields,
    limitMs,
    loop,
    signal,
  }
}

async function untilEnded(login: Promise<BackendLoginEnd>): Promise<{ end: BackendLoginEnd; secs: number }> {
  const startedMs = Date.now()
  let end: BackendLoginEnd | undefined
  void login.then((result) => {
    end = result
  })
  for (let steps = 0; steps < 10_000; steps++) {
    for (let i = 0; i < 5; i++) await turn()
    if (end !== undefined) return { end, secs: (Date.now() - startedMs) / 1000 }
    mock.timers.tick(100)
  }
  throw new Error('the login never ended')
}

const answers =
  (line: string): Backend =>
  (peer) =>
    peer.send(`${line}\r\n`)

test('a backend that answers lets the user in', async (t) => {
  const { start, until, dials, events, log } = world(t, [answers('OK hello')])
  const { end } = await until(start())
  assert.ok(end.kind === 'connected')
  assert.deepEqual(end.connection.welcome.lines, ['OK hello'])
  assert.equal(end.connection.reconnects, 0)
  assert.deepEqual(
    events.map(({ name }) => name),
    ['proxy_session_started'],
  )
  assert.equal(dials[0]?.onread, true)
  assert.deepEqual(log, [])
})

const refused: readonly { why: string; options: Options; attempts: number; secs: number; again: string }[] = [
  { why: 'the default', options: {}, attempts: 4, secs: 3, again: ', 3 reconnects' },
  { why: 'proxy_timeout=3', options: { target: { timeoutMs: 3_000 } }, attempts: 3, secs: 2, again: ', 2 reconnects' },
  { why: 'proxy_timeout=2', options: { target: { timeoutMs: 2_000 } }, attempts: 2, secs: 1, again: ', 1 reconnects' },
  { why: 'proxy_timeout=1', options: { target: { timeoutMs: 1_000 } }, attempts: 1, secs: 0, again: '' },
  {
    why: 'login_proxy_max_reconnects=1',
    options: { settings: { login_proxy_max_reconnects: 1 } },
    attempts: 2,
    secs: 1,
    again: ', 1 reconnects',
  },
]

for (const { why, options, attempts, secs: seconds, again } of refused) {
  test(`a backend that refuses connections: ${why}`, async (t) => {
    const { start, until, dials, failures } = world(t, ['connect'])
    const { end, secs } = await until(start(options))
    assert.ok(end.kind === 'failed' && end.failure.class === 'connect')
    assert.equal(dials.length, attempts)
    assert.equal(Math.round(secs), seconds)
    assert.deepEqual(failures(), [
      `connect(127.0.77.3, 28143) failed: Connection refused (after ${seconds} secs${again}, local=127.0.0.1:4000)`,
    ])
  })
}

test('a backend that comes back while we try is used', async (t) => {
  const { start, until, events, failures } = world(t, ['connect', 'connect', answers('OK hello')])
  const { end, secs } = await until(start())
  assert.ok(end.kind === 'connected')
  assert.equal(end.connection.reconnects, 2)
  assert.equal(end.connection.connectMs, 2_000)
  assert.equal(secs, 2)
  assert.deepEqual(failures(), [])
  assert.deepEqual(
    events.map(({ name }) => name),
    ['proxy_session_started', 'proxy_session_reconnecting', 'proxy_session_reconnecting'],
  )
})

const slow: readonly { why: string; backend: Backend; options?: Options; secs: number; text: string }[] = [
  {
    why: 'it does not accept',
    backend: 'timeout',
    secs: 30,
    text: 'connect(127.0.77.3, 28143) failed: Connection timed out (after 30 secs, local=127.0.0.1:4000)',
  },
  {
    why: 'it says nothing',
    backend: () => {},
    options: { target: { timeoutMs: 2_000 } },
    secs: 2,
    text: 'Login timed out in state=login/banner (after 2 secs, local=127.0.0.1:1)',
  },
]

for (const { why, backend, options, secs: seconds, text } of slow) {
  test(`a timeout uses the budget up and is not tried again: ${why}`, async (t) => {
    const { start, until, dials, failures } = world(t, [backend])
    const { end, secs } = await until(start(options))
    assert.equal(end.kind, 'failed')
    assert.equal(dials.length, 1)
    assert.equal(Math.round(secs), seconds)
    assert.deepEqual(failures(), [text])
  })
}

const classes: readonly { class: ProxyFailureClass; backend: Backend; attempts: number; text: string }[] = [
  {
    class: 'connect',
    backend: (peer) => peer.end(),
    attempts: 4,
    text: 'Disconnected by server: Connection closed (state=login/banner, duration=3s)',
  },
  {
    class: 'protocol',
    backend: answers('x'.repeat(5_000)),
    attempts: 4,
    text: 'Remote server sent invalid input: Too long input line',
  },
  {
    class: 'protocol',
    backend: answers('FAIL protocol Invalid banner: x'),
    attempts: 4,
    text: 'Remote server sent invalid input: Invalid banner: x',
  },
  {
    class: 'remote',
    backend: answers('FAIL remote XCLIENT failed: x'),
    attempts: 4,
    text: 'Aborting due to remote server: XCLIENT failed: x',
  },
  {
    class: 'remote-config',
    backend: answers('FAIL remote-config STARTTLS not supported'),
    attempts: 1,
    text: 'Aborting due to remote server: STARTTLS not supported',
  },
  {
    class: 'remote-config',
    backend: 'certificate',
    attempts: 1,
    text: 'Disconnected by server: Connection closed: certificate (state=/none, duration=0s)',
  },
  {
    class: 'connect',
    backend: 'tls',
    attempts: 4,
    text: 'Disconnected by server: Connection closed: tls (state=/none, duration=3s)',
  },
  { class: 'internal', backend: answers('FAIL internal x'), attempts: 1, text: 'Aborting due to internal error: x' },
  { class: 'auth-temp', backend: answers('FAIL auth-temp later'), attempts: 4, text: 'Login failed: later' },
  { class: 'auth', backend: answers('NO nope'), attempts: 1, text: 'Login failed: nope' },
]

for (const { class: failureClass, backend, attempts, text } of classes) {
  test(`a failure of class ${failureClass} is tried ${attempts} times: ${text.slice(0, 60)}`, async (t) => {
    const { start, until, dials, failures, streams } = world(t, [backend])
    const { end } = await until(start())
    assert.ok(end.kind === 'failed')
    assert.equal(end.failure.class, failureClass)
    assert.equal(dials.length, attempts)
    assert.deepEqual(failures(), [text])
    assert.ok(
      streams.every((stream) => stream.ended),
      'no connection stays behind',
    )
  })
}

const verbose: readonly { why: string; backend: Backend; settings: Partial<Settings>; only: boolean }[] = [
  { why: 'a refusal', backend: answers('NO nope'), settings: {}, only: true },
  { why: 'a refusal, auth_verbose', backend: answers('NO nope'), settings: { auth_verbose: true }, only: false },
  { why: 'anything else', backend: answers('FAIL internal x'), settings: {}, only: false },
]

for (const { why, backend, settings, only } of verbose) {
  test(`only refusals by the backend wait for auth_verbose: ${why}`, async (t) => {
    const { start, until, events } = world(t, [backend])
    await until(start({ settings }))
    const failed = events.filter(({ name }) => name === 'proxy_session_failed')
    assert.deepEqual(
      failed.map(({ fields }) => (fields as EventTable['proxy_session_failed']).verbose_only),
      [only],
    )
  })
}

test('a source address that cannot be used is told once, and ends as Dovecot says it', async (t) => {
  const { start, until, dials, log, failures } = world(t, ['bind'])
  await until(start({ settings: { login_source_ips: ['10.9.8.7'] } }))
  assert.deepEqual(
    dials.map(({ sourceIp }) => sourceIp),
    ['10.9.8.7', '10.9.8.7', '10.9.8.7', '10.9.8.7'],
  )
  assert.deepEqual(log, ['imap-login: error: bind(10.9.8.7) failed: Cannot assign requested address'])
  assert.deepEqual(failures(), [
    'connect(127.0.77.3, 28143) failed: Cannot assign requested address (after 3 secs, 3 reconnects, local=10.9.8.7)',
  ])
})

test('source_ip of the passdb beats login_source_ips', async (t) => {
  const { start, until, dials } = world(t, [answers('OK')])
  const { end } = await until(start({ target: { sourceIp: '10.0.0.1' }, settings: { login_source_ips: ['10.9.8.7'] } }))
  assert.equal(dials[0]?.sourceIp, '10.0.0.1')
  assert.ok(end.kind === 'connected' && end.connection.sourceIp === '10.0.0.1')
})

test('a host that is known dead fails at once while somebody else tries it [row 16]', async (t) => {
  const { start, until, dials, failures } = world(t, ['timeout'])
  await until(start())
  const probe = start()
  await turn()
  const { end, secs } = await until(start())
  assert.equal(end.kind, 'failed')
  assert.equal(secs, 0)
  assert.equal(dials.length, 2, 'the first login and the probe')
  assert.equal(failures().at(-1), 'connect(127.0.77.3, 28143) failed: Host is down (after 0 secs)')
  await until(probe)
})

const outOfTime: readonly { why: string; backend: Backend }[] = [
  { why: 'connecting', backend: 'timeout' },
  { why: 'shaking hands', backend: 'tls-timeout' },
  { why: 'logging in', backend: () => {} },
]

for (const { why, backend } of outOfTime) {
  test(`a client whose time ends while ${why} says nothing about the backend`, async (t) => {
    const { start, until, hosts, told } = world(t, [backend])
    const { end } = await until(start({ limitMs: 500 }))
    assert.equal(end.kind, 'too-late')
    assert.equal(hosts.list()[0]?.up, true)
    assert.deepEqual(told, [])
  })
}

test('a user whose login hangs at the backend takes nobody along', async (t) => {
  const { start, until, failures, hosts } = world(t, [() => {}, answers('NO wrong'), answers('OK'), answers('OK')])
  const hanging = start({ target: { timeoutMs: 60_000 } })
  mock.timers.tick(1)
  await until(start())
  assert.equal((await until(hanging)).end.kind, 'failed')
  assert.equal(hosts.list()[0]?.up, true, 'somebody was refused meanwhile')
  const ends = await Promise.all([until(start()), until(start())])
  assert.deepEqual(
    ends.map(({ end }) => end.kind),
    ['connected', 'connected'],
    failures().join('\n'),
  )
})

const moments: readonly { why: string; backend: Backend }[] = [
  { why: 'while connecting', backend: 'aborted' },
  { why: 'while logging in', backend: () => {} },
  { why: 'between two tries', backend: 'connect' },
]

for (const { why, backend } of moments) {
  test(`nothing stays behind when the client leaves ${why}`, async (t) => {
    const { start, until, abort, streams, failures } = world(t, [backend])
    const login = start()
    for (let i = 0; i < 5; i++) await turn()
    abort()
    const { end, secs } = await until(login)
    assert.equal(end.kind, 'aborted')
    assert.equal(secs, 0)
    assert.deepEqual(failures(), [])
    assert.ok(streams.every((stream) => stream.ended))
  })
}

test("the client's three minutes end a longer proxy_timeout", async (t) => {
  const { start, until } = world(t, [() => {}])
  const { end, secs } = await until(start({ target: { timeoutMs: 600_000 }, limitMs: 180_000 }))
  assert.equal(end.kind, 'too-late')
  assert.equal(secs, 180)
})

test('login_proxy_timeout=0 leaves only those three minutes', async (t) => {
  const { start, until } = world(t, [() => {}])
  const { end, secs } = await until(start({ target: { timeoutMs: 0 }, limitMs: 180_000 }))
  assert.equal(end.kind, 'too-late')
  assert.equal(secs, 180)
})

test('a PROXY header goes first', async (t) => {
  let first: string | undefined
  const { start, until } = world(t, [
    async (peer) => {
      first = await peer.line()
      peer.send('OK\r\n')
    },
  ])
  await until(start({ target: { haproxy: 'v1' } }))
  assert.equal(first, 'PROXY TCP4 127.0.77.1 127.0.77.2 45311 27143')
})

test('a backend that answers byte by byte is understood', async (t) => {
  const { start, until } = world(t, [async (peer) => await peer.sendByteByByte('OK hello\r\n')])
  const { end } = await until(start())
  assert.ok(end.kind === 'connected')
})
