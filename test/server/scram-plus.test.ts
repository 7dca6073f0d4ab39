import assert from 'node:assert/strict'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { findMechanism } from '../../src/sasl/index.ts'
import { clientCredentials } from '../../src/sasl/testing/exchange.ts'
import { imapListeners } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeCertificate } from '../support/certificates.ts'
import { connectRaw } from '../support/raw-client.ts'

// SCRAM-SHA-256-PLUS (RFC 5802, 7677) over real TLS: the login is bound to the connection it came over. Dovecot 2.3 does not
// have it, so both halves are ours; the client takes its channel binding from its own end of the connection.

describe('SCRAM-SHA-256-PLUS', () => {
  let server: Started
  before(async () => {
    const { key, cert } = await makeCertificate()
    server = await startPostern(({ dir, port }) => {
      writeFileSync(join(dir, 'key.pem'), key)
      writeFileSync(join(dir, 'cert.pem'), cert)
      return `protocols = imap
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
disable_plaintext_auth = no
auth_mechanisms = scram-sha-256-plus scram-sha-256 plain
passdb {
  driver = static
  args = password=secret nologin=y reason=<%u>
}
${imapListeners(port, true)}`
    })
  })
  after(() => server.stop())

  async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const port = server.ports.imaps ?? 0
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    socket.setEncoding('latin1')
    return socket
  }

  async function line(socket: TLSSocket): Promise<string> {
    const [text] = (await once(socket, 'data')) as [string]
    return text.trimEnd()
  }

  /** Logs in over one connection with the channel binding of another (or the same). */
  async function logIn(socket: TLSSocket, bound: TLSSocket, types: readonly string[]): Promise<string> {
    const channelBinding = (type: string): Buffer | undefined =>
      types.includes(type) ? bindingOf(bound, type) : undefined
    const client = findMechanism('SCRAM-SHA-256-PLUS')?.client?.({
      ...clientCredentials('joe', 'secret'),
      randomBytes,
      channelBinding,
    })
    assert.ok(client)
    let next = client.initial()?.toString('base64') ?? ''
    socket.write(`a AUTHENTICATE SCRAM-SHA-256-PLUS ${next}\r\n`)
    for (;;) {
      const reply = await line(socket)
      if (!reply.startsWith('+ ')) return reply
      next = client.respond(Buffer.from(reply.slice(2), 'base64')).toString('base64')
      socket.write(`${next}\r\n`)
    }
  }

  test('is listed behind TLS, and only there', async (t) => {
    const socket = await open()
    t.after(() => socket.destroy())
    assert.match(await line(socket), /AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN/)
    const plain = await connectRaw({ port: server.ports.imap ?? 0 })
    t.after(() => plain.destroy())
    assert.doesNotMatch(await plain.line(), /PLUS/)
  })

  for (const [type, options] of [
    ['tls-exporter', {}],
    ['tls-server-end-point', {}],
    ['tls-server-end-point', { maxVersion: 'TLSv1.2' }],
  ] as const) {
    test(`logs in bound by ${type} ${JSON.stringify(options)}`, async (t) => {
      const socket = await open(options)
      t.after(() => socket.destroy())
      await line(socket)
      assert.equal(await logIn(socket, socket, [type]), 'a NO [CONTACTADMIN] <joe>')
    })
  }

  test('a login that was bound to another connection is refused: somebody stands between', async (t) => {
    const [socket, other] = [await open(), await open()]
    t.after(() => [socket, other].forEach((each) => each.destroy()))
    await line(socket)
    const reply = await logIn(socket, other, ['tls-exporter'])
    assert.match(reply, /^a NO /)
    assert.doesNotMatch(reply, /CONTACTADMIN/, 'which is what the right password is told here')
  })

  test('a type that this connection has not is refused', async (t) => {
    const socket = await open({ maxVersion: 'TLSv1.2' })
    const other = await open()
    t.after(() => [socket, other].forEach((each) => each.destroy()))
    await line(socket)
    assert.match(await logIn(socket, other, ['tls-exporter']), /^a NO \[AUTHENTICATIONFAILED\]/)
  })

  test('a client that was kept from seeing it is refused', async (t) => {
    const socket = await open()
    t.after(() => socket.destroy())
    await line(socket)
    const first = Buffer.from('y,,n=joe,r=abcdefgh').toString('base64')
    socket.write(`a AUTHENTICATE SCRAM-SHA-256 ${first}\r\n`)
    assert.match(await line(socket), /^a NO \[AUTHENTICATIONFAILED\]/)
  })
})

/** The client's own idea of the connection. */
function bindingOf(socket: TLSSocket, type: string): Buffer | undefined {
  if (type === 'tls-exporter') return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const { raw } = socket.getPeerCertificate()
  assert.match(new X509Certificate(raw).signatureAlgorithm ?? '', /sha256/i)
  return createHash('sha256').update(raw).digest()
}
