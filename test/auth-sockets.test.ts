import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dialogues, USERS } from './auth-sockets/dialogues.ts'
import { connectAuth, play, readHandshake } from './auth-sockets/play.ts'
import type { ConfigText } from './peers/config-text.ts'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { makeAuthFiles } from './auth-sockets/auth-files.ts'
import { startPostern } from './peers/postern.ts'
import type { Started } from './peers/started.ts'
import { connectRaw } from './support/raw-client.ts'
import { userIds } from './support/user-ids.ts'

/** What mail servers say and hear on the sockets of `service auth`: the same dialogues with both servers. */

const config: ConfigText = ({ dir, port }) => {
  const file = makeAuthFiles(dir)
  return `protocols =
auth_mechanisms = plain login cram-md5 scram-sha-256 xoauth2 anonymous
auth_master_user_separator = *
auth_verbose = yes
service auth {
  unix_listener ${dir}/private/auth {
    mode = 0660
    user = mail
    group = mail
  }
  unix_listener auth-client {
    mode = 0666
  }
  unix_listener auth-userdb {
    mode = 0666
  }
  inet_listener {
    port = ${port('auth')}
  }
}
passdb {
  driver = passwd-file
  args = ${file('masters', 'boss:{PLAIN}pass\n')}
  master = yes
}
passdb {
  driver = passwd-file
  args = ${file('denied', 'denied:x\n')}
  deny = yes
}
passdb {
  driver = passwd-file
  args = ${file('users', USERS)}
}
`
}

const notRoot = process.getuid?.() === 0 ? false : 'only root may give a socket away'
const SIDES = [
  { side: 'dovecot', start: startDovecot, skip: skipWithout('dovecot') },
  { side: 'postern', start: startPostern, skip: notRoot },
] as const

for (const { side, start, skip } of SIDES) {
  describe(`${side} as mail servers see it`, { skip }, () => {
    let server: Started
    let socket: string
    before(async () => {
      server = await start(config)
      socket = join(server.dir, 'private', 'auth')
    })
    after(async () => await server.stop())

    test('it says who it is and what it can', async () => {
      const wire = await connectAuth(socket)
      const lines = await readHandshake(wire)
      wire.destroy()
      const [spid = '', cuid = '', cookie = ''] = lines.slice(-4)
      assert.deepEqual(lines.slice(0, -4), [
        'VERSION\t1\t2',
        'MECH\tPLAIN\tplaintext',
        'MECH\tLOGIN\tplaintext',
        'MECH\tCRAM-MD5\tdictionary\tactive',
        'MECH\tSCRAM-SHA-256\tmutual-auth',
        'MECH\tXOAUTH2\tplaintext',
        'MECH\tANONYMOUS\tanonymous',
      ])
      assert.match(`${spid} ${cuid} ${cookie}`, /^SPID\t\d+ CUID\t\d+ COOKIE\t[0-9a-f]{32}$/)
    })

    test('the socket has its mode and owner', () => {
      const { mode, uid, gid } = statSync(socket)
      const [mailUid, mailGid] = userIds('mail')
      assert.deepEqual([(mode & 0o777).toString(8), uid, gid], ['660', mailUid, mailGid])
    })

    // Dovecot tells failures twice a second.
    describe('dialogues', { concurrency: 16 }, () => {
      for (const { why, steps, differs } of dialogues) {
        test(why, async () => await play(socket, side === 'postern' && differs !== undefined ? differs.steps : steps))
      }
    })

    test('a port speaks the same', async () => {
      const wire = await connectRaw({ port: server.ports['auth'] ?? 0 })
      await readHandshake(wire)
      wire.destroy()
    })

    test('clients that leave in the middle are logged', async () => {
      const from = server.logLines.length
      const wire = await connectAuth(socket)
      await readHandshake(wire)
      wire.sendRaw('VERSION\t1\t1\nCPID\t4321\nAUTH\t1\tPLAIN\tservice=smtp\nAUTH\t2\tPLAIN\tservice=smtp\n')
      await wire.expect('CONT\t1\t')
      await wire.expect('CONT\t2\t')
      wire.destroy()
      const told = side === 'dovecot' ? 0 : 4321
      await server.waitForLog(
        new RegExp(`auth(\\(\\d+\\))?: Error: auth client ${told} disconnected with 2 pending requests: EOF$`),
        from,
      )
    })

    test('a fault of the client is logged', async () => {
      const from = server.logLines.length
      await play(socket, [['VERSION\t1\t1\nCPID\t4321\nAUTH\t1\tNOSUCH\tservice=smtp\n', ['<end>']]])
      const told = side === 'dovecot' ? 0 : 4321
      await server.waitForLog(
        new RegExp(`BUG: Authentication client ${told} requested unsupported authentication mechanism NOSUCH$`),
        from,
      )
      // What stands in a line that nobody understands may be a password.
      await play(socket, [['VERSION\t1\t1\nCPID\t4321\nHELO\tsecret\n', ['<end>']]])
      const line = await server.waitForLog(/BUG: Authentication client sent unknown command: /, from)
      assert.equal(line.includes('secret'), side === 'dovecot')
    })

    test('responses that are no base64 are logged', async () => {
      const from = server.logLines.length
      await play(socket, [
        ['VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\trip=192.0.2.7\tsession=s\tresp=!\n', [/^FAIL\t1\t/]],
        ['AUTH\t2\tLOGIN\tservice=smtp\trip=192.0.2.7\tresp=am9l\n', [/^CONT\t2\t/]],
        ['CONT\t2\t!\n', [/^FAIL\t2\t/]],
      ])
      await server.waitForLog(/Info: plain\(\?,192\.0\.2\.7,<s>\): Invalid base64 data in initial response$/, from)
      await server.waitForLog(/Info: login\(joe,192\.0\.2\.7\): Invalid base64 data in continued response$/, from)
    })

    test('sockets that other programs of Dovecot use stay closed', {
      skip: side === 'dovecot' && 'Dovecot opens them all',
    }, () => {
      assert.ok(statSync(join(server.dir, 'run', 'auth-client')).isSocket())
      for (const name of ['auth-userdb', 'auth-master', 'auth-login', 'login/login']) {
        assert.equal(statSync(join(server.dir, 'run', name), { throwIfNoEntry: false }), undefined, name)
      }
    })
  })
}

test('after a reload a mail server keeps its connection and asks the new databases', { skip: notRoot }, async (t) => {
  const server = await startPostern(config)
  t.after(() => server.stop())
  const socket = join(server.dir, 'private', 'auth')
  const wire = await connectAuth(socket)
  t.after(() => wire.destroy())
  await readHandshake(wire)
  const ask = (id: number): string =>
    `AUTH\t${id}\tPLAIN\tservice=smtp\tresp=${Buffer.from('\0new\0pass').toString('base64')}\n`
  wire.sendRaw(`VERSION\t1\t1\nCPID\t1\n${ask(1)}`)
  await wire.expect('FAIL\t1\tuser=new')
  writeFileSync(join(server.dir, 'more'), 'new:{PLAIN}pass::::::\n')
  const file = join(server.dir, 'dovecot.conf')
  const text = readFileSync(file, 'utf8').replace('/users\n', '/more\n')
  writeFileSync(file, text.replace('unix_listener auth-client {', `unix_listener ${server.dir}/later {`))
  const from = server.logLines.length
  server.signal('SIGHUP')
  await server.waitForLog(/Configuration .* reloaded/, from)
  wire.sendRaw(ask(2))
  await wire.expect('OK\t2\tuser=new')
  // The socket that is new is there, the one that went is gone.
  const later = await connectAuth(join(server.dir, 'later'))
  await readHandshake(later)
  later.destroy()
  assert.equal(statSync(join(server.dir, 'run', 'auth-client'), { throwIfNoEntry: false }), undefined)
})
