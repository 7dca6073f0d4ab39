import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Settings } from '../../src/config/config.ts'
import { Secret } from '../../src/util/secret.ts'
import { type BackendScript, startScriptedBackend } from '../peers/scripted-backend.ts'
import { skipWithoutBare } from '../support/bare-pair.ts'
import { type Certificate, makeAuthority, makeCertificate } from '../support/certificates.ts'
import type { Wire } from '../support/wire.ts'
import { type Door, openDoor } from './door.ts'

const authority = await makeAuthority('Test CA')
const named = await makeCertificate(authority, { names: ['imap.example.org'] })
const addressed = await makeCertificate(authority, { names: ['127.0.0.1'] })
const selfSigned = await makeCertificate(undefined, { commonName: 'selfs', names: ['imap.example.org'] })
const expired = await makeCertificate(authority, { names: ['imap.example.org'], expired: true })
const ours = await makeCertificate(authority, { commonName: 'proxy' })

const TRUSTING: Partial<Settings> = { ssl_ca: authority.cert, ssl_require_crl: false }
const NAMED = { host: 'imap.example.org', hostip: '127.0.0.1' }

async function letIn(wire: Wire): Promise<void> {
  await wire.expect('L LOGIN joe pw')
  wire.send('L OK in')
}

const implicit =
  (certificate: Certificate): BackendScript =>
  async (wire) => {
    await wire.startTlsAsServer({ ...certificate, requestCert: true })
    wire.send('* OK ready')
    await letIn(wire)
  }

const starttls =
  (certificate: Certificate): BackendScript =>
  async (wire) => {
    wire.send('* OK ready')
    await wire.expect('S STARTTLS')
    wire.send('S OK')
    await wire.startTlsAsServer({ ...certificate, requestCert: true })
    await letIn(wire)
  }

async function logIn(
  t: TestContext,
  script: BackendScript,
  fields: Record<string, string>,
  settings: Partial<Settings>,
): Promise<{ reply: string; door: Door; connections: readonly Wire[] }> {
  const backend = await startScriptedBackend(script)
  t.after(async () => await backend.close())
  const joe = { proxy: 'y', host: '127.0.0.1', port: String(backend.port), proxy_timeout: '30', ...fields }
  const door = await openDoor(t, { users: { joe }, settings })
  const client = await door.client()
  client.send('a LOGIN joe pw')
  const reply = (await client.linesUntil(/^a /)).at(-1) ?? ''
  return { reply, door, connections: backend.connections }
}

const good: readonly {
  why: string
  fields: Record<string, string>
  certificate: Certificate
  settings: Partial<Settings>
}[] = [
  { why: 'the name matches `host`', fields: NAMED, certificate: named, settings: TRUSTING },
  { why: 'the address matches `host`', fields: {}, certificate: addressed, settings: TRUSTING },
  { why: 'any-cert: another name', fields: { any: 'y' }, certificate: named, settings: TRUSTING },
  { why: 'any-cert: self-signed', fields: { any: 'y', ...NAMED }, certificate: selfSigned, settings: {} },
  {
    why: 'ssl_client_require_valid_cert=no',
    fields: NAMED,
    certificate: selfSigned,
    settings: { ssl_client_require_valid_cert: false },
  },
  { why: 'though we offer no TLS ourselves', fields: NAMED, certificate: named, settings: { ...TRUSTING, ssl: 'no' } },
]

const self = '/CN=selfs (check ssl_client_ca_* settings?)'
const bad: readonly {
  why: string
  fields: Record<string, string>
  certificate: Certificate
  settings: Partial<Settings>
  problem: string
}[] = [
  {
    why: 'the certificate has another name',
    fields: {},
    certificate: named,
    settings: TRUSTING,
    problem: "SSL certificate doesn't match expected host name 127.0.0.1: did not match to any IP or DNS fields",
  },
  {
    why: 'it is self-signed',
    fields: NAMED,
    certificate: selfSigned,
    settings: TRUSTING,
    problem: `Received invalid SSL certificate: self-signed certificate: ${self}`,
  },
  {
    why: 'the system does not know its authority',
    fields: NAMED,
    certificate: named,
    settings: {},
    problem: 'Received invalid SSL certificate: ',
  },
  {
    why: 'it has expired',
    fields: NAMED,
    certificate: expired,
    settings: TRUSTING,
    problem: 'Received invalid SSL certificate: certificate has expired: ',
  },
]

const MODES = (['ssl', 'starttls'] as const).flatMap((mode) => [
  { mode, bare: false },
  { mode, bare: true },
])

for (const { mode, bare } of MODES) {
  const skip = bare && skipWithoutBare
  const over = bare ? `${mode}, bare,` : mode
  const sockets = { postern_bare_sockets: bare }
  const script = mode === 'ssl' ? implicit : starttls
  const fieldsOf = ({ any, ...fields }: Record<string, string>): Record<string, string> => ({
    ...fields,
    [mode]: any === undefined ? 'yes' : 'any-cert',
  })

  for (const { why, fields, certificate, settings } of good) {
    test(`${over} to a backend that is believed: ${why}`, { skip }, async (t) => {
      const { reply, connections } = await logIn(t, script(certificate), fieldsOf(fields), { ...settings, ...sockets })
      assert.equal(reply, 'a OK in')
      const sni = fields['host']
      // An address is no server name.
      assert.equal(connections[0]?.tls?.servername || undefined, sni)
    })
  }

  for (const { why, fields, certificate, settings, problem } of bad) {
    test(`${over} to a backend that is not believed, and not asked twice: ${why}`, { skip }, async (t) => {
      const { reply, door, connections } = await logIn(t, script(certificate), fieldsOf(fields), {
        ...settings,
        ...sockets,
      })
      assert.equal(reply, 'a NO proxy-failed for good')
      const line = await door.logged(/Disconnected by server/)
      const state = mode === 'ssl' ? '/none' : 'starttls/banner'
      assert.ok(line.includes(`): Disconnected by server: Connection closed: ${problem}`), line)
      assert.ok(line.replace(/duration=\d+s/, '').includes(` (state=${state}, ): user=<joe>`), line)
      assert.equal(connections.length, 1)
    })
  }

  test(`${over} shows the backend our certificate`, { skip }, async (t) => {
    const settings = { ...TRUSTING, ...sockets, ssl_client_cert: ours.cert, ssl_client_key: new Secret(ours.key) }
    const { reply, connections } = await logIn(t, script(named), fieldsOf(NAMED), settings)
    assert.equal(reply, 'a OK in')
    assert.equal(connections[0]?.tls?.getPeerX509Certificate()?.subject, 'CN=proxy')
  })

  test(`${over} with a certificate of ours that cannot be used is our fault, and said so`, { skip }, async (t) => {
    const settings = { ...TRUSTING, ...sockets, ssl_client_cert: 'garbage' }
    const { reply, door } = await logIn(t, script(named), fieldsOf(NAMED), settings)
    assert.equal(reply, 'a NO proxy-failed for good')
    await door.logged(
      /imap-login: error: proxy\(joe,127\.0\.0\.1:\d+\): Can't load SSL certificate \(ssl_client_cert setting\)/,
    )
  })
}

for (const bare of [false, true]) {
  const skip = bare && skipWithoutBare
  const how = bare ? ', bare' : ''
  const sockets = { postern_bare_sockets: bare }

  test(`a backend without TLS where TLS comes first is tried again, as it may be starting${how}`, {
    skip,
  }, async (t) => {
    const { reply, door, connections } = await logIn(
      t,
      async (wire) => {
        wire.send('* OK plain text')
        await wire.line().catch(() => undefined)
      },
      { ssl: 'yes', ...NAMED },
      { ...TRUSTING, ...sockets, login_proxy_max_reconnects: 1 },
    )
    assert.equal(reply, 'a NO proxy-failed later')
    assert.equal(connections.length, 2)
    await door.logged(/Disconnected by server: Connection closed: SSL_connect\(\) failed: error:/)
  })

  test(`a PROXY header goes in clear text in front of the handshake${how}`, { skip }, async (t) => {
    const { reply } = await logIn(
      t,
      async (wire) => {
        await wire.expect(/^PROXY TCP4 /)
        await wire.startTlsAsServer(named)
        wire.send('* OK ready')
        await letIn(wire)
      },
      { ssl: 'yes', haproxy: 'v1', ...NAMED },
      { ...TRUSTING, ...sockets },
    )
    assert.equal(reply, 'a OK in')
  })
}
