import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMailBackend } from './lmtp/mail-backend.ts'
import { lmtpConfig } from './lmtp/peers.ts'
import type { ConfigText } from './peers/config-text.ts'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import type { Started } from './peers/started.ts'
import { connectRaw } from './support/raw-client.ts'
import { userIds } from './support/user-ids.ts'
import { Wire } from './support/wire.ts'

/** LMTP on UNIX sockets, as a mail server on the same machine uses it. */

const missing = existsSync('/usr/lib/dovecot/lmtp')
  ? skipWithout('dovecot')
  : 'dovecot-lmtpd is not installed (Debian: apt-get install dovecot-lmtpd)'

async function connectUnix(t: TestContext, path: string): Promise<Wire> {
  const socket = connect(path)
  await once(socket, 'connect')
  const wire = new Wire(socket, 'client')
  t.after(() => wire.destroy())
  return wire
}

for (const side of ['dovecot', 'postern'] as const) {
  const noRoot = process.getuid?.() === 0 ? false : 'only root may give a socket away'
  const skip = noRoot || (side === 'dovecot' && missing)
  test(`${side} delivers for a client on a UNIX socket, which has its mode and owner [row 28: lmtp]`, {
    skip,
  }, async (t) => {
    const backend = await startMailBackend({ extensions: ['CHUNKING', 'PIPELINING', 'XCLIENT ADDR PORT PROTO HELO'] })
    t.after(() => backend.close())
    const sockets: ConfigText = ({ dir }) => `service lmtp {
  unix_listener lmtp {
    mode = 0660
    group = mail
  }
  unix_listener ${dir}/second {
    mode = 0600
    user = mail
  }
}`
    const config: ConfigText = (place) =>
      lmtpConfig({
        users: `joe@test:::::::proxy host=127.0.0.1 port=${backend.port}\n`,
        settings: sockets(place),
      })(place)
    const server = await start(side, config)
    t.after(() => server.stop())
    const [uid, gid] = userIds('mail')
    const first = join(server.dir, 'run', 'lmtp')
    const access = (path: string): unknown => {
      const { mode, uid: owner, gid: group } = statSync(path)
      return [(mode & 0o777).toString(8), owner, group]
    }
    assert.deepEqual(access(first), ['660', 0, gid])
    assert.deepEqual(access(join(server.dir, 'second')), ['600', uid, 0])
    const client = await connectUnix(t, first)
    await client.expect('220 proxy.test ready.')
    client.send('LHLO client.test', 'MAIL FROM:<a@test>', 'RCPT TO:<joe@test>', 'DATA')
    await client.linesUntil(/^354 /)
    client.send('Subject: x', '', 'Hello.', '.', 'QUIT')
    await client.expect(/^250 2\.0\.0 <joe@test> \S+ Saved$/)
    // A client without an address: none is made up.
    assert.ok(backend.commands[0]?.includes('XCLIENT HELO=client.test PROTO=LMTP'), String(backend.commands[0]))
    assert.match(backend.messages[0]?.head ?? '', /^Received: from client\.test\r\n\tby proxy\.test with LMTP\r\n/)
    await server.waitForLog(/lmtp\(\d+\): Info: Connect from local$/)
    await server.waitForLog(
      /lmtp\(\d+\): Info: lmtp-server: conn unix\S* \[1\]: rcpt joe@test: <\S+>: Sent message to <joe@test> at /,
    )
    await server.waitForLog(/lmtp\(\d+\): Info: Disconnect from local: Logged out \(state=READY\)$/)
  })
}

function start(side: 'dovecot' | 'postern', config: ConfigText): Promise<Started> {
  return side === 'dovecot' ? startDovecot(config) : startPostern((place) => `postern_workers = 2\n${config(place)}`)
}

test('the socket of a server that died is replaced', async (t) => {
  const config: ConfigText = (place) => {
    const path = join(place.dir, 'run', 'lmtp')
    mkdirSync(join(place.dir, 'run'))
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    assert.ok(statSync(path).isSocket())
    return lmtpConfig({ users: '' })(place)
  }
  const server = await startPostern(config)
  t.after(() => server.stop())
  const client = await connectUnix(t, join(server.dir, 'run', 'lmtp'))
  await client.expect('220 proxy.test ready.')
})

test('a socket that cannot be opened costs nothing else (lmtp-socket-optional)', async (t) => {
  const config: ConfigText = (place) => {
    writeFileSync(join(place.dir, 'file'), '')
    const settings = `service lmtp {\n  unix_listener ${place.dir}/file/lmtp {\n    mode = 0666\n  }\n}`
    return lmtpConfig({ users: '', settings })(place)
  }
  const server = await startPostern(config)
  t.after(() => server.stop())
  await server.waitForLog(/Error: .*file\/lmtp/)
  const client = await connectRaw({ port: server.ports['lmtp'] ?? 0, name: 'client' })
  t.after(() => client.destroy())
  await client.expect('220 proxy.test ready.')
  if (missing === false) await assert.rejects(startDovecot(config), /file\/lmtp/)
})
