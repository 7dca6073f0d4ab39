import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex, duplexPair } from 'node:stream'
import test, { type TestContext, type TestOptions } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { barePair, skipWithoutBare } from '../../test/support/bare-pair.ts'
import { makeCertificate } from '../../test/support/certificates.ts'
import { PATIENCE_MS, within } from '../../test/support/deadline.ts'
import { serving, tlsSettings } from '../../test/support/tls-settings.ts'
import { CLOSE_MS, type DetachedSocket } from '../net/byte-stream.ts'
import { dial } from '../net/dial.ts'
import { disown } from '../net/socket-owner.ts'
import { SocketStream } from '../net/socket-stream.ts'
import { startTlsServer } from '../net/tls.ts'
import { TlsContextCache } from '../net/tls-cache.ts'
import { type RelayEnd, type RelayOptions, type RelaySession, relay } from './relay.ts'
import { RELAY_BUFFER_BYTES, relayBuffers } from './relay-buffers.ts'

const cache = new TlsContextCache(randomBytes(48))
const settings = tlsSettings(serving(await makeCertificate()))

interface Setup {
  /** The user's end and the backend's end of a relayed session. */
  readonly user: Socket
  readonly server: Socket
  readonly client: DetachedSocket
  readonly backend: DetachedSocket
  readonly session: RelaySession
  readonly ended: Promise<RelayEnd>
}

interface Ways {
  readonly clientTls?: boolean
  readonly backendTls?: boolean
  readonly onread?: boolean
  /** Ends without TLS are bare sockets. */
  readonly bare?: boolean
  readonly options?: Partial<RelayOptions>
  /** Runs before the hand-over: pipelined bytes. */
  readonly before?: (client: SocketStream, backend: SocketStream, user: Socket, server: Socket) => Promise<void>
}

async function accept(t: TestContext): Promise<{ port: number; next: Promise<SocketStream> }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const next = once(server, 'connection').then(([socket]) => {
    server.close()
    t.after(() => (socket as Socket).destroy())
    return new SocketStream(socket as Socket)
  })
  return { port: (server.address() as AddressInfo).port, next }
}

async function secured(stream: SocketStream): Promise<SocketStream> {
  await startTlsServer(stream, { context: cache.server(settings), unread: 'feed' })
  return stream
}

async function openBareUser(t: TestContext): Promise<{ user: Socket; stream: SocketStream }> {
  const { near, far } = await barePair(t)
  const stream = new SocketStream(near, { onread: near })
  near.resume()
  return { user: far, stream }
}

async function openUser(t: TestContext, tls: boolean): Promise<{ user: Socket; stream: SocketStream }> {
  const { port, next } = await accept(t)
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const user = tls ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw
  user.on('error', () => undefined)
  t.after(() => user.destroy())
  const stream = tls ? await secured(await next) : await next
  return { user, stream }
}

async function openBackend(
  t: TestContext,
  tls: boolean,
  onread: boolean,
  bare: boolean,
): Promise<{ server: Socket; stream: SocketStream }> {
  const { port, next } = await accept(t)
  const client = tls ? { context: cache.client(settings), host: 'x', verify: false } : undefined
  const dialled = dial({ ip: '127.0.0.1', port, onread, bare, timeoutMs: PATIENCE_MS, tls: client })
  const accepted = tls ? await secured(await next) : await next
  const server = accepted.detach().socket as Socket
  disown(server)
  server.on('error', () => undefined)
  t.after(() => server.destroy())
  return { server: server.resume(), stream: await dialled }
}

async function setUp(t: TestContext, ways: Ways = {}): Promise<Setup> {
  const { clientTls = false, backendTls = false, onread = true, bare = false, options = {}, before } = ways
  const [near, far] = await Promise.all([
    bare && !clientTls ? openBareUser(t) : openUser(t, clientTls),
    openBackend(t, backendTls, onread, bare),
  ])
  await before?.(near.stream, far.stream, near.user, far.server)
  const [client, backend] = [near.stream.detach(), far.stream.detach()]
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<RelayEnd>()
  const session = relay(client, backend, { onEnd, ...options })
  return { user: near.user, server: far.server, client, backend, session, ended }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(what: string, holds: () => boolean): Promise<void> {
  const looking = (async () => {
    while (!holds()) await turn()
  })()
  await within(PATIENCE_MS, () => `never: ${what}`, looking)
}

/** Sends bytes whose hash is known, and answers with the hash of what arrives. */
async function transfer(from: Socket, to: Socket, sizeBytes: number): Promise<void> {
  const [sent, got] = [createHash('sha256'), createHash('sha256')]
  let left = sizeBytes
  const arrived = new Promise<void>((resolve) => {
    const onData = (data: Buffer): void => {
      got.update(data)
      left -= data.length
      if (left <= 0) resolve(void to.off('data', onData))
    }
    to.on('data', onData)
  })
  const block = randomBytes(100_003)
  for (let rest = sizeBytes; rest > 0; rest -= block.length) {
    const piece = block.subarray(0, Math.min(rest, block.length))
    sent.update(piece)
    if (!from.write(piece)) await once(from, 'drain')
  }
  await within(PATIENCE_MS, () => `${left} bytes are missing`, arrived)
  assert.equal(left, 0)
  assert.equal(got.digest('hex'), sent.digest('hex'))
}

const EITHER = [false, true]
const COMBINATIONS: readonly Required<Pick<Ways, 'clientTls' | 'backendTls' | 'onread' | 'bare'>>[] = [
  ...EITHER.flatMap((clientTls) =>
    EITHER.flatMap((backendTls) => EITHER.map((onread) => ({ clientTls, backendTls, onread, bare: false }))),
  ),
  { clientTls: false, backendTls: false, onread: true, bare: true },
  { clientTls: false, backendTls: false, onread: false, bare: true },
  { clientTls: true, backendTls: false, onread: true, bare: true },
  { clientTls: false, backendTls: true, onread: true, bare: true },
]

/** Defines a test between plain connections, and one between bare ones. */
function testEachWay(
  name: string,
  options: TestOptions,
  body: (t: TestContext, open: (t: TestContext, ways?: Ways) => Promise<Setup>, bare: boolean) => Promise<void>,
): void {
  for (const bare of [false, true]) {
    const open = (t: TestContext, ways: Ways = {}): Promise<Setup> => setUp(t, { bare, ...ways })
    const skip = bare && skipWithoutBare
    test(`${name}: ${bare ? 'bare' : 'plain'}`, { ...options, skip }, async (t) => await body(t, open, bare))
  }
}

for (const ways of COMBINATIONS) {
  const name = `client ${ways.clientTls ? 'TLS' : 'plain'}, backend ${ways.backendTls ? 'TLS' : 'plain'}${ways.onread ? ', onread' : ''}${ways.bare ? ', bare' : ''}`
  test(`bytes arrive whole and are counted: ${name}`, { skip: ways.bare && skipWithoutBare }, async (t) => {
    const { user, server, session, ended } = await setUp(t, ways)
    await transfer(server, user, 10_000_000)
    await transfer(user, server, 3_000_000)
    await Promise.all([transfer(server, user, 5_000_000), transfer(user, server, 5_000_000)])
    await transfer(server, user, 17)
    assert.deepEqual([session.bytesIn, session.bytesOut], [8_000_000, 15_000_017])
    user.end('z LOGOUT\r\n')
    const end = await ended
    assert.equal(end.side, 'client')
    assert.deepEqual([end.reason, end.error, end.bytesIn, end.bytesOut], ['', undefined, 8_000_010, 15_000_017])
    assert.deepEqual([end.bufferedToClient, end.clientOutputBlocked, end.idleSecs, end.delayMs], [0, false, 0, 0])
    await until('large buffers are given back', () => relayBuffers.lent === 0)
  })
}

testEachWay('bytes that came before the hand-over go first', {}, async (t, open) => {
  const { user, server, session } = await open(t, {
    before: async (client, backend, aUser, aServer) => {
      aUser.write('a LOGIN\r\nb NOOP\r\n')
      aServer.write('L OK\r\n* 1 EXISTS\r\n')
      await client.readLine(100)
      await backend.readLine(100)
      backend.write('L LOGIN\r\n')
      client.write('a OK\r\n')
    },
  })
  user.write('c NOOP\r\n')
  server.write('* 2 EXISTS\r\n')
  const seen = { user: '', server: '' }
  user.on('data', (data) => {
    seen.user += data
  })
  server.on('data', (data) => {
    seen.server += data
  })
  const [toUser, toServer] = ['a OK\r\n* 1 EXISTS\r\n* 2 EXISTS\r\n', 'L LOGIN\r\nb NOOP\r\nc NOOP\r\n']
  await until('all arrived', () => seen.user.length >= toUser.length && seen.server.length >= toServer.length)
  assert.deepEqual(seen, { user: toUser, server: toServer })
  assert.deepEqual([session.bytesIn, session.bytesOut], [toServer.length, toUser.length])
})

testEachWay('single bytes pass as they come', {}, async (t, open) => {
  const { user, server } = await open(t)
  const text = '* OK still here\r\n'
  let seen = ''
  user.on('data', (data) => {
    seen += data
  })
  for (const byte of text.split('')) {
    server.write(byte)
    await turn()
  }
  await until('the line is there', () => seen === text)
})

testEachWay('each kind of end is told with its side and reason', {}, async (t, open) => {
  const rows: { why: string; act: (setup: Setup) => unknown; side: RelayEnd['side']; reason: string }[] = [
    { why: 'the user leaves', act: ({ user }) => user.end(), side: 'client', reason: '' },
    {
      why: 'the user breaks off',
      act: ({ user }) => user.resetAndDestroy(),
      side: 'client',
      reason: 'Connection reset by peer',
    },
    { why: 'the backend leaves', act: ({ server }) => server.end('* BYE\r\n'), side: 'server', reason: '' },
    {
      why: 'the backend breaks off',
      act: ({ server }) => server.resetAndDestroy(),
      side: 'server',
      reason: 'Connection reset by peer',
    },
    {
      why: 'an administrator',
      act: ({ session }) => session.kick('Kicked by admin'),
      side: 'proxy',
      reason: 'Kicked by admin',
    },
    { why: 'we destroyed the socket', act: ({ client }) => client.socket.destroy(), side: 'client', reason: '' },
  ]
  for (const { why, act, side, reason } of rows) {
    const setup = await open(t)
    const closed = Promise.all([once(setup.user, 'close'), once(setup.server, 'close')])
    closed.catch(() => undefined)
    setup.user.on('end', () => setup.user.end())
    setup.server.on('end', () => setup.server.end())
    setup.user.resume()
    act(setup)
    const end = await setup.ended
    assert.deepEqual([end.side, end.reason, end.error !== undefined], [side, reason, reason.startsWith('Conn')], why)
    await within(PATIENCE_MS, () => `both sides are closed: ${why}`, closed)
    setup.session.kick('too late')
  }
})

testEachWay('a side that ended during the login ends the session at once', {}, async (t, open) => {
  const left = await open(t, {
    before: async (client, _backend, user) => {
      user.end()
      await new Promise((resolve) => client.onEnd(resolve))
    },
  })
  assert.equal((await left.ended).side, 'client')
  const gone = await open(t, {
    before: async (_client, backend, _user, server) => {
      server.end('* BYE\r\n')
      await new Promise((resolve) => backend.onEnd(resolve))
    },
  })
  const [bye] = (await once(gone.user, 'data')) as [Buffer]
  assert.equal(bye.toString(), '* BYE\r\n')
  assert.equal((await gone.ended).side, 'server')
})

testEachWay('what was written to the other side is sent before it is closed', {}, async (t, open) => {
  for (const clientTls of [false, true]) {
    const { user, server, ended, client } = await open(t, { clientTls })
    user.pause()
    server.write(Buffer.alloc(20_000_000, 'x'))
    await until('the user blocks', () => client.socket.writableNeedDrain)
    let seen = 0
    server.end()
    user.on('data', (data: Buffer) => {
      seen += data.length
    })
    user.resume()
    await once(user, 'end')
    assert.equal(seen, 20_000_000)
    assert.equal((await ended).side, 'server')
  }
})

testEachWay(
  'a user who reads nothing makes us hold only a little of 100 MB [row 50]',
  { timeout: 60_000 },
  async (t, open) => {
    const rows = [
      { onread: true },
      { onread: false },
      { onread: true, clientTls: true },
      { onread: true, backendTls: true },
    ]
    for (const ways of rows) {
      const { user, server, client, backend, session, ended } = await open(t, ways)
      user.pause()
      global.gc?.()
      const before = process.memoryUsage().rss
      const block = Buffer.alloc(1_000_000, 'x')
      let sent = 0
      let over = false
      void ended.then(() => {
        over = true
      })
      const feeding = (async () => {
        for (; sent < 100_000_000 && !over; sent += block.length) {
          if (!server.write(block)) await Promise.race([once(server, 'drain'), ended])
        }
      })()
      let most = 0
      await until('the user blocks', () => client.socket.writableNeedDrain)
      for (let looks = 0; looks < 300; looks++) {
        await turn()
        most = Math.max(most, client.socket.writableLength + ((backend.socket as Partial<Duplex>).readableLength ?? 0))
      }
      assert.ok(most <= RELAY_BUFFER_BYTES + 128 * 1024, `${JSON.stringify(ways)}: ${most} bytes were held`)
      assert.ok(sent < 50_000_000, `${sent} bytes left the backend`)
      const grown = process.memoryUsage().rss - before
      assert.ok(grown < 40_000_000, `${JSON.stringify(ways)}: the process grew by ${grown} bytes`)
      session.kick('Kicked by admin')
      const end = await ended
      assert.ok(end.clientOutputBlocked)
      assert.ok(end.bufferedToClient > 0)
      assert.equal(end.bytesOut + end.bufferedToClient, session.bytesOut)
      user.destroy()
      server.destroy()
      await feeding
    }
  },
)

testEachWay('what still waits to be sent when a session is kicked arrives as it was said', {}, async (t, open) => {
  const numbers = new Uint32Array(10_000_000)
  for (let number = 0; number < numbers.length; number++) numbers[number] = number
  const said = Buffer.from(numbers.buffer)
  for (const way of [{}, { clientTls: true }, { backendTls: true }]) {
    for (const upwards of [false, true]) {
      const setup = await open(t, way)
      const { session, ended } = setup
      const [from, to] = upwards ? [setup.user, setup.server] : [setup.server, setup.user]
      const target = upwards ? setup.backend.socket : setup.client.socket
      const heard: Buffer[] = []
      let heardBytes = 0
      to.on('data', (chunk: Buffer) => {
        heard.push(chunk)
        heardBytes += chunk.length
      })
      from.write(said)
      // By then the large buffer is in use.
      await until('some of it is there', () => heardBytes > 8_000_000)
      to.pause()
      await until('the reader blocks', () => target.writableNeedDrain)
      for (let turns = 0; turns < 20; turns++) await turn()
      session.kick('Kicked by admin')
      await ended
      // The sender goes on meanwhile: what it says is thrown away.
      for (let turns = 0; turns < 20; turns++) await turn()
      const over = once(to, 'end')
      to.resume()
      await over
      const what = `${JSON.stringify(way)}, ${upwards ? 'up' : 'down'}: ${heardBytes} bytes`
      assert.ok(Buffer.concat(heard).equals(said.subarray(0, heardBytes)), what)
      from.destroy()
      to.destroy()
    }
  }
})

testEachWay('a user who reads slowly gets everything', {}, async (t, open) => {
  const { user, server, session } = await open(t)
  let seen = 0
  user.on('data', (data: Buffer) => {
    seen += data.length
    user.pause()
    setImmediate(() => user.resume())
  })
  await Promise.all([
    (async () => {
      for (let i = 0; i < 30; i++) if (!server.write(Buffer.alloc(333_333))) await once(server, 'drain')
    })(),
    until('all has arrived', () => seen === 30 * 333_333),
  ])
  assert.equal(session.bytesOut, 30 * 333_333)
})

testEachWay('busy sessions share a bounded number of large buffers', {}, async (t, open) => {
  const { user, server, client } = await open(t)
  const arriving = transfer(server, user, 9_000_000)
  user.pause()
  await until('the user blocks', () => client.socket.writableNeedDrain)
  assert.equal(relayBuffers.lent, 1)
  user.resume()
  await arriving
  await until('it is given back', () => relayBuffers.lent === 0)
  const all: Buffer[] = []
  for (let buffer = relayBuffers.borrow(); buffer !== undefined; buffer = relayBuffers.borrow()) all.push(buffer)
  await transfer(server, user, 5_000_000)
  assert.equal(relayBuffers.lent, all.length)
  for (const buffer of all) relayBuffers.giveBack(buffer)
})

// Mocked timers do not come a second time in a process: not with bare sockets, too.
test('at shutdown a session ends when it is idle, not before', async (t) => {
  const { user, server, session, ended } = await setUp(t)
  let over = false
  void ended.then(() => {
    over = true
  })
  // Fractions of a millisecond would round to another one each time.
  let nowMs = Math.ceil(performance.now())
  const clock = t.mock.method(performance, 'now', () => nowMs)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms
    t.mock.timers.tick(ms)
    await turn()
  }
  session.closeWhenIdle(80, 'Process shutting down')
  for (let i = 0; i < 5; i++) {
    const heard = once(user, 'data')
    server.write('* 1 EXISTS\r\n')
    await heard
    await pass(30)
    assert.ok(!over)
  }
  await pass(80)
  const end = await ended
  clock.mock.restore()
  t.mock.timers.reset()
  assert.deepEqual([end.side, end.reason], ['proxy', 'Process shutting down'])
  const idle = await setUp(t)
  await new Promise((resolve) => setTimeout(resolve, 20))
  idle.session.closeWhenIdle(10, 'Process shutting down')
  assert.equal((await idle.ended).side, 'proxy')
})

testEachWay('a delayed client is told nothing, read no more, and closed when its time comes', {}, async (t, open) => {
  let cut: (() => void) | undefined
  const asked: string[] = []
  const disconnectDelay = (given: () => void): number => {
    cut = given
    asked.push('asked')
    return 1368
  }
  const { user, server, client, ended, session } = await open(t, { options: { disconnectDelay } })
  server.end()
  const end = await ended
  assert.deepEqual([end.side, end.delayMs], ['server', 1368])
  let closed = false
  user.on('end', () => {
    closed = true
  })
  user.resume()
  const before = session.bytesIn
  user.write('b NOOP\r\n')
  for (let i = 0; i < 20; i++) await turn()
  assert.ok(!closed)
  assert.equal(session.bytesIn, before)
  cut?.()
  await until('the user is cut', () => closed)
  user.end()
  await until('the socket is gone', () => client.socket.destroyed)
  assert.equal(asked.length, 1)

  const leaving = await open(t, { options: { disconnectDelay } })
  leaving.user.end()
  await leaving.ended
  assert.equal(asked.length, 1, 'a client that leaves is not delayed')
  const kicked = await open(t, { options: { disconnectDelay } })
  kicked.session.kick('Kicked via director')
  assert.equal((await kicked.ended).delayMs, 1368)
  kicked.user.resetAndDestroy()
  await until('a held client may break off', () => kicked.client.socket.destroyed)
  const patient = await open(t, { options: { disconnectDelay } })
  patient.server.end()
  await patient.ended
  patient.user.on('end', () => undefined).resume()
  patient.user.end('c LOGOUT\r\n')
  await until('a held client may leave', () => patient.client.socket.destroyed)
  const stopped = await open(t, { options: { disconnectDelay } })
  stopped.session.closeWhenIdle(0, 'Process shutting down')
  assert.equal((await stopped.ended).delayMs, 0)
})

test('any pair of streams can be relayed', async () => {
  const [user, near] = duplexPair({ allowHalfOpen: true })
  const [server, far] = duplexPair({ allowHalfOpen: true })
  const [client, backend] = [new SocketStream(near), new SocketStream(far)]
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<RelayEnd>()
  relay(client.detach(), backend.detach(), { onEnd })
  user.write('a NOOP\r\n')
  const [got] = (await once(server, 'data')) as [Buffer]
  assert.equal(got.toString(), 'a NOOP\r\n')
  server.end('* BYE\r\n')
  const [bye] = (await once(user, 'data')) as [Buffer]
  assert.equal(bye.toString(), '* BYE\r\n')
  assert.equal((await ended).side, 'server')
})

test('a client that takes no last word over TLS is closed all the same', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const takes of [true, false]) {
    const near = new Duplex({ allowHalfOpen: true, read() {}, final: (done) => (takes ? done() : undefined) })
    const [server, far] = duplexPair({ allowHalfOpen: true })
    const client = new SocketStream(Object.assign(near, { encrypted: true }))
    const { promise: ended, resolve: onEnd } = Promise.withResolvers<RelayEnd>()
    relay(client.detach(), new SocketStream(far).detach(), { onEnd })
    server.end()
    assert.equal((await ended).side, 'server')
    await turn()
    assert.equal(near.destroyed, takes)
    t.mock.timers.tick(CLOSE_MS)
    assert.ok(near.destroyed)
  }
})
