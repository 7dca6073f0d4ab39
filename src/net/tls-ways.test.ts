import assert from 'node:assert/strict'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { skipWithoutBare as skip } from '../../test/support/bare-pair.ts'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { type OpenStreamPair, WAYS } from '../../test/support/stream-pair.ts'
import { type AllTlsSettings, serving, tlsSettings } from '../../test/support/tls-settings.ts'
import { turn, until } from '../../test/support/until.ts'
import type { SocketStream } from './socket-stream.ts'
import { type ServerTlsOptions, startTlsServer, TlsFailed } from './tls.ts'
import { TlsContextCache } from './tls-cache.ts'
import type { ServerTlsContext } from './tls-context.ts'

const authority = await makeAuthority('Test CA')
const certificate = await makeCertificate(authority, { commonName: 'imap.example.org', names: ['imap.example.org'] })
const other = await makeCertificate(authority, { commonName: 'other.example.org', names: ['other.example.org'] })
const joe = await makeCertificate(authority, { commonName: 'joe', names: ['joe.example.org'] })
const expired = await makeCertificate(authority, { commonName: 'old', expired: true })
const stranger = await makeCertificate(undefined, { commonName: 'joe' })
const cache = new TlsContextCache(randomBytes(48))

function context(changes: Partial<AllTlsSettings> = {}): ServerTlsContext {
  return cache.server(tlsSettings({ ...serving(certificate), ...changes }))
}

const OTHER = context(serving(other))
const ASKING = context({ ssl_verify_client_cert: true, ssl_ca: authority.cert, ssl_require_crl: false })
const WITHOUT_CRL = context({ ssl_verify_client_cert: true, ssl_ca: authority.cert })

interface Row {
  readonly why: string
  readonly options?: Partial<ServerTlsOptions>
  readonly client?: ConnectionOptions
  /** What the peer does instead of a handshake, or within it. */
  readonly act?: (far: Socket, stream: SocketStream) => unknown
  readonly deadlineMs?: number
  /** `done`, a fault, or the name of an error. */
  readonly ends: 'done' | 'closed' | 'handshake' | 'DeadlineExceeded'
}

/** All that can be told of a handshake, and of the session that follows. */
async function outcome(t: TestContext, open: OpenStreamPair, row: Row): Promise<Record<string, unknown>> {
  const { stream, far, near } = await open(t)
  if (row.deadlineMs !== undefined) stream.setDeadline(row.deadlineMs)
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  const up = startTlsServer(stream, { context: context(), unread: 'drop', ...row.options })
  up.catch(() => undefined)
  let client: TLSSocket | undefined
  if (row.act !== undefined) row.act(far, stream)
  if (row.client !== undefined) {
    client = connect({ rejectUnauthorized: false, ca: authority.cert, ...row.client, socket: far })
    client.on('error', () => undefined)
  }
  const error = await up.then(
    () => undefined,
    (fault: unknown) => fault,
  )
  if (error !== undefined) {
    assert.ok(error instanceof Error)
    const ends = error instanceof TlsFailed ? error.fault : error.name
    return { ends, message: error.message, told: (await ended)?.message, ended: stream.ended, gone: near.destroyed }
  }
  assert.ok(client !== undefined)
  return { ends: 'done', ...(await session(stream, client)) }
}

async function session(stream: SocketStream, client: TLSSocket): Promise<Record<string, unknown>> {
  stream.write('* OK caf\xe9\r\n')
  const [greeting] = (await once(client, 'data')) as [Buffer]
  assert.ok(stream.tls !== undefined)
  const { channelBinding, ...tls } = stream.tls
  const shown = client.getPeerX509Certificate()
  assert.ok(shown !== undefined)
  assert.deepEqual(
    channelBinding?.('tls-server-end-point'),
    createHash('sha256').update(new X509Certificate(shown.raw).raw).digest(),
  )
  const exported = channelBinding?.('tls-exporter')
  if (tls.protocol === 'TLSv1.3') {
    assert.deepEqual(exported, client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)))
  } else assert.equal(exported, undefined)
  client.write('a1 NOOP\r\n')
  const line = await stream.readLine(100)
  const counted = [stream.bytesIn, stream.bytesOut]
  client.end('a2 LOGOUT\r\n')
  const rest = [await stream.readLine(100), await stream.readLine(100)]
  stream.write('* BYE\r\n')
  const [bye] = (await once(client, 'data')) as [Buffer]
  await stream.close()
  return {
    tls,
    subject: shown.subject,
    alpn: client.alpnProtocol,
    authorized: client.authorized,
    texts: [greeting.toString('latin1'), line, ...rest, bye.toString()],
    counted,
    ended: stream.ended,
  }
}

const rows: readonly Row[] = [
  { why: 'TLS 1.2', client: { maxVersion: 'TLSv1.2' }, ends: 'done' },
  { why: 'TLS 1.3', client: { minVersion: 'TLSv1.3' }, ends: 'done' },
  {
    why: 'a key of 128 bits',
    client: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' },
    ends: 'done',
  },
  { why: 'another cipher', client: { ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305', maxVersion: 'TLSv1.2' }, ends: 'done' },
  { why: 'no cipher in common', client: { ciphers: 'AES128-SHA', maxVersion: 'TLSv1.2' }, ends: 'handshake' },
  {
    why: 'too old',
    client: { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
    ends: 'handshake',
  },
  { why: 'a name nobody chooses by', client: { servername: 'imap.example.org' }, ends: 'done' },
  ...(['TLSv1.2', 'TLSv1.3'] as const).flatMap((maxVersion): Row[] => [
    {
      why: `another certificate by name, ${maxVersion}`,
      options: { byServerName: () => OTHER },
      client: { servername: 'other.example.org', maxVersion },
      ends: 'done',
    },
    {
      why: `a name that keeps the certificate, ${maxVersion}`,
      options: { byServerName: () => undefined },
      client: { servername: 'imap.example.org', maxVersion },
      ends: 'done',
    },
    { why: `no name, ${maxVersion}`, options: { byServerName: () => OTHER }, client: { maxVersion }, ends: 'done' },
    {
      why: `choosing fails, ${maxVersion}`,
      options: {
        byServerName: () => {
          throw new Error('a filter that cannot be read')
        },
      },
      client: { servername: 'x.example', maxVersion },
      ends: 'closed',
    },
    {
      why: `another certificate by name, and a protocol, ${maxVersion}`,
      options: { byServerName: () => OTHER, alpn: 'imap' },
      client: { servername: 'other.example.org', maxVersion, ALPNProtocols: ['imap'] },
      ends: 'done',
    },
    {
      why: `who asks for certificates by name, ${maxVersion}`,
      options: { byServerName: () => ASKING },
      client: { servername: 'imap.example.org', maxVersion, ...joe },
      ends: 'done',
    },
    {
      why: `a protocol, ${maxVersion}`,
      options: { alpn: 'imap' },
      client: { maxVersion, ALPNProtocols: ['http/1.1', 'imap'] },
      ends: 'done',
    },
    { why: `no protocol, ${maxVersion}`, options: { alpn: 'imap' }, client: { maxVersion }, ends: 'done' },
    {
      why: `a protocol nobody asked for, ${maxVersion}`,
      client: { maxVersion, ALPNProtocols: ['imap'] },
      ends: 'done',
    },
    {
      why: `another protocol, ${maxVersion}`,
      options: { alpn: 'imap' },
      client: { maxVersion, ALPNProtocols: ['http/1.1'] },
      ends: 'handshake',
    },
    ...[
      { why: 'a good certificate', shown: joe, asking: ASKING },
      { why: 'no certificate', shown: {}, asking: ASKING },
      { why: 'a certificate signed by itself', shown: stranger, asking: ASKING },
      { why: 'a certificate that is over', shown: expired, asking: ASKING },
      { why: 'no revocation list', shown: joe, asking: WITHOUT_CRL },
      { why: 'no revocation list and no certificate', shown: {}, asking: WITHOUT_CRL },
      { why: 'a certificate nobody asked for', shown: joe, asking: context() },
    ].map(({ why, shown, asking }): Row => {
      return {
        why: `${why}, ${maxVersion}`,
        options: { context: asking },
        client: { ...shown, maxVersion },
        ends: 'done',
      }
    }),
  ]),
  { why: 'who leaves', act: (far) => far.end(), ends: 'closed' },
  { why: 'who breaks off', act: (far) => far.resetAndDestroy(), ends: 'closed' },
  { why: 'who speaks in clear', act: (far) => far.write('a1 NOOP\r\n'), ends: 'handshake' },
  { why: 'who speaks HTTP', act: (far) => far.write('GET / HTTP/1.0\r\n\r\n'), ends: 'handshake' },
  { why: 'an alert first', act: (far) => far.write(Buffer.from('15030300020228', 'hex')), ends: 'handshake' },
  { why: 'half a ClientHello', act: (far) => far.end(Buffer.from('160301020001', 'hex')), ends: 'closed' },
  { why: 'we close', act: (_far, stream) => stream.destroy(), ends: 'closed' },
  { why: 'who says nothing', deadlineMs: 20, ends: 'DeadlineExceeded' },
  {
    why: 'who says half of it',
    deadlineMs: 20,
    act: (far) => far.write(Buffer.from('160301020001', 'hex')),
    ends: 'DeadlineExceeded',
  },
]

test('a handshake and its session are the same over both kinds of sockets', { skip }, async (t) => {
  for (const row of rows) {
    const [plain, bare] = await Promise.all(WAYS.map(async ({ open }) => await outcome(t, open, row)))
    assert.equal(plain?.['ends'], row.ends, row.why)
    assert.deepEqual(bare, plain, row.why)
  }
})

test('what was read before TLS is the same over both kinds of sockets', { skip }, async (t) => {
  const hello = await clientHello()
  const closeNotify = Buffer.from('15030300020100', 'hex')
  const fed: readonly { why: string; bytes: Buffer; ends: string }[] = [
    { why: 'a command', bytes: Buffer.from('a1 NOOP\r\n'), ends: 'handshake' },
    { why: 'close_notify', bytes: closeNotify, ends: 'handshake' },
    {
      why: 'a ClientHello and an alert',
      bytes: Buffer.concat([hello, Buffer.from('15030300020228', 'hex')]),
      ends: '',
    },
    { why: 'a ClientHello and close_notify', bytes: Buffer.concat([hello, closeNotify]), ends: '' },
    { why: 'a ClientHello and noise', bytes: Buffer.concat([hello, Buffer.alloc(100, 'x')]), ends: '' },
    { why: 'a ClientHello, then the client leaves', bytes: hello, ends: 'closed' },
  ]
  for (const { why, bytes, ends } of fed) {
    const [plain, bare] = await Promise.all(
      WAYS.map(async ({ open }) => {
        const { stream, far } = await open(t)
        stream.unread(bytes)
        const up = startTlsServer(stream, { context: context(), unread: 'feed' })
        up.catch(() => undefined)
        await turn()
        far.end()
        const error = (await up.catch((fault: unknown) => fault)) as TlsFailed
        return { fault: error.fault, message: error.message, ended: stream.ended }
      }),
    )
    if (ends !== '') assert.equal(plain?.fault, ends, why)
    assert.deepEqual(bare, plain, why)
  }
})

/** What a client says first. */
async function clientHello(): Promise<Buffer> {
  const [inner, side] = duplexPair()
  const client = connect({ socket: side, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [said] = (await once(inner, 'data')) as [Buffer]
  client.destroy()
  return said
}

test('sessions of one kind are resumed by the other, by tickets', { skip }, async (t) => {
  const shared = context()
  const [plain, bare] = WAYS
  assert.ok(plain !== undefined && bare !== undefined)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [first, second] of [
      [bare, bare],
      [plain, bare],
      [bare, plain],
    ] as const) {
      const begin = async (open: OpenStreamPair, session?: Buffer): Promise<{ session: Buffer; reused: boolean }> => {
        const { stream, far } = await open(t)
        const up = startTlsServer(stream, { context: shared, unread: 'drop' })
        const client = connect({
          socket: far,
          rejectUnauthorized: false,
          maxVersion,
          ...(session === undefined ? undefined : { session }),
        })
        const ticket = once(client, 'session') as Promise<[Buffer]>
        await up
        stream.write('* OK\r\n')
        await once(client, 'data')
        const reused = client.isSessionReused()
        const got = reused ? (session as Buffer) : (await ticket)[0]
        ticket.catch(() => undefined)
        client.destroy()
        return { session: got, reused }
      }
      const { session } = await begin(first.open)
      assert.ok((await begin(second.open, session)).reused, `${maxVersion}, ${first.name} and ${second.name}`)
    }
  }
})

test('who chose by name is not kept for as long as the session', { skip }, async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  for (const { name, open } of WAYS) {
    const { stream, far } = await open(t)
    const begin = (): { chooser: WeakRef<object>; up: Promise<void> } => {
      const login = { chosen: OTHER }
      const up = startTlsServer(stream, { context: context(), byServerName: () => login.chosen, unread: 'drop' })
      return { chooser: new WeakRef(login), up }
    }
    const { chooser, up } = begin()
    const client = connect({ socket: far, servername: 'other.example.org', rejectUnauthorized: false })
    t.after(() => client.destroy())
    await up
    assert.equal(stream.tls?.serverName, 'other.example.org')
    await until(`${name}: it is forgotten`, () => {
      collectGarbage()
      return chooser.deref() === undefined
    })
    assert.ok(stream.writable)
  }
})

test('nobody shakes hands over a connection that a failed write has closed', { skip }, async (t) => {
  const [plain, bare] = await Promise.all(
    WAYS.map(async ({ open }) => {
      const { stream, far, near } = await open(t)
      near.pause()
      const closed = once(far, 'close')
      far.resetAndDestroy()
      await closed
      for (let turns = 0; turns < 5; turns++) await turn()
      stream.write('a OK Begin TLS negotiation now.\r\n')
      stream.write('and more')
      const error = await startTlsServer(stream, { context: context(), unread: 'drop' }).catch(
        (fault: unknown) => fault,
      )
      return { error: String(error), ended: stream.ended, writable: stream.writable }
    }),
  )
  assert.deepEqual(bare, plain)
  assert.deepEqual(bare, { error: 'TlsFailed: Connection closed', ended: true, writable: false })
})
