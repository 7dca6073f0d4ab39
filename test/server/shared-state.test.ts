import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { imapListeners, loginListeners } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { askControl } from '../support/control.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runAtServer } from '../support/run-doveadm.ts'
import type { CommandRun } from '../support/run-postern.ts'
import type { Wire } from '../support/wire.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

/** What workers share: penalties, revocations, the auth cache's end. Two workers, IMAP and POP3, a backend for joe and jane. */

async function letIn(wire: Wire): Promise<void> {
  wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] backend')
  await wire.expect(/^L LOGIN /)
  wire.send('L OK in')
}

describe('what all workers share', () => {
  const state = makeTempDir('state')
  let backend: ScriptedBackend
  let server: Started
  const wires: Wire[] = []

  async function start(): Promise<Started> {
    return await startPostern(({ dir, port }) => {
      writeFileSync(join(dir, 'users'), users('x'))
      return `protocols = imap pop3
postern_workers = 2
state_dir = ${state}
disable_plaintext_auth = no
login_trusted_networks = 127.0.0.0/8
auth_verbose = yes
auth_cache_size = 1 M
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0600
  }
}
passdb {
  driver = passwd-file
  args = ${dir}/users
}
${imapListeners(port)}${loginListeners('pop3', port)}`
    })
  }

  function users(joe: string): string {
    return `joe:{PLAIN}${joe}::::::proxy=y host=127.0.0.1 port=${backend.port}
jane:{PLAIN}x::::::proxy=y host=127.0.0.1 port=${backend.port}\n`
  }

  before(async () => {
    backend = await startScriptedBackend(letIn)
    server = await start()
  })
  after(async () => {
    for (const wire of wires) wire.destroy()
    await server.stop()
    await backend.close()
    removeTempDir(state)
  })

  /** In this process: a penalty is over sooner than a busy machine may have started another. */
  async function doveadm(...args: string[]): Promise<CommandRun> {
    return await runAtServer(server, ['-f', 'tab', ...args])
  }

  const control = async (command: string, input: unknown): ReturnType<typeof askControl> =>
    await askControl(server, command, input)

  /** The reply to a login, and how long it took. */
  async function login(user: string, password: string, ip: string): Promise<{ reply: string; ms: number; wire: Wire }> {
    const wire = await connectRaw({ port: server.ports.imap ?? 0 })
    wires.push(wire)
    await wire.expect(/^\* OK /)
    wire.send(`i ID ("x-originating-ip" "${ip}")`)
    await wire.linesUntil(/^i /)
    const startedMs = performance.now()
    wire.send(`a LOGIN ${user} ${password}`)
    const reply = (await wire.linesUntil(/^a /)).at(-1) ?? ''
    return { reply, ms: performance.now() - startedMs, wire }
  }

  test('a failure in IMAP makes POP3 wait, whichever worker answers; doveadm penalty shows it as Dovecot does', async () => {
    assert.match((await login('joe', 'old', '2001:db8:7:1::1')).reply, /NO/)
    const { out, status } = await doveadm('penalty')
    assert.equal(status, 0)
    const [titles, row] = out.split('\n')
    assert.equal(titles, 'IP\tpenalty\tlast_penalty\tlast_update')
    assert.match(row ?? '', /^2001:db8:7::\t1\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t\d\d:\d\d:\d\d$/)
    const pop3 = await connectRaw({ port: server.ports.pop3 ?? 0 })
    wires.push(pop3)
    await pop3.expect(/^\+OK /)
    pop3.send('XCLIENT ADDR=2001:db8:7:9::1')
    await pop3.expect(/^\+OK/)
    const startedMs = performance.now()
    pop3.send('USER joe', 'PASS wrong')
    await pop3.expect(/^\+OK/)
    await pop3.expect(/^-ERR/)
    const ms = performance.now() - startedMs
    assert.ok(ms > 3500, `${ms} ms`)
    assert.equal((await doveadm('penalty', '192.0.2.0/24')).out.split('\n').length, 2)
    assert.match((await doveadm('penalty', '2001:db8::/32')).out, /2001:db8:7::\t2/)
  })

  test('a revoked user is thrown out and kept out in all protocols, over a restart, until allowed', async () => {
    const sessions = await Promise.all([1, 2, 3, 4].map(async () => await login('joe', 'x', '192.0.2.1')))
    const other = await login('jane', 'x', '192.0.2.2')
    for (const { reply } of [...sessions, other]) assert.match(reply, /^a OK/)
    const { out, status } = await doveadm('user', 'revoke', 'Joe')
    assert.equal(status, 0)
    assert.equal(out, 'username\tsessions\tuntil\njoe\t4\tallow or a new password\n')
    for (const { wire } of sessions) await wire.expectEnd()
    await server.waitForLog(/doveadm: Info: user revoke joe by \S+: 4 sessions ended; until allow or a new password/)
    other.wire.send('b NOOP')
    for (const count of [3, 4, 5]) {
      const { reply } = await login('joe', 'x', `192.0.2.${count}`)
      assert.match(reply, /^a NO /)
    }
    const file = join(state, 'postern-revoked.json')
    assert.ok(existsSync(file))
    assert.doesNotMatch(readFileSync(file, 'utf8'), /"x"|PLAIN/)
    for (const wire of wires) wire.destroy()
    await server.stop()
    server = await start()
    assert.match((await login('joe', 'x', '192.0.2.6')).reply, /^a NO /)
    assert.match((await doveadm('user', 'revoked')).out, /^joe\t\d{4}-.*\tallow or a new password$/m)
    assert.deepEqual(await doveadm('user', 'allow', 'jane'), {
      status: 68,
      out: 'username\n',
      err: 'Warning: jane is not revoked\n',
    })
    assert.equal((await control('user-allow', { users: ['joe'] })).length, 1)
    assert.match((await login('joe', 'x', '192.0.2.7')).reply, /^a OK/)
    assert.deepEqual(await control('user-revoked', null), [])
  })

  test('a new password ends a revocation in every worker', async () => {
    await control('user-revoke', { users: ['joe'] })
    writeFileSync(join(server.dir, 'users'), users('new'))
    // Each worker looks at the file within a second.
    const latest = performance.now() + PATIENCE_MS
    for (let count = 0, right = 0; right < 6; count++) {
      const { reply } = await login('joe', 'new', `10.0.${count >> 8}.${count & 255}`)
      right = reply.startsWith('a OK') ? right + 1 : 0
      assert.ok(performance.now() < latest, reply)
      if (right === 0) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await server.waitForLog(/auth: Info: user joe is allowed again: the password has changed/)
    assert.deepEqual(await control('user-revoked', null), [])
    writeFileSync(join(server.dir, 'users'), users('x'))
  })

  test('SIGUSR2 empties the auth cache of every worker', async () => {
    const from = server.logLines.length
    server.signal('SIGUSR2')
    await server.waitForLog(/auth: Info: SIGUSR2 received, \d+ cache entries flushed/, from)
  })
})
