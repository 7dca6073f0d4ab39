import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startDovecotBackend } from './peers/dovecot-backend.ts'
import { startHaproxy } from './peers/haproxy.ts'
import { startNginx } from './peers/nginx.ts'
import { skipWithout } from './peers/peers.ts'
import { startPerdition } from './peers/perdition.ts'
import { startScriptedBackend, type ScriptedBackend } from './peers/scripted-backend.ts'
import { eventually } from './support/control.ts'
import { connectRaw } from './support/raw-client.ts'
import type { Wire } from './support/wire.ts'

/** Lets anybody in, and plays no further part. */
function welcoming(): Promise<ScriptedBackend> {
  return startScriptedBackend(async (wire) => {
    wire.send('* OK [CAPABILITY IMAP4rev1 LITERAL+] backend')
    for (;;) {
      const [tag = '', command = ''] = (await wholeCommand(wire)).split(' ')
      if (command === 'CAPABILITY') wire.send('* CAPABILITY IMAP4rev1')
      wire.send(`${tag} OK ${command} done`)
    }
  })
}

/** A whole command: a line that ends in a synchronising literal goes on behind our `+`. */
async function wholeCommand(wire: Wire): Promise<string> {
  const line = await wire.line()
  if (!/\{\d+\}$/.test(line)) return line
  wire.send('+ OK')
  return `${line}${await wholeCommand(wire)}`
}

test('a Dovecot backend serves mail to its sample users, and stops when told', {
  skip: skipWithout('dovecot-imapd'),
}, async (t) => {
  const backend = await startDovecotBackend()
  t.after(() => backend.stop())
  const client = await connectRaw({ port: backend.ports.imap ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/^\* OK .* backend ready\.$/)
  client.send(
    'a LOGIN alice@example.org postern',
    'b APPEND INBOX {4+}',
    'Hi\r\n',
    'c STATUS INBOX (MESSAGES)',
    'd LOGOUT',
  )
  const lines = await client.linesUntil(/^d OK/)
  assert.ok(lines.includes('* STATUS INBOX (MESSAGES 1)'), lines.join('\n'))
  await backend.waitForLog(/Login: user=<alice@example\.org>/)
  await backend.stop()
  // All its processes were told at once, and each ends by itself.
  await eventually('nobody listens', async () => {
    const left = await connectRaw({ port: backend.ports.imap ?? 0 }).catch(() => undefined)
    left?.destroy()
    return left === undefined
  })
})

test('HAProxy puts a PROXY header in front of what it relays', { skip: skipWithout('haproxy') }, async (t) => {
  const headers: string[] = []
  const backend = await startScriptedBackend(async (wire) => {
    headers.push(await wire.line())
    wire.send(`heard ${await wire.line()}`)
  })
  t.after(() => backend.close())
  const haproxy = await startHaproxy({ target: `127.0.0.1:${backend.port}`, server: 'send-proxy' })
  t.after(() => haproxy.stop())
  const client = await connectRaw({ port: haproxy.ports.front ?? 0, localAddress: '127.0.5.6' })
  t.after(() => client.destroy())
  client.send('hello')
  await client.expect('heard hello')
  assert.ok(
    headers.includes(`PROXY TCP4 127.0.5.6 127.0.0.1 ${client.localPort} ${haproxy.ports.front}`),
    headers.join('\n'),
  )
})

test('nginx proxies a login to the backend its auth service names', { skip: skipWithout('nginx') }, async (t) => {
  const backend = await welcoming()
  t.after(() => backend.close())
  const auth = createServer((request, response) => {
    response.setHeader('Auth-Status', request.headers['auth-pass'] === 'secret' ? 'OK' : 'Invalid login')
    response.setHeader('Auth-Server', '127.0.0.1').setHeader('Auth-Port', String(backend.port)).end()
  }).listen(0, '127.0.0.1')
  await once(auth, 'listening')
  t.after(() => auth.close())
  const nginx = await startNginx({ protocol: 'imap', authHttp: `127.0.0.1:${(auth.address() as AddressInfo).port}/` })
  t.after(() => nginx.stop())
  const client = await connectRaw({ port: nginx.ports.front ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/^\* OK/)
  client.send('a LOGIN joe secret')
  await client.expect('a OK LOGIN done')
})

test('Perdition proxies a login to its one backend', { skip: skipWithout('perdition') }, async (t) => {
  const backend = await welcoming()
  t.after(() => backend.close())
  const perdition = await startPerdition({ protocol: 'IMAP4', target: `127.0.0.1:${backend.port}` })
  t.after(() => perdition.stop())
  const client = await connectRaw({ port: perdition.ports.front ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/^\* OK/)
  client.send('a LOGIN joe secret')
  await client.linesUntil(/^a OK/)
})
