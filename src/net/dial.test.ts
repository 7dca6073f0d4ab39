import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { skipWithoutBare } from '../../test/support/bare-pair.ts'
import { securedPair } from '../../test/support/bare-tls-pair.ts'
import { tlsSettings } from '../../test/support/tls-settings.ts'
import { PATIENCE_MS } from '../../test/support/deadline.ts'
import { until } from '../../test/support/until.ts'
import { LineTooLong, READ_AHEAD_BYTES } from './byte-stream.ts'
import { type DialFailed, type DialOptions, dial } from './dial.ts'
import { startTlsClient } from './tls.ts'
import { TlsContextCache } from './tls-cache.ts'

const authority = await makeAuthority()
const certificate = await makeCertificate(authority, { names: ['backend.example.org'] })
const cache = new TlsContextCache(randomBytes(48))
const context = cache.client(tlsSettings({ ssl_ca: authority.cert, ssl_require_crl: false }))

async function listen(t: TestContext, server: Server, address = '127.0.0.1'): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => open.add(socket))
  server.listen(0, address)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Says hello, then echoes. */
function echo(socket: Socket): void {
  socket.on('error', () => undefined).write('* OK ready\r\n')
  socket.pipe(socket)
}

/** How a connection may be opened. A bare one is bare only with `onread`. */
const WAYS = [
  { onread: false, bare: false },
  { onread: true, bare: false },
  { onread: false, bare: true },
  { onread: true, bare: true },
].filter(({ bare }) => !bare || skipWithoutBare === false)

test('connections are opened in every way', { skip: skipWithoutBare }, () => assert.equal(WAYS.length, 4))

async function failure(options: DialOptions): Promise<DialFailed> {
  return await dial(options).then(
    () => assert.fail('it was expected to fail'),
    (error: unknown) => error as DialFailed,
  )
}

test('plain and TLS connections talk, with ordinary reads and with onread, IPv4 and IPv6', async (t) => {
  for (const ip of ['127.0.0.1', '::1']) {
    const plain = await listen(t, createServer(echo), ip)
    const secure = await listen(t, createTlsServer({ ...certificate }, echo), ip)
    for (const { onread, bare } of WAYS) {
      for (const tls of [undefined, { context, host: 'backend.example.org', verify: true }]) {
        const port = tls === undefined ? plain : secure
        const stream = await dial({ ip, port, onread, bare, tls, timeoutMs: PATIENCE_MS })
        assert.equal(await stream.readLine(100), '* OK ready')
        const long = 'x'.repeat(300_000)
        stream.write(`${long}\r\n`)
        assert.equal((await stream.readLine(400_000))?.length, long.length)
        assert.deepEqual(stream.remote, { ip, port })
        assert.equal(stream.local.ip, ip)
        assert.equal(stream.tls?.protocol, tls === undefined ? undefined : 'TLSv1.3')
        const { onread: hook } = stream.detach()
        assert.equal(hook !== undefined, onread)
      }
    }
  }
})

test('what the backend says at once is not lost', async (t) => {
  const secure = await listen(
    t,
    createTlsServer({ ...certificate }, (socket) => socket.end('* BYE busy\r\n')),
  )
  for (const { onread, bare } of WAYS) {
    const tls = { context, host: 'backend.example.org', verify: true }
    const stream = await dial({ ip: '127.0.0.1', port: secure, onread, bare, tls, timeoutMs: PATIENCE_MS })
    await new Promise((resolve) => stream.onEnd(resolve))
    assert.equal(await stream.readLine(100), '* BYE busy')
    assert.equal(await stream.readLine(100), undefined)
    await stream.close()
  }
})

test('a connection opened with onread can still do STARTTLS; one of Node reads ordinarily then', async (t) => {
  const port = await listen(
    t,
    createServer((raw) => {
      raw.write('* OK ready\r\n')
      raw.once('data', () => {
        raw.write('S OK begin\r\n')
        const socket = new TLSSocket(raw, { isServer: true, ...certificate })
        socket.on('secure', () => echo(socket))
      })
    }),
  )
  for (const way of WAYS) {
    const stream = await dial({ ip: '127.0.0.1', port, ...way, timeoutMs: PATIENCE_MS })
    await stream.readLine(100)
    stream.write('S STARTTLS\r\n')
    assert.equal(await stream.readLine(100), 'S OK begin')
    await startTlsClient(stream, { context, host: 'backend.example.org', verify: true })
    assert.equal(await stream.readLine(100), '* OK ready')
    assert.equal(stream.detach().onread !== undefined, way.onread && way.bare)
  }
})

test('a backend that says too much is read ahead only a little, plain and TLS, with and without onread', async (t) => {
  const chatty = (socket: Socket): void => void socket.on('error', () => undefined).write(Buffer.alloc(10_000_000, 'x'))
  const ports = [await listen(t, createServer(chatty)), await listen(t, createTlsServer({ ...certificate }, chatty))]
  for (const [i, port] of ports.entries()) {
    for (const { onread, bare } of WAYS) {
      const tls = i === 0 ? undefined : { context, host: 'x', verify: false }
      const stream = await dial({ ip: '127.0.0.1', port, onread, bare, tls, timeoutMs: PATIENCE_MS })
      while (stream.buffered < READ_AHEAD_BYTES) await new Promise((resolve) => setImmediate(resolve))
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.ok(stream.buffered <= 3 * READ_AHEAD_BYTES, `${stream.buffered} bytes were read ahead`)
      await assert.rejects(async () => await stream.readLine(8192), LineTooLong)
      let rest = 10_000_000
      for (; rest > 0; rest -= (await stream.readSome(1_000_000))?.length ?? rest);
      assert.equal(rest, 0)
      assert.equal(stream.bytesIn, 10_000_000)
      stream.destroy()
    }
  }
})

test('a source address is used, and named when it cannot be', async (t) => {
  const accepted: string[] = []
  const port = await listen(
    t,
    createServer((socket) => accepted.push(socket.remoteAddress ?? '')),
  )
  for (const way of WAYS) {
    const options = { ip: '127.0.0.1', port, ...way, timeoutMs: PATIENCE_MS }
    const stream = await dial({ ...options, sourceIp: '127.0.77.5' })
    assert.equal(stream.local.ip, '127.0.77.5')
    while (accepted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(accepted.splice(0), ['127.0.77.5'])
    stream.destroy()
    const error = await failure({ ...options, sourceIp: '192.0.2.77' })
    assert.equal(error.message, 'bind(192.0.2.77) failed: Cannot assign requested address')
    assert.deepEqual([error.fault, error.code], ['bind', 'EADDRNOTAVAIL'])
  }
})

test('a refused connection says from where and what', async (t) => {
  const server = createServer()
  const port = await listen(t, server)
  server.close()
  for (const way of WAYS) {
    for (const sourceIp of [undefined, '127.0.77.6']) {
      const error = await failure({ ip: '127.0.0.1', port, sourceIp, ...way, timeoutMs: PATIENCE_MS })
      assert.equal(error.message, `connect(127.0.0.1, ${port}) failed: Connection refused`)
      assert.deepEqual([error.fault, error.code], ['connect', 'ECONNREFUSED'])
      assert.equal(error.local?.ip, sourceIp ?? '127.0.0.1')
      assert.ok((error.local?.port ?? 0) > 0, 'our port is known')
    }
  }
})

test('each way a TLS connection fails is told apart', async (t) => {
  const tls = { context, host: 'backend.example.org', verify: true }
  const secure = await listen(t, createTlsServer({ ...certificate }, echo))
  const plain = await listen(t, createServer(echo))
  const leaving = await listen(
    t,
    createServer((socket) => socket.resume().end()),
  )
  const rows: {
    why: string
    options: Partial<DialOptions> & { port: number }
    fault: string
    message: string | RegExp
  }[] = [
    {
      why: 'the certificate is of another host',
      options: { port: secure, tls: { ...tls, host: '127.0.0.1' } },
      fault: 'certificate',
      message: "SSL certificate doesn't match expected host name 127.0.0.1: did not match to any IP or DNS fields",
    },
    {
      why: 'the certificate is of nobody we trust',
      options: { port: secure, tls: { ...tls, context: cache.client(tlsSettings()) } },
      fault: 'certificate',
      message: /^Received invalid SSL certificate: .*: \/CN=localhost \(check ssl_client_ca_\* settings\?\)$/,
    },
    {
      why: 'no TLS there',
      options: { port: plain, tls },
      fault: 'tls',
      message: /^SSL_connect\(\) failed: error:0A00010B:/,
    },
    { why: 'it closes', options: { port: leaving, tls }, fault: 'closed', message: 'Connection closed' },
  ]
  for (const { why, options, fault, message } of rows) {
    for (const { onread, bare } of WAYS) {
      const error = await failure({ ip: '127.0.0.1', onread, bare, timeoutMs: PATIENCE_MS, ...options })
      assert.equal(error.fault, fault, why)
      if (typeof message === 'string') assert.equal(error.message, message, why)
      else assert.match(error.message, message, why)
      assert.ok((error.local?.port ?? 0) > 0, why)
    }
  }
})

test('who gives up while it connects is told so once, and nothing stays open', async (t) => {
  const port = await listen(t, createServer())
  const open = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  const before = open()
  for (const way of WAYS) {
    for (const ip of ['127.0.0.1', '192.0.2.1']) {
      const controller = new AbortController()
      const waiting = failure({ ip, port, ...way, timeoutMs: PATIENCE_MS, signal: controller.signal })
      controller.abort()
      assert.equal((await waiting).fault, 'aborted')
    }
  }
  await until('all are closed', () => open() <= before)
})

test('a backend that does not answer in time, or that nobody wants any more', async (t) => {
  const server = createServer()
  const silent = await listen(t, server)
  const tls = { context, host: 'x', verify: false }
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const greeted = once(server, 'connection').then(async ([socket]) => await once(socket as Socket, 'data'))
  const hanging = failure({ ip: '127.0.0.1', port: silent, onread: false, tls, timeoutMs: 40 })
  await greeted
  t.mock.timers.tick(40)
  t.mock.timers.reset()
  const late = await hanging
  assert.deepEqual([late.fault, late.message, late.local?.ip], ['tls-timeout', 'Timed out', '127.0.0.1'])
  const controller = new AbortController()
  const waiting = failure({
    ip: '127.0.0.1',
    port: silent,
    onread: false,
    tls,
    timeoutMs: PATIENCE_MS,
    signal: controller.signal,
  })
  setImmediate(() => controller.abort())
  assert.equal((await waiting).fault, 'aborted')
  const options = { ip: '127.0.0.1', port: silent, onread: false, timeoutMs: PATIENCE_MS, signal: AbortSignal.abort() }
  assert.equal((await failure(options)).fault, 'aborted')
})

test('a host whose name is too long is not told it, and no other connection suffers', {
  skip: skipWithoutBare,
}, async (t) => {
  const silent = await listen(t, createServer())
  for (const way of WAYS) {
    for (const host of ['', '.', 'x'.repeat(256)]) {
      const { client, told } = await securedPair(t)
      const controller = new AbortController()
      const tls = { context, host, verify: false }
      const options = { ...way, ip: '127.0.0.1', port: silent, tls, timeoutMs: PATIENCE_MS }
      const given = failure({ ...options, signal: controller.signal })
      // OpenSSL's complaint would meet whoever reads next.
      client.write('a1 NOOP')
      await until('it is read', () => told.text === 'a1 NOOP' || told.news.length > 0)
      assert.deepEqual([told.text, told.news], ['a1 NOOP', []], `${JSON.stringify(way)}, ${host.length}`)
      controller.abort()
      await given
    }
  }
})
