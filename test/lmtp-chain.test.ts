import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createTransport } from 'nodemailer'
import { type MailBackend, startMailBackend } from './lmtp/mail-backend.ts'
import { lmtpConfig, startPosternLmtp } from './lmtp/peers.ts'
import type { ConfigText } from './peers/config-text.ts'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import type { Started } from './peers/started.ts'
import { makeAuthority, makeCertificate } from './support/certificates.ts'
import { connectRaw } from './support/raw-client.ts'
import type { Wire } from './support/wire.ts'

const STARTERS = {
  Postern: startPosternLmtp,
  Dovecot: (config: ConfigText) => startDovecot((place) => `${config(place)}\nlogin_trusted_networks = 127.0.0.0/8\n`),
}
type Kind = keyof typeof STARTERS

const EXTENSIONS = [
  'CHUNKING',
  'ENHANCEDSTATUSCODES',
  'PIPELINING',
  'XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT',
  'XRCPTFORWARD',
]

async function receiver(t: TestContext): Promise<MailBackend> {
  const backend = await startMailBackend({
    extensions: EXTENSIONS,
    reply: (command) => (command.startsWith('XCLIENT') ? '220 again' : undefined),
  })
  t.after(() => backend.close())
  return backend
}

async function start(t: TestContext, kind: Kind, users: string, settings = ''): Promise<Started> {
  const started = await STARTERS[kind](lmtpConfig({ users, settings }))
  t.after(() => started.stop())
  return started
}

async function send(wire: Wire, recipient: string, greeted = false): Promise<string> {
  if (!greeted) await wire.expect(/^220 /)
  wire.send('LHLO client.test')
  await wire.linesUntil(/^250 /)
  wire.send('MAIL FROM:<sender@example.org>', `RCPT TO:<${recipient}>`, 'DATA')
  await wire.expect(/^250 /)
  await wire.expect(/^250 /)
  await wire.expect('354 OK')
  wire.send('hello', '.')
  return await wire.expect(/^250 /)
}

const skipDovecot = existsSync('/usr/lib/dovecot/lmtp') ? skipWithout('dovecot') : 'dovecot-lmtpd is not installed'
const trusting = 'login_trusted_networks = 127.0.0.0/8'

const chains: [Kind, Kind][] = [
  ['Postern', 'Postern'],
  ['Postern', 'Dovecot'],
  ['Dovecot', 'Postern'],
]

for (const [front, back] of chains) {
  const skip = front === 'Dovecot' || back === 'Dovecot' ? skipDovecot : false
  test(`${front} in front of ${back}: client, session, hops and fields arrive at the last hop [row 19 21 38: lmtp]`, {
    skip,
  }, async (t) => {
    const last = await receiver(t)
    const second = await start(t, back, `joe@x::::::: proxy host=127.0.0.1 port=${last.port}\n`, trusting)
    const fields = `proxy host=127.0.0.1 port=${second.ports['lmtp']} forward_tenant=acme forward_flag`
    const first = await start(t, front, `joe@x::::::: ${fields}\n`, 'login_trusted_networks =')
    const wire = await connectRaw({ port: first.ports['lmtp'] ?? 0, localAddress: '127.0.99.7' })
    t.after(() => wire.destroy())
    const [, session = ''] = /^250 2\.0\.0 <joe@x> (\S+) Saved$/.exec(await send(wire, 'joe@x')) ?? []
    const commands = last.commands[0] ?? []
    const [xclient = ''] = commands.filter((line) => line.startsWith('XCLIENT'))
    assert.equal(
      xclient,
      `XCLIENT HELO=client.test PROTO=LMTP SESSION=${session.replaceAll('+', '+2B')}:P1:P1 TTL=4 PORT=${wire.localPort} ADDR=127.0.99.7`,
    )
    assert.ok(commands.includes('RCPT TO:<joe@x> XRCPTFORWARD=tenant+3Dacme+09flag'), commands.join('\n'))
  })
}

test('behind a load balancer the client is who the PROXY header says [row 37: lmtp]', async (t) => {
  const last = await receiver(t)
  const users = `joe@x::::::: proxy host=127.0.0.1 port=${last.port}\n`
  const config: ConfigText = (place) => `${lmtpConfig({ users })(place)}
haproxy_trusted_networks = 127.0.0.0/8
service lmtp {
  inet_listener balanced {
    port = ${place.port('balanced')}
    haproxy = yes
  }
}
`
  const server = await startPosternLmtp(config)
  t.after(() => server.stop())
  const wire = await connectRaw({ port: server.ports['balanced'] ?? 0 })
  t.after(() => wire.destroy())
  wire.sendRaw('PROXY TCP4 192.0.2.7 192.0.2.1 4000 24\r\n')
  await send(wire, 'joe@x')
  const [xclient = ''] = (last.commands[0] ?? []).filter((line) => line.startsWith('XCLIENT'))
  assert.match(xclient, / PORT=4000 ADDR=192\.0\.2\.7$/)
  await server.waitForLog(/Connect from 192\.0\.2\.7/)
})

async function withTls(t: TestContext, users: string): Promise<Started> {
  const authority = await makeAuthority()
  const { cert, key } = await makeCertificate(authority, { commonName: 'proxy.test', names: ['proxy.test'] })
  const config: ConfigText = (place) => {
    writeFileSync(join(place.dir, 'cert.pem'), cert)
    writeFileSync(join(place.dir, 'key.pem'), key)
    const settings = `ssl = yes
ssl_cert = <${place.dir}/cert.pem
ssl_key = <${place.dir}/key.pem
service lmtp {
  inet_listener lmtps {
    port = ${place.port('lmtps')}
    ssl = yes
  }
}
`
    return lmtpConfig({ users, settings })(place)
  }
  const server = await startPosternLmtp(config)
  t.after(() => server.stop())
  return server
}

test('a listener with ssl = yes speaks TLS from the first byte', async (t) => {
  const last = await receiver(t)
  const server = await withTls(t, `joe@x::::::: proxy host=127.0.0.1 port=${last.port}\n`)
  const wire = await connectRaw({ port: server.ports['lmtps'] ?? 0, tls: { rejectUnauthorized: false } })
  t.after(() => wire.destroy())
  await send(wire, 'joe@x')
  assert.match(
    last.messages[0]?.head ?? '',
    /\r\n\t\(using TLSv1\.3 with cipher .*\)\r\n\tby proxy\.test with LMTPS\r\n/,
  )
})

test('commands pipelined behind STARTTLS are not carried out inside TLS', async (t) => {
  const server = await withTls(t, '')
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0 })
  t.after(() => wire.destroy())
  await wire.expect(/^220 /)
  wire.sendRaw('STARTTLS\r\nMAIL FROM:<injected@example.org>\r\n')
  await wire.expect('220 2.0.0 Begin TLS negotiation now.')
  await wire.startTlsAsClient({ rejectUnauthorized: false })
  wire.send('RCPT TO:<joe@x>')
  await wire.expect('503 5.5.0 MAIL needed first')
})

test('a reload does not disturb a message that is under way', async (t) => {
  const last = await receiver(t)
  const server = await start(t, 'Postern', `joe@x::::::: proxy host=127.0.0.1 port=${last.port}\n`)
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0 })
  t.after(() => wire.destroy())
  await wire.expect(/^220 /)
  wire.send('MAIL FROM:<sender@example.org>', 'RCPT TO:<joe@x>', 'DATA')
  await wire.expect(/^250 /)
  await wire.expect(/^250 /)
  await wire.expect('354 OK')
  const from = server.logLines.length
  server.signal('SIGHUP')
  await server.waitForLog(/reloaded/, from)
  wire.send('hello', '.')
  await wire.expect(/^250 2\.0\.0 <joe@x> \S+ Saved$/)
})

test('when the server stops a message that is under way is finished, and idle clients hear a goodbye', async (t) => {
  const last = await receiver(t)
  const server = await start(t, 'Postern', `joe@x::::::: proxy host=127.0.0.1 port=${last.port}\n`)
  const [busy, idle] = [
    await connectRaw({ port: server.ports['lmtp'] ?? 0 }),
    await connectRaw({ port: server.ports['lmtp'] ?? 0 }),
  ] as const
  t.after(() => busy.destroy())
  t.after(() => idle.destroy())
  for (const wire of [busy, idle]) await wire.expect(/^220 /)
  busy.send('MAIL FROM:<sender@example.org>', 'RCPT TO:<joe@x>', 'DATA')
  await busy.expect(/^250 /)
  await busy.expect(/^250 /)
  await busy.expect('354 OK')
  server.signal('SIGTERM')
  await idle.expect('421 4.3.2 proxy.test Shutting down')
  idle.close()
  busy.send('hello', '.')
  await busy.expect(/^250 2\.0\.0 <joe@x> \S+ Saved$/)
  await busy.expect('421 4.3.2 proxy.test Shutting down')
})

test('nodemailer delivers through us', async (t) => {
  const last = await receiver(t)
  const users = ['joe', 'jane'].map((name) => `${name}@x::::::: proxy host=127.0.0.1 port=${last.port}\n`).join('')
  const server = await start(t, 'Postern', users)
  const transport = createTransport({ host: '127.0.0.1', port: server.ports['lmtp'] ?? 0, lmtp: true, secure: false })
  t.after(() => transport.close())
  const sent = await transport.sendMail({
    from: 'sender@example.org',
    to: ['joe@x', 'jane@x', 'nobody@x'],
    subject: 'Grüße',
    text: '.\n..\nbye',
  })
  assert.deepEqual(sent.accepted, ['joe@x', 'jane@x'])
  assert.deepEqual(sent.rejected, ['nobody@x'])
  assert.deepEqual(last.messages[0]?.recipients, ['joe@x', 'jane@x'])
})
