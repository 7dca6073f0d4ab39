import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeAuthority, makeCertificate } from '../support/certificates.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import { startSample } from './sample.ts'

async function echoes(client: Wire, text: string): Promise<void> {
  client.send(text)
  await client.expect(text.toUpperCase())
}

function editConfig(dir: string, change: (text: string) => string): void {
  const path = join(dir, 'dovecot.conf')
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

/** A reload that changes what a server greets with, seen by a new connection. It was `one` before. */
async function greetsAnewAfterReload(t: TestContext, server: Started): Promise<void> {
  editConfig(server.dir, (text) => text.replace('login_greeting = one', 'login_greeting = two'))
  server.signal('SIGHUP')
  await server.waitForLog(/Configuration .* reloaded/)
  const client = await connectRaw({ port: server.ports['imap'] ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/two$/)
}

test('SIGHUP brings a new configuration to new connections, and sessions live on', async (t) => {
  const { server, login } = await startSample(t, { settings: 'login_greeting = one' })
  const old = await login()
  await greetsAnewAfterReload(t, server)
  await echoes(old, 'x1 still here')
})

test('a wrong configuration is refused with its reason, and the old one stays', async (t) => {
  const { server, login } = await startSample(t, { settings: 'login_greeting = one' })
  editConfig(server.dir, (text) => `${text}\nprotocols = imap nonsense\n`)
  server.signal('SIGHUP')
  const line = await server.waitForLog(/not reloaded/)
  assert.match(line, /nonsense/)
  await login()
})

test('a passdb that cannot work is refused on reload in every worker', async (t) => {
  const { server, login } = await startSample(t, { workers: 2 })
  editConfig(server.dir, (text) => text.replace('driver = static', 'driver = nosuch'))
  server.signal('SIGHUP')
  const line = await server.waitForLog(/not reloaded/)
  assert.match(line, /nosuch/)
  await login()
})

test('a reload that comes while a worker is being replaced waits for it, and both bring the new configuration', async (t) => {
  const { server, login } = await startSample(t, { settings: 'login_greeting = one' })
  const [killed = 0] = childrenOf(server.pid)
  process.kill(killed, 'SIGKILL')
  await server.waitForLog(/died/)
  await untilReplaced(server.pid, killed)
  await greetsAnewAfterReload(t, server)
  await login()
  assert.ok(!server.logLines.some((line) => line.includes('BUG')))
})

test('a worker that is killed is replaced, its death is in the log, and the other one goes on', async (t) => {
  const { server, login } = await startSample(t, { workers: 2 })
  const workers = childrenOf(server.pid)
  assert.equal(workers.length, 2)
  process.kill(workers[0] ?? 0, 'SIGKILL')
  assert.match(await server.waitForLog(/died/), /signal SIGKILL/)
  // The survivor accepts all the time, so no login waits for the replacement.
  for (let count = 0; count < 5; count++) await login()
})

test('SIGTERM ends the process, after strangers were told', async (t) => {
  const { server, login } = await startSample(t)
  await login()
  const stranger = await connectRaw({ port: server.ports['imap'] ?? 0 })
  await stranger.expect(/^\* OK /)
  server.signal('SIGTERM')
  await stranger.expect(/^\* BYE /)
  await stranger.expectEnd()
})

test('a certificate that was renewed on disk is shown to new clients without a signal', {
  timeout: 2 * PATIENCE_MS,
}, async (t) => {
  const authority = await makeAuthority()
  const [first, second] = await Promise.all([
    makeCertificate(authority, { commonName: 'first.test' }),
    makeCertificate(authority, { commonName: 'second.test' }),
  ])
  const server = await startPostern(({ dir, port }) => {
    writeFileSync(join(dir, 'cert.pem'), first.cert)
    writeFileSync(join(dir, 'key.pem'), first.key)
    return `protocols = imap
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
postern_workers = 1
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port('imaps')}
    ssl = yes
  }
}
passdb {
  driver = static
  args = password=secret
}
`
  })
  t.after(async () => await server.stop())
  assert.equal(await certificateName(server.ports['imaps'] ?? 0), 'first.test')
  writeFileSync(join(server.dir, 'key.pem'), second.key)
  writeFileSync(join(server.dir, 'cert.pem'), second.cert)
  await server.waitForLog(/Configuration .* reloaded/)
  assert.equal(await certificateName(server.ports['imaps'] ?? 0), 'second.test')
})

test('a port that is taken is a fatal error that names it', async (t) => {
  const { server } = await startSample(t)
  const taken = server.ports['imap'] ?? 0
  await assert.rejects(
    startPostern(
      () => `protocols = imap
postern_workers = 1
service imap-login {
  inet_listener imap {
    port = ${taken}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = password=x
}
`,
    ),
    (error: Error) => error.message.includes(String(taken)) && /in use/i.test(error.message),
  )
})

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Resolves the moment another process has taken the place of this one. */
async function untilReplaced(server: number, killed: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!childrenOf(server).some((pid) => pid !== killed)) {
    assert.ok(Date.now() < deadline, 'nobody took its place')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

async function certificateName(port: number): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
