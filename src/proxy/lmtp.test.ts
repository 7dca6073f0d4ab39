import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { testSettings } from '../../test/support/protocol-session.ts'
import type { AuthConnection, AuthService, PassdbLookup, UserdbLookup } from '../auth/auth.ts'
import { dial } from '../net/dial.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import { parseProxyHeader } from '../net/haproxy-parse.ts'
import { silent } from '../observe/events.ts'
import { createBackendHosts } from './hosts.ts'
import { connectLmtpBackend, type LmtpLookup, type LmtpProxyAccess, routeLmtpRecipient } from './lmtp.ts'
import type { LmtpDestination } from './lmtp-route.ts'
import { createOwnConnections } from './own-connections.ts'
import { createResolver } from './resolve.ts'

const NONE = new Map<string, string>()
const FOUND: PassdbLookup = { kind: 'found', user: 'joe@x', fields: NONE, userdbFields: NONE }
const signal = new AbortController().signal

function access(): LmtpProxyAccess {
  return {
    observer: silent,
    resolver: createResolver({ observer: silent, lookUp: async () => await Promise.reject(new Error('no DNS')) }),
    hosts: createBackendHosts(silent),
    own: createOwnConnections(),
    dial,
    tlsContext: () => {
      throw new Error('no TLS here')
    },
    now: Date.now,
  }
}

interface Databases {
  readonly passdb: PassdbLookup
  readonly userdb?: UserdbLookup
}

/** The two lookups of an auth service, and what they were asked. */
function auth({ passdb, userdb = { kind: 'unknown' } }: Databases): {
  service: AuthService
  asked: string[]
  seen: AuthConnection[]
} {
  const asked: string[] = []
  const seen: AuthConnection[] = []
  const lookups: Pick<AuthService, 'lookupPassdb' | 'lookupUser'> = {
    async lookupPassdb(connection, user) {
      seen.push(connection)
      asked.push(`passdb ${user}`)
      return await Promise.resolve(passdb)
    },
    async lookupUser(_connection, user) {
      asked.push(`userdb ${user}`)
      return await Promise.resolve(userdb)
    },
  }
  return { service: lookups as AuthService, asked, seen }
}

function lookup(settings: Parameters<typeof testSettings>[0] = { lmtp_proxy: true }): LmtpLookup {
  const remote = { ip: '192.0.2.50', port: 4000 }
  return {
    user: 'joe@x',
    forward: new Map([['tenant', 'acme']]),
    client: {
      remote,
      realRemote: { ip: '192.0.2.2', port: 5000 },
      realLocal: { ip: '192.0.2.1', port: 24 },
      local: { ip: '192.0.2.1', port: 24 },
      localName: undefined,
      tls: 'none',
      ttl: undefined,
      settings: testSettings(settings),
    },
  }
}

async function route(databases: Databases, wanted = lookup()): Promise<{ kind: string; asked: string[] }> {
  const { service, asked } = auth(databases)
  const { kind } = await routeLmtpRecipient(access(), { auth: service, proxySelf: new Set() }, wanted, signal)
  return { kind, asked }
}

test('first the passdb is asked, and only for those who live here the userdb', async () => {
  const proxied: PassdbLookup = {
    ...FOUND,
    fields: new Map([
      ['proxy', ''],
      ['host', '192.0.2.9'],
    ]),
  }
  const known: UserdbLookup = { kind: 'found', user: 'joe@x', fields: NONE }
  const rows: [databases: Databases, kind: string, asked: string[], why: string][] = [
    [{ passdb: proxied }, 'proxy', ['passdb joe@x'], 'proxied'],
    [{ passdb: FOUND, userdb: known }, 'local', ['passdb joe@x', 'userdb joe@x'], 'here'],
    [
      { passdb: { kind: 'unknown' }, userdb: known },
      'local',
      ['passdb joe@x', 'userdb joe@x'],
      'here, without a password',
    ],
    [{ passdb: { kind: 'unknown' } }, 'unknown', ['passdb joe@x', 'userdb joe@x'], 'nowhere'],
    [
      { passdb: { kind: 'refused', why: { kind: 'temporary' } } },
      'lookup-failed',
      ['passdb joe@x'],
      'the passdb is down',
    ],
    [
      { passdb: FOUND, userdb: { kind: 'temporary' } },
      'lookup-failed',
      ['passdb joe@x', 'userdb joe@x'],
      'the userdb is',
    ],
    [
      {
        passdb: {
          ...proxied,
          fields: new Map([
            ['proxy', ''],
            ['host', 'mx.test'],
          ]),
        },
      },
      'lookup-failed',
      ['passdb joe@x'],
      'the DNS is',
    ],
    [
      { passdb: { ...proxied, fields: new Map([['proxy', '']]) }, userdb: known },
      'misconfigured',
      ['passdb joe@x'],
      'never local by mistake',
    ],
  ]
  for (const [databases, kind, asked, why] of rows) assert.deepEqual(await route(databases), { kind, asked }, why)
})

test('a name is looked up for as long as proxy_timeout says, as for logins', async () => {
  const asked: number[] = []
  const resolver: LmtpProxyAccess['resolver'] = {
    async resolve(_name, timeoutMs) {
      asked.push(timeoutMs)
      return await Promise.resolve({ kind: 'failed' })
    },
  }
  for (const proxy_timeout of ['2', '1500ms']) {
    const fields = new Map(Object.entries({ proxy: '', host: 'mx.test', proxy_timeout }))
    const { service } = auth({ passdb: { ...FOUND, fields } })
    await routeLmtpRecipient({ ...access(), resolver }, { auth: service, proxySelf: new Set() }, lookup(), signal)
  }
  assert.deepEqual(asked, [2_000, 10_000])
})

test('without lmtp_proxy nobody is proxied', async () => {
  const passdb: PassdbLookup = {
    ...FOUND,
    fields: new Map([
      ['proxy', ''],
      ['host', '192.0.2.9'],
    ]),
  }
  assert.deepEqual(await route({ passdb }, lookup({ lmtp_proxy: false })), { kind: 'unknown', asked: ['userdb joe@x'] })
})

test('the databases see the client as it was forwarded, and the fields that came for the recipient', async () => {
  const { service, seen } = auth({ passdb: { kind: 'unknown' } })
  await routeLmtpRecipient(access(), { auth: service, proxySelf: new Set() }, lookup(), signal)
  const [connection] = seen
  assert.equal(connection?.service, 'lmtp')
  assert.equal(connection?.remote.ip, '192.0.2.50')
  assert.equal(connection?.realRemote.ip, '192.0.2.2')
  assert.deepEqual([...(connection?.forward ?? [])], [['tenant', 'acme']])
})

function destination(port: number, changes: Partial<LmtpDestination> = {}): LmtpDestination {
  return {
    protocol: 'lmtp',
    host: '127.0.0.1',
    ip: '127.0.0.1',
    port,
    tls: 'none',
    verifyCertificate: true,
    notTrusted: false,
    ...changes,
  }
}

test('a backend is told by PROXY header where that is wanted, and the table of backends knows who answers [field haproxy: lmtp]', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const proxy = access()
  const { client } = lookup()
  const accepted = once(server, 'connection')
  const { stream } = await connectLmtpBackend(proxy, destination(port, { haproxy: 'v1' }), client, {
    timeoutMs: 5000,
    signal,
  })
  t.after(() => stream.destroy())
  const [socket] = (await accepted) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  assert.equal(bytes.toString(), 'PROXY TCP4 192.0.2.50 192.0.2.1 4000 24\r\n')
  socket.destroy()
  const nowhere = await headerFor(proxy, destination(port, { haproxy: 'v1' }), server, {
    ...client,
    remote: { ip: '', port: 0 },
  })
  assert.equal(nowhere.toString(), 'PROXY UNKNOWN\r\n')
  await assert.rejects(
    connectLmtpBackend(proxy, destination(1), client, { timeoutMs: 5000, signal }),
    /Connection refused/,
  )
  assert.deepEqual(
    proxy.hosts.list().map(({ port: at, up, waiting }) => [at, up, waiting]),
    [
      [port, true, 0],
      [1, false, 0],
    ],
  )
})

/** The first thing that a backend hears of this client. */
async function headerFor(
  proxy: LmtpProxyAccess,
  to: LmtpDestination,
  server: Server,
  client: LmtpLookup['client'],
): Promise<Buffer> {
  const accepted = once(server, 'connection')
  const options = { timeoutMs: 5000, signal }
  const { stream } = await connectLmtpBackend(proxy, to, client, options)
  const [socket] = (await accepted) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  stream.destroy()
  socket.destroy()
  return bytes
}

test('what the balancer in front said goes on: where the client connected to, by what name, over TLS', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const to = destination((server.address() as AddressInfo).port, { haproxy: 'v2' })
  const client = { ...lookup().client, local: { ip: '198.51.100.1', port: 2424 } }
  const source = client.remote
  const rows: [told: Partial<typeof client>, header: ProxyHeader, why: string][] = [
    [{}, { source, destination: client.local }, 'no TLS'],
    [
      { tls: 'before', localName: 'mx.example.org' },
      { source, destination: client.local, authority: 'mx.example.org', tls: { certificateVerified: false } },
      'TLS that ended at the balancer',
    ],
    [{ tls: 'here' }, { source, destination: client.local, tls: { certificateVerified: false } }, 'TLS that ends here'],
  ]
  for (const [told, header, why] of rows) {
    const bytes = await headerFor(access(), to, server, { ...client, ...told })
    assert.deepEqual(parseProxyHeader(bytes), { kind: 'header', header, sizeBytes: bytes.length }, why)
  }
})

test('databases are told how the connection is secured', async () => {
  const rows: [tls: LmtpLookup['client']['tls'], secured: string][] = [
    ['none', ''],
    ['before', 'secured'],
    ['here', 'TLS'],
  ]
  for (const [tls, secured] of rows) {
    const { service, seen } = auth({ passdb: { kind: 'unknown' } })
    const wanted = lookup()
    const client = { ...wanted.client, tls, local: { ip: '198.51.100.1', port: 2424 } }
    await routeLmtpRecipient(access(), { auth: service, proxySelf: new Set() }, { ...wanted, client }, signal)
    assert.equal(seen[0]?.secured, secured)
    assert.deepEqual([seen[0]?.local.ip, seen[0]?.realLocal.ip], ['198.51.100.1', '192.0.2.1'])
  }
})

test('a client that is a connection of ours has one hop less than who caused it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const proxy = access()
  const open = async (ttl: number | undefined): Promise<number | undefined> => {
    const accepted = once(server, 'connection')
    const sender = { ...lookup().client, ttl }
    const { stream } = await connectLmtpBackend(proxy, destination(port), sender, { timeoutMs: 5000, signal })
    const [socket] = (await accepted) as [Socket]
    const remote = { ip: '127.0.0.1', port: socket.remotePort ?? 0 }
    const left = proxy.own.hopsLeft(remote, undefined)
    assert.equal(proxy.own.hopsLeft(remote, 2), Math.min(2, left ?? 2), 'what was forwarded can only make it less')
    stream.destroy()
    socket.destroy()
    assert.equal(proxy.own.hopsLeft(remote, undefined), undefined, 'forgotten with the connection')
    return left
  }
  assert.equal(await open(undefined), 5)
  assert.equal(await open(5), 4)
  assert.equal(await open(1), 0)
})
