import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prepareSampleProxy } from '../src/main/dev/sample-proxy.ts'
import { isInstalled, SAMPLE_PROTOCOLS, type SampleProtocol } from '../src/main/dev/sample-protocols.ts'
import { BARE_ARGS } from './support/bare-mode.ts'
import { freePorts } from './support/free-ports.ts'
import { connectRaw } from './support/raw-client.ts'
import { ServerProcess } from './support/server-process.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'
import type { Wire } from './support/wire.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const missing = SAMPLE_PROTOCOLS.find((protocol) => !isInstalled(protocol))
const skip = missing !== undefined && `${missing.debian} is not installed`

interface Sample {
  readonly dir: string
  readonly connect: (t: TestContext, protocol: SampleProtocol['name']) => Promise<Wire>
}

async function startSample(t: TestContext): Promise<Sample> {
  const dir = makeTempDir('sample')
  t.after(() => removeTempDir(dir))
  const ports = await freePorts(2 * SAMPLE_PROTOCOLS.length)
  const protocols = SAMPLE_PROTOCOLS.map((protocol) => {
    const port = ports.pop() ?? 0
    const tlsPort = ports.pop() ?? 0
    return { ...protocol, port, ...(protocol.tlsPort === undefined ? {} : { tlsPort }) }
  })
  const sample = await prepareSampleProxy(dir, protocols)
  t.after(() => sample.stop())
  const args = [join(ROOT, 'bin', 'postern.js'), 'serve', '-c', sample.configFile, ...BARE_ARGS]
  const server = new ServerProcess({ command: process.execPath, args })
  t.after(() => server.stop())
  await server.waitForLine(/^postern ready: /)
  return {
    dir,
    async connect(inner, name) {
      const wire = await connectRaw({ port: protocols.find((protocol) => protocol.name === name)?.port ?? 0, name })
      inner.after(() => wire.destroy())
      return wire
    },
  }
}

test('the sample proxy of npm start serves every protocol from real backends', { skip }, async (t) => {
  const { dir, connect } = await startSample(t)
  const plain = (user: string): string => Buffer.from(`\0${user}\0postern`).toString('base64')

  await t.test('lmtp delivers to two users on two backends', async (inner) => {
    const client = await connect(inner, 'lmtp')
    await client.expect(/^220 /)
    client.send('LHLO client')
    await client.linesUntil(/^250 /)
    client.send('MAIL FROM:<>', 'RCPT TO:<alice@example.org>', 'RCPT TO:<bob@example.org>', 'DATA')
    await client.linesUntil(/^354 /)
    client.send('Subject: by LMTP', '', 'hello', '.')
    await client.expect(/^250 /)
    await client.expect(/^250 /)
  })
  await t.test('imap finds it behind the sample mail', async (inner) => {
    const client = await connect(inner, 'imap')
    await client.expect(/^\* OK /)
    client.send('a LOGIN alice@example.org postern', 'b STATUS INBOX (MESSAGES)')
    const lines = await client.linesUntil(/^b OK/)
    assert.ok(lines.includes('* STATUS INBOX (MESSAGES 2)'), lines.join('\n'))
  })
  await t.test('pop3 as well', async (inner) => {
    const client = await connect(inner, 'pop3')
    await client.expect(/^\+OK /)
    client.send('USER bob@example.org', 'PASS postern', 'STAT')
    await client.expect('+OK')
    await client.expect('+OK Logged in.')
    await client.expect(/^\+OK 2 /)
  })
  await t.test('submission sends into the outbox', async (inner) => {
    const client = await connect(inner, 'submission')
    await client.expect(/^220 /)
    client.send(`AUTH PLAIN ${plain('alice@example.org')}`)
    await client.expect('235 2.7.0 Logged in.')
    client.send('EHLO client')
    await client.linesUntil(/^250 /)
    client.send('MAIL FROM:<alice@example.org>', 'RCPT TO:<bob@example.org>', 'DATA')
    await client.linesUntil(/^354 /)
    client.send('Subject: sent', '', '..dotted', '.')
    await client.expect(/^250 /)
    const [file = ''] = readdirSync(join(dir, 'outbox'))
    assert.match(readFileSync(join(dir, 'outbox', file), 'latin1'), /^Subject: sent\r\n[^]*\r\n\.dotted\r\n$/m)
  })
  await t.test('sieve keeps a script', async (inner) => {
    const client = await connect(inner, 'sieve')
    await client.linesUntil(/^OK /)
    client.send(`AUTHENTICATE "PLAIN" "${plain('bob@example.org')}"`, 'PUTSCRIPT "all" "keep;"', 'LISTSCRIPTS')
    await client.expect('OK "Logged in."')
    await client.expect(/^OK /)
    await client.expect('"all"')
  })
})
