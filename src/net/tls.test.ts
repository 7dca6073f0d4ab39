import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import test, { type TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { PATIENCE_MS, within } from '../../test/support/deadline.ts'
import { type OpenStreamPair, testEachWay } from '../../test/support/stream-pair.ts'
import { type AllTlsSettings, serving, tlsSettings } from '../../test/support/tls-settings.ts'
import { Secret } from '../util/secret.ts'
import { ConnectionLost, DeadlineExceeded } from './byte-stream.ts'
import { SocketStream } from './socket-stream.ts'
import { type ServerTlsOptions, startTlsClient, startTlsServer, TlsFailed } from './tls.ts'
import { TlsContextCache } from './tls-cache.ts'
import type { ServerTlsContext } from './tls-context.ts'

const authority = await makeAuthority('Test CA')
const certificate = await makeCertificate(authority, {
  commonName: 'imap.example.org',
  names: ['imap.example.org', '127.0.0.1'],
})
const cache = new TlsContextCache(randomBytes(48))

function serverContext(changes: Partial<AllTlsSettings> = {}): ServerTlsContext {
  return cache.server(tlsSettings({ ...serving(certificate), ...changes }))
}

interface Served {
  readonly stream: SocketStream
  readonly far: Socket
  /** Our side of the handshake. */
  readonly up: Promise<void>
  readonly client: TLSSocket
  /** The client's side of it. */
  readonly secured: Promise<unknown>
}

async function serve(
  t: TestContext,
  open: OpenStreamPair,
  options: Partial<ServerTlsOptions> = {},
  client: ConnectionOptions = {},
): Promise<Served> {
  const { stream, far } = await open(t)
  const up = startTlsServer(stream, { context: serverContext(), unread: 'drop', ...options })
  up.catch(() => undefined)
  const socket = connect({ rejectUnauthorized: false, ...client, socket: far })
  socket.on('error', () => undefined)
  const secured = once(socket, 'secureConnect')
  secured.catch(() => undefined)
  return { stream, far, up, client: socket, secured }
}

testEachWay('after STARTTLS the stream goes on inside TLS', async (t, open) => {
  const { stream, far } = await open(t)
  far.write('a STARTTLS\r\n')
  assert.equal(await stream.readLine(100), 'a STARTTLS')
  stream.write('a OK Begin TLS negotiation now.\r\n')
  const before = stream.bytesOut
  const up = startTlsServer(stream, { context: serverContext(), unread: 'drop' })
  const [answer] = (await once(far, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'a OK Begin TLS negotiation now.\r\n')
  far.removeAllListeners('data')
  const client = connect({ socket: far, ca: authority.cert, servername: 'imap.example.org' })
  client.write('b CAPABILITY\r\n')
  await up
  assert.equal(await stream.readLine(100), 'b CAPABILITY')
  stream.write('* CAPABILITY\r\n')
  const [inside] = (await once(client, 'data')) as [Buffer]
  assert.equal(inside.toString(), '* CAPABILITY\r\n')
  assert.equal(stream.bytesOut, before + inside.length, 'towards clients the whole connection counts')
  assert.ok(client.authorized)
  assert.ok(stream.tls !== undefined)
  const { channelBinding, ...tls } = stream.tls
  assert.equal(channelBinding?.('tls-exporter')?.length, 32)
  assert.equal(channelBinding?.('tls-unique'), undefined)
  assert.deepEqual(tls, {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    serverName: 'imap.example.org',
    certificateUser: undefined,
    certificateVerified: false,
  })
  assert.equal(stream.remote.port, far.localPort)
  client.end()
  assert.equal(await stream.readLine(100), undefined)
  await stream.close()
})

testEachWay('commands pipelined behind STARTTLS are never answered', async (t, open) => {
  const rows: { why: string; pieces: string[] }[] = [
    { why: 'in the same segment', pieces: ['a STARTTLS\r\nb LOGIN joe x\r\n'] },
    { why: 'half a line in the same segment', pieces: ['a STARTTLS\r\nb LOG'] },
  ]
  for (const { why, pieces } of rows) {
    const { stream, far } = await open(t)
    for (const piece of pieces) far.write(piece)
    assert.equal(await stream.readLine(100), 'a STARTTLS')
    const up = startTlsServer(stream, { context: serverContext(), unread: 'drop' })
    const client = connect({ socket: far, rejectUnauthorized: false })
    await up
    client.write('c NOOP\r\n')
    assert.equal(await stream.readLine(100), 'c NOOP', why)
    client.destroy()
  }
})

test('bytes read before the handshake began are dropped even when the socket had been paused over them', async () => {
  const [near, far] = duplexPair({ allowHalfOpen: true })
  const stream = new SocketStream(near)
  far.write('a STARTTLS\r\n')
  assert.equal(await stream.readLine(100), 'a STARTTLS')
  near.pause()
  far.write('b LOGIN joe x\r\n')
  while (near.readableLength === 0) await new Promise((resolve) => setImmediate(resolve))
  const up = startTlsServer(stream, { context: serverContext(), unread: 'drop' })
  const client = connect({ socket: far, rejectUnauthorized: false })
  client.write('c NOOP\r\n')
  await up
  assert.equal(await stream.readLine(100), 'c NOOP')
  client.destroy()
  stream.destroy()
})

testEachWay('with TLS from the first byte what was read already belongs to the handshake', async (t, open) => {
  const { stream, far } = await open(t)
  const client = connect({ socket: far, rejectUnauthorized: false })
  const hello = await stream.readSome(20)
  assert.equal(hello?.[0], 22, 'a TLS handshake record')
  stream.unread(hello as Buffer)
  await startTlsServer(stream, { context: serverContext(), unread: 'feed' })
  client.write('a NOOP\r\n')
  assert.equal(await stream.readLine(100), 'a NOOP')
  client.destroy()
})

testEachWay('the name that the client sends chooses the certificate', async (t, open) => {
  const other = await makeCertificate(authority, { names: ['mail.example.com'] })
  const otherContext = serverContext(serving(other))
  const asked: string[] = []
  const byServerName = (name: string): ServerTlsContext | undefined => {
    asked.push(name)
    return name === 'mail.example.com' ? otherContext : undefined
  }
  for (const name of ['mail.example.com', 'imap.example.org']) {
    const { client, up, secured } = await serve(
      t,
      open,
      { byServerName },
      { servername: name, ca: authority.cert, rejectUnauthorized: true },
    )
    await up
    await secured
    assert.ok(client.authorized, name)
  }
  assert.deepEqual(asked, ['mail.example.com', 'imap.example.org'])
  const broken = await serve(
    t,
    open,
    { byServerName: () => assert.fail('a filter that cannot be read') },
    { servername: 'x.example' },
  )
  await assert.rejects(broken.up, TlsFailed)
})

testEachWay('what goes wrong in a handshake is said in the words of OpenSSL', async (t, open) => {
  const rows: {
    why: string
    message: RegExp
    fault: string
    options?: Partial<ServerTlsOptions>
    act: (far: Socket) => void
  }[] = [
    {
      why: 'a client that speaks no TLS',
      message: /^SSL_accept\(\) failed: error:0A00010B:SSL routines::wrong version number$/,
      fault: 'handshake',
      act: (far) => far.write('a NOOP\r\nb NOOP\r\nc NOOP\r\n'),
    },
    { why: 'a client that leaves', message: /^Connection closed$/, fault: 'closed', act: (far) => far.end() },
    {
      why: 'a client that breaks off',
      message: /^Connection closed: Connection reset by peer$/,
      fault: 'closed',
      act: (far) => far.resetAndDestroy(),
    },
  ]
  for (const { why, message, fault, act } of rows) {
    const { stream, far } = await open(t)
    const watched = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
    const up = startTlsServer(stream, { context: serverContext(), unread: 'drop' })
    up.catch(() => undefined)
    act(far)
    await assert.rejects(up, { name: 'TlsFailed', message, fault }, why)
    assert.ok((await watched) instanceof ConnectionLost, why)
    assert.ok(stream.ended, why)
    await assert.rejects(async () => await stream.readLine(100), ConnectionLost)
  }
})

testEachWay('a client that is too old is told apart', async (t, open) => {
  const old = await serve(t, open, {}, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' })
  await assert.rejects(old.up, {
    message: 'SSL_accept() failed: error:0A000102:SSL routines::unsupported protocol',
    fault: 'handshake',
  })
})

testEachWay('nobody shakes hands with a peer that has not taken what it was told in clear', async (t, open) => {
  const { stream, far } = await open(t)
  far.pause()
  stream.write(Buffer.alloc(32 * 1024 * 1024, 'x'))
  const unread = { name: 'TlsFailed', fault: 'closed', message: 'Connection closed' }
  await assert.rejects(startTlsServer(stream, { context: serverContext(), unread: 'drop' }), unread)
  assert.equal(stream.ended, true)
})

testEachWay('a peer that left before the handshake began is told apart at once', async (t, open) => {
  for (const leave of [(far: Socket) => far.end(), (far: Socket) => far.resetAndDestroy()]) {
    const { stream, far } = await open(t)
    leave(far)
    await new Promise((resolve) => stream.onEnd(resolve))
    const gone = { name: 'TlsFailed', fault: 'closed', message: 'Connection closed' }
    await assert.rejects(startTlsServer(stream, { context: serverContext(), unread: 'drop' }), gone)
    await assert.rejects(
      startTlsClient(stream, { context: cache.client(tlsSettings()), host: 'x', verify: false }),
      gone,
    )
  }
})

testEachWay('who closes within a handshake hears when it is closed', async (t, open) => {
  const rows: ((far: Socket) => unknown)[] = [(far) => far.end(), (far) => far.resetAndDestroy()]
  for (const leave of rows) {
    const { stream, far } = await open(t)
    const up = startTlsServer(stream, { context: serverContext(), unread: 'drop' })
    const closed = stream.close()
    leave(far)
    await assert.rejects(up, { fault: 'closed' })
    await within(PATIENCE_MS, () => 'it is never closed', closed)
  }
})

testEachWay('the deadline of the stream ends a handshake that hangs', async (t, open) => {
  const { stream, near } = await open(t)
  stream.setDeadline(30)
  await assert.rejects(startTlsServer(stream, { context: serverContext(), unread: 'drop' }), DeadlineExceeded)
  assert.ok(near.destroyed)
})

testEachWay('a fault after the handshake ends the connection', async (t, open) => {
  const { stream, far, up, secured } = await serve(t, open, {})
  await Promise.all([up, secured])
  const waiting = Promise.resolve(stream.readLine(100))
  waiting.catch(() => undefined)
  far.write('this is no TLS record at all\r\n')
  const fault = await within(
    PATIENCE_MS,
    () => 'the fault went unnoticed',
    waiting.catch((error: unknown) => error),
  )
  assert.ok(fault instanceof ConnectionLost)
  assert.match(fault.message, /^error:[0-9A-F]{8}:SSL routines::/)
  assert.ok(stream.ended)
})

testEachWay('a client certificate names the user when it is verified', async (t, open) => {
  const joe = await makeCertificate(authority, { commonName: 'joe', names: ['joe.example.org'] })
  const stranger = await makeCertificate(undefined, { commonName: 'joe' })
  const asking = { ssl_verify_client_cert: true, ssl_ca: authority.cert, ssl_require_crl: false }
  const invalid = 'Received invalid SSL certificate: self-signed certificate: /CN=joe (check ssl_ca setting?)'
  const rows: {
    why: string
    settings: Partial<AllTlsSettings>
    shown?: typeof joe
    user?: string
    verified?: true
    problem?: string
  }[] = [
    { why: 'a good one', settings: asking, shown: joe, user: 'joe', verified: true },
    { why: 'none shown', settings: asking },
    { why: 'signed by itself', settings: asking, shown: stranger, problem: invalid },
    { why: 'nobody asked', settings: {}, shown: joe },
    {
      why: 'another field that is not there',
      settings: { ...asking, ssl_cert_username_field: 'emailAddress' },
      shown: joe,
      verified: true,
    },
    {
      why: 'authorities without the revocation list that is required',
      settings: { ...asking, ssl_require_crl: true },
      shown: joe,
      problem: 'Received invalid SSL certificate: unable to get certificate CRL: /CN=joe (check ssl_ca setting?)',
    },
  ]
  for (const { why, settings, shown, user, verified = false, problem } of rows) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { stream, up } = await serve(t, open, { context: serverContext(settings) }, { ...shown, maxVersion })
      await up
      assert.equal(stream.tls?.certificateUser, user, `${why}, ${maxVersion}`)
      assert.equal(stream.tls?.certificateVerified, verified, why)
      assert.equal(stream.tls?.certificateProblem, problem, why)
    }
  }
})

testEachWay('sessions are resumed by another context with the same ticket keys', async (t, open) => {
  const keys = randomBytes(48)
  const contexts = [new TlsContextCache(keys), new TlsContextCache(keys)].map((one) =>
    one.server(tlsSettings(serving(certificate))),
  )
  const later = new TlsContextCache(randomBytes(48)).server(tlsSettings(serving(certificate)))
  const session = await new Promise<Buffer>((resolve, reject) => {
    serve(t, open, { context: contexts[0] as ServerTlsContext }).then(({ client, stream, up }) => {
      client.once('session', resolve)
      up.then(() => stream.write('* OK\r\n'), reject)
    }, reject)
  })
  const reused = async (context: ServerTlsContext): Promise<boolean> => {
    const { client, up, secured } = await serve(t, open, { context }, { session })
    await Promise.all([up, secured])
    return client.isSessionReused()
  }
  assert.ok(await reused(contexts[1] as ServerTlsContext))
  assert.ok(!(await reused(later)))
})

testEachWay('application protocols are agreed on when the client offers them', async (t, open) => {
  const { client, up, secured } = await serve(t, open, { alpn: 'imap' }, { ALPNProtocols: ['imap'] })
  await Promise.all([up, secured])
  assert.equal(client.alpnProtocol, 'imap')
  await (await serve(t, open, { alpn: 'imap' })).up
  const web = await serve(t, open, { alpn: 'imap' }, { ALPNProtocols: ['http/1.1'] })
  await assert.rejects(web.up, /no application protocol/)
})

interface Backend {
  readonly certificate: { key: string; cert: string }
  readonly asks?: boolean
}

/** Our STARTTLS towards a backend that shows this certificate. */
async function toBackend(
  t: TestContext,
  open: OpenStreamPair,
  { certificate: shown, asks = false }: Backend,
  settings: Partial<AllTlsSettings>,
  host: string,
  verify = true,
): Promise<{ stream: SocketStream; backend: SocketStream; up: Promise<void>; backendUp: Promise<void> }> {
  const { stream, far } = await open(t)
  const backend = new SocketStream(far)
  const asking = asks ? { ssl_verify_client_cert: true, ssl_ca: authority.cert, ssl_require_crl: false } : {}
  const backendUp = startTlsServer(backend, {
    context: cache.server(tlsSettings({ ...serving(shown), ...asking })),
    unread: 'drop',
  })
  backendUp.catch(() => undefined)
  const up = startTlsClient(stream, { context: cache.client(tlsSettings(settings)), host, verify })
  up.catch(() => undefined)
  return { stream, backend, up, backendUp }
}

testEachWay('a backend must show a certificate that its host field and our authorities agree with', async (t, open) => {
  const trusting = { ssl_ca: authority.cert, ssl_require_crl: false }
  const self = await makeCertificate(undefined, { commonName: 'selfs', names: ['selfs'] })
  const wildcard = await makeCertificate(authority, { names: ['*.example.org'] })
  const nameOnly = await makeCertificate(authority, { commonName: 'cn.example.org', names: ['127.0.0.9'] })
  const expired = await makeCertificate(authority, { expired: true, names: ['old.example.org'] })
  const mismatch = (host: string) =>
    `SSL certificate doesn't match expected host name ${host}: did not match to any IP or DNS fields`
  const invalid = (what: string, cn: string) =>
    `Received invalid SSL certificate: ${what}: /CN=${cn} (check ssl_client_ca_* settings?)`
  const rows: {
    why: string
    shown: typeof self
    host: string
    settings?: Partial<AllTlsSettings>
    problem?: string
  }[] = [
    { why: 'a DNS name', shown: certificate, host: 'imap.example.org' },
    { why: 'names have no case', shown: certificate, host: 'IMAP.Example.ORG' },
    { why: 'an address', shown: certificate, host: '127.0.0.1' },
    { why: 'another name', shown: certificate, host: 'imap.example.net', problem: mismatch('imap.example.net') },
    { why: 'another address', shown: certificate, host: '127.0.77.3', problem: mismatch('127.0.77.3') },
    { why: 'a wildcard', shown: wildcard, host: 'b1.example.org' },
    {
      why: 'a wildcard is one label',
      shown: wildcard,
      host: 'b1.sub.example.org',
      problem: mismatch('b1.sub.example.org'),
    },
    { why: 'a wildcard is a label', shown: wildcard, host: 'example.org', problem: mismatch('example.org') },
    { why: 'the common name, as there is no DNS name', shown: nameOnly, host: 'cn.example.org' },
    {
      why: 'the common name is none of an address',
      shown: nameOnly,
      host: '127.0.0.1',
      problem: mismatch('127.0.0.1'),
    },
    { why: 'signed by itself', shown: self, host: 'selfs', problem: invalid('self-signed certificate', 'selfs') },
    {
      why: 'expired',
      shown: expired,
      host: 'old.example.org',
      problem: invalid('certificate has expired', 'localhost'),
    },
    {
      why: 'nobody is trusted',
      shown: certificate,
      host: 'imap.example.org',
      settings: { ssl_ca: '' },
      problem: invalid('unable to verify the first certificate', 'imap.example.org'),
    },
    {
      why: 'the revocation list is missing',
      shown: certificate,
      host: 'imap.example.org',
      settings: { ssl_require_crl: true },
      problem: invalid('unable to get certificate CRL', 'imap.example.org'),
    },
  ]
  for (const { why, shown, host, settings, problem } of rows) {
    const { up, stream } = await toBackend(t, open, { certificate: shown }, { ...trusting, ...settings }, host)
    if (problem === undefined) await assert.doesNotReject(up, why)
    else {
      await assert.rejects(up, { name: 'TlsFailed', message: problem, fault: 'certificate' }, why)
      assert.ok(stream.ended, why)
    }
    const any = await toBackend(t, open, { certificate: shown }, { ...trusting, ...settings }, host, false)
    await assert.doesNotReject(any.up, `any-cert: ${why}`)
  }
})

testEachWay(
  'a backend is sent names, not addresses, our certificate, and bytes counted inside TLS',
  async (t, open) => {
    const mine = await makeCertificate(authority, { commonName: 'proxy' })
    const settings = { ssl_client_cert: mine.cert, ssl_client_key: new Secret(mine.key) }
    for (const [host, serverName] of [
      ['imap.example.org', 'imap.example.org'],
      ['127.0.0.1', undefined],
      ['::1', undefined],
    ] as const) {
      const { stream, backend, up, backendUp } = await toBackend(
        t,
        open,
        { certificate, asks: true },
        settings,
        host,
        false,
      )
      await Promise.all([up, backendUp])
      assert.equal(backend.tls?.serverName, serverName)
      assert.equal(backend.tls?.certificateUser, 'proxy')
      assert.deepEqual([stream.bytesIn, stream.bytesOut], [0, 0])
      stream.write('C CAPABILITY\r\n')
      assert.equal(await backend.readLine(100), 'C CAPABILITY')
      assert.equal(stream.bytesOut, 14)
    }
  },
)

testEachWay('what a backend sends behind its STARTTLS answer is thrown away', async (t, open) => {
  const { stream, far } = await open(t)
  const backend = new SocketStream(far)
  backend.write('S OK Begin TLS\r\n* PREAUTH injected\r\n')
  assert.equal(await stream.readLine(100), 'S OK Begin TLS')
  const backendUp = startTlsServer(backend, { context: serverContext(), unread: 'drop' })
  await startTlsClient(stream, { context: cache.client(tlsSettings()), host: 'x', verify: false })
  await backendUp
  backend.write('C OK\r\n')
  assert.equal(await stream.readLine(100), 'C OK')
})

testEachWay('a backend that speaks no TLS, or leaves, or hangs', async (t, open) => {
  const start = async (act: (far: Socket) => void, deadlineMs?: number): Promise<unknown> => {
    const { stream, far } = await open(t)
    stream.setDeadline(deadlineMs)
    far.once('data', () => act(far))
    return await startTlsClient(stream, { context: cache.client(tlsSettings()), host: 'x', verify: false }).catch(
      (error: unknown) => error,
    )
  }
  const garbage = await start((far) => far.write('* OK this is plain text\r\n'))
  assert.match(
    String(garbage),
    /^TlsFailed: SSL_connect\(\) failed: error:0A00010B:SSL routines::wrong version number$/,
  )
  assert.deepEqual(await start((far) => far.end()), new TlsFailed('closed', 'Connection closed'))
  const reset = await start((far) => far.resetAndDestroy())
  assert.equal(String(reset), 'TlsFailed: Connection closed: Connection reset by peer')
  assert.ok((await start(() => undefined, 40)) instanceof DeadlineExceeded)
})
