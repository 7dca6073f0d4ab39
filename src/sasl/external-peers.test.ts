import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { imapListeners, startDovecot } from '../../test/peers/dovecot.ts'
import { skipWithout } from '../../test/peers/peers.ts'
import { startScriptedBackend } from '../../test/peers/scripted-backend.ts'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { connectRaw } from '../../test/support/raw-client.ts'
import { findMechanism } from './index.ts'
import { clientCredentials, FakeAuth, serverIo } from './testing/exchange.ts'

// EXTERNAL (RFC 4422 Appendix A) with a real certificate: our client at a Dovecot server, a Dovecot proxy at our server.

test('our client logs in to Dovecot by its certificate', { skip: skipWithout('dovecot-imapd') }, async (t) => {
  const authority = await makeAuthority()
  const [own, joe, stranger] = await Promise.all([
    makeCertificate(authority),
    makeCertificate(authority, { commonName: 'joe' }),
    makeCertificate(await makeAuthority('Another'), { commonName: 'joe' }),
  ])
  const dovecot = await startDovecot(({ dir, port }) => {
    const save = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text)
      chmodSync(join(dir, name), 0o644)
      return join(dir, name)
    }
    return `protocols = imap
auth_mechanisms = external
auth_ssl_username_from_cert = yes
auth_verbose = yes
ssl = yes
ssl_cert = <${save('cert.pem', own.cert)}
ssl_key = <${save('key.pem', own.key)}
ssl_ca = <${save('ca.pem', authority.cert)}
ssl_verify_client_cert = yes
ssl_require_crl = no
passdb {
  driver = static
  args = nopassword=y nologin=y reason=<%u>
}
${imapListeners(port, true)}`
  })
  t.after(() => dovecot.stop())

  const cases = [
    [joe, 'joe', 'a NO [CONTACTADMIN] <joe>', 'the certificate says who it is'],
    [joe, '', 'a NO [CONTACTADMIN] <joe>', 'an empty message wants to be that user'],
    [stranger, 'joe', 'a NO [AUTHENTICATIONFAILED] Authentication failed.', 'a certificate of somebody else'],
  ] as const
  for (const [certificate, authzid, expected, why] of cases) {
    const tls = { cert: certificate.cert, key: certificate.key, rejectUnauthorized: false }
    const wire = await connectRaw({ port: dovecot.ports.imaps ?? 0, tls })
    t.after(() => wire.destroy())
    await wire.expect(/^\* OK /)
    const client = findMechanism('EXTERNAL')?.client?.(clientCredentials('', '', { authzid }))
    wire.send(`a AUTHENTICATE EXTERNAL ${client?.initial()?.toString('base64') || '='}`)
    assert.equal(await wire.expect(/^a /), expected, why)
  }
})

test('a Dovecot proxy logs in to our server with EXTERNAL', { skip: skipWithout('dovecot') }, async (t) => {
  const auth = new FakeAuth({})
  const server = await startScriptedBackend(async (wire) => {
    wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=EXTERNAL] ready')
    for (;;) {
      const [tag = '', command = '', , initial] = (await wire.line()).split(' ')
      if (command !== 'AUTHENTICATE') {
        wire.send('* CAPABILITY IMAP4rev1 SASL-IR AUTH=EXTERNAL', `${tag} OK`)
        continue
      }
      const message = Buffer.from(initial === undefined || initial === '=' ? '' : initial, 'base64')
      const io = { ...serverIo, initial: message, certificateUser: 'proxy.example.org' }
      const verdict = await findMechanism('EXTERNAL')?.authenticate(io, auth)
      wire.send(`${tag} ${verdict?.ok === true ? 'OK' : 'NO'} ${verdict?.text}`)
    }
  })
  t.after(() => server.close())
  const proxy = await startDovecot(
    ({ port }) => `protocols = imap
disable_plaintext_auth = no
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${server.port} proxy_mech=EXTERNAL
}
${imapListeners(port)}`,
  )
  t.after(() => proxy.stop())
  const wire = await connectRaw({ port: proxy.ports.imap ?? 0 })
  t.after(() => wire.destroy())
  await wire.expect(/^\* OK /)
  wire.send('a LOGIN joe secret')
  assert.match((await wire.linesUntil(/^a /)).at(-1) ?? '', /^a OK .*ok proxy\.example\.org for joe$/)
})
