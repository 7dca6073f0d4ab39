import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeAuthority, makeCertificate } from '../support/certificates.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startScriptedBackend } from './scripted-backend.ts'

test('a scripted backend greets, answers, stops mid-line and closes', async (t) => {
  const backend = await startScriptedBackend(async (wire) => {
    wire.send('* OK hello')
    await wire.expect(/^a LOGIN /)
    wire.sendRaw('a OK half a li')
    await wire.expect('continue')
    await wire.sendInPieces('ne\r\n')
    wire.close()
  })
  t.after(() => backend.close())
  const client = await connectRaw({ port: backend.port })
  t.after(() => client.destroy())
  await client.expect('* OK hello')
  client.send('a LOGIN joe secret')
  await client.bytes('a OK half'.length)
  client.send('continue')
  await client.expect(' a line')
  await client.expectEnd()
  assert.deepEqual(backend.faults, [])
  assert.equal(backend.connections[0]?.received, 'a LOGIN joe secret\r\ncontinue\r\n')
})

test('a conversation upgrades to TLS on both sides and says which name the client asked for', async (t) => {
  const authority = await makeAuthority()
  const certificate = await makeCertificate(authority, { names: ['imap.example.org'] })
  let serverName: string | false | null = null
  const backend = await startScriptedBackend(async (wire) => {
    await wire.expect('STARTTLS')
    wire.send('OK')
    await wire.startTlsAsServer(certificate)
    serverName = (wire.tls as { servername?: string | false } | undefined)?.servername ?? null
    wire.send('inside')
  })
  t.after(() => backend.close())
  const client = await connectRaw({ port: backend.port })
  t.after(() => client.destroy())
  client.send('STARTTLS')
  await client.expect('OK')
  await client.startTlsAsClient({ ca: authority.cert, servername: 'imap.example.org' })
  await client.expect('inside')
  assert.equal(serverName, 'imap.example.org')
})

test('a failed expectation names both what was awaited and what came', async (t) => {
  const backend = await startScriptedBackend(async (wire) => {
    wire.send('* BYE')
    await wire.expectEnd()
  })
  t.after(() => backend.close())
  const client = await connectRaw({ port: backend.port })
  t.after(() => client.destroy())
  await assert.rejects(client.expect('* OK'), /client: expected \* OK, got "\* BYE"/)
  await assert.rejects(client.line(50), /client: nothing for 50 ms, awaiting a line/)
})
