import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { startBackend } from './backend.ts'
import { compileLoad } from './compile.ts'
import { idleSessions, type Load, runLoad } from './loadgen.ts'

const missing = spawnSync('gcc', ['--version']).error === undefined ? false : 'gcc is not installed'
const run = { seconds: 0.05, graceSeconds: 60, begin: () => {}, end: () => {} }

test('the load generator and the backend understand each other', { skip: missing }, async (t) => {
  const binaries = await compileLoad()
  const backend = await startBackend(binaries.backend)
  t.after(backend.stop)
  const loads: readonly Load[] = [
    { mode: 'login', protocol: 'imap', connections: 4 },
    { mode: 'noop', protocol: 'imap', connections: 2 },
    { mode: 'fetch', protocol: 'imap', connections: 2, sizeBytes: 300_000 },
    { mode: 'login', protocol: 'pop3', connections: 4 },
    { mode: 'noop', protocol: 'pop3', connections: 1 },
    { mode: 'login', protocol: 'lmtp', connections: 1 },
    { mode: 'deliver', protocol: 'lmtp', connections: 3, sizeBytes: 700_000 },
  ]
  for (const load of loads) {
    const port = backend.ports[load.protocol]
    const result = await runLoad(load, { binary: binaries.loadgen, port, ...run })
    const what = `${load.protocol} ${load.mode}`
    assert.equal(result.first_error, '', what)
    assert.ok(result.operations >= load.connections, what)
    assert.ok(result.octets >= result.operations * (load.sizeBytes ?? 1), `${what} moves whole messages`)
  }
})

test('idle sessions are held until they are let go', { skip: missing }, async (t) => {
  const binaries = await compileLoad()
  const backend = await startBackend(binaries.backend)
  t.after(backend.stop)
  const target = { binary: binaries.loadgen, port: backend.ports.imap, protocol: 'imap', tls: false } as const
  const sessions = await idleSessions(target, 40)
  t.after(sessions.close)
  assert.deepEqual(await sessions.hold(10), { held: 10, errors: 0, first_error: '' })
  assert.deepEqual(await sessions.hold(40), { held: 40, errors: 0, first_error: '' })
})

test('a target that hangs up is counted as errors and does not hang the run', { skip: missing }, async (t) => {
  const binaries = await compileLoad()
  const server = createServer((socket) => socket.end('* BYE\r\n')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const load: Load = { mode: 'login', protocol: 'imap', connections: 1 }
  const result = await runLoad(load, { binary: binaries.loadgen, port: address.port, ...run })
  assert.equal(result.operations, 0)
  assert.ok(result.errors > 0)
  assert.match(result.first_error, /greeting while login .*\* BYE/)
})
