import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../peers/config-text.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startSample } from './sample.ts'

test('metrics of all workers come from one place and count logins, sessions and bytes [row 47]', async (t) => {
  const settings = (place: Place): string => `postern_metrics_listen = 127.0.0.1:${place.port('metrics')}`
  const { server, login } = await startSample(t, { workers: 2, settings })
  const port = server.ports['metrics']
  const first = await login('joe')
  await login('jane')
  first.close()
  await first.expectEnd()
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  assert.match(text, /^postern_logins_total\{protocol="imap",result="proxied"\} 2$/m)
  assert.match(text, /^postern_connections_total\{protocol="imap"\} 2$/m)
  assert.match(text, /^postern_proxy_connect_seconds_count\{[^}]*\} 2$/m)
  assert.doesNotMatch(text, /joe|jane|secret/)
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404)
})

test('JSON lines carry the events with their fields [row 47]', async (t) => {
  const { server, login } = await startSample(t, { settings: 'postern_log_format = json' })
  await login('joe')
  const line = await server.waitForLog(/"proxy_session_established"/)
  const event = JSON.parse(line) as Record<string, unknown>
  assert.equal(event['user'], 'joe')
  assert.equal(event['protocol'], 'imap')
  assert.equal(event['dest_ip'], '127.0.0.1')
  assert.equal(typeof event['duration_ms'], 'number')
})

test('no password reaches the log, whatever the client does with it', async (t) => {
  const { server, login } = await startSample(t, {
    settings: 'auth_verbose = yes\nauth_debug = yes\nlogin_trusted_networks = 127.0.0.0/8',
    users: 'passdb {\n  driver = static\n  args = password=Tr0ub4dor\n}',
  })
  await assert.rejects(login('joe'))
  const client = await connectRaw({ port: server.ports['imap'] ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/^\* OK /)
  client.send('a LOGIN joe xS3cr3tx', 'b LOGIN "joe" "xS3cr3tx" xS3cr3tx', 'c XS3CR3TX xS3cr3tx')
  await client.expect(/^a NO /)
  await client.expect(/^b (NO|BAD) /)
  await client.expect(/^c BAD /)
  client.send(`d AUTHENTICATE PLAIN ${Buffer.from('\0joe\0xS3cr3tx').toString('base64')}`)
  await client.expect(/^d NO /)
  client.close()
  await server.waitForLog(/Disconnected/)
  const log = server.logLines.join('\n')
  assert.doesNotMatch(log, /S3cr3t|Tr0ub4dor/)
  assert.doesNotMatch(log, new RegExp(Buffer.from('\0joe\0xS3cr3tx').toString('base64').replaceAll('+', '\\+')))
})
