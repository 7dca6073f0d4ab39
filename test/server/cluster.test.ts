import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { askServer } from '../../src/admin/control/client.ts'
import type { ControlReply } from '../../src/admin/control/wire.ts'
import { imapListeners } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import { skipWithoutRedis, startRedis, type RedisPeer } from '../peers/redis.ts'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'

/** Two proxies and a real Redis, which dies and comes back. */

async function letIn(wire: Wire): Promise<void> {
  wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] backend')
  await wire.expect(/^L LOGIN /)
  wire.send('L OK in')
}

describe('two servers with one Redis', { skip: skipWithoutRedis() }, () => {
  let redis: RedisPeer
  let backend: ScriptedBackend
  let first: Started
  let second: Started
  const wires: Wire[] = []

  async function start(): Promise<Started> {
    return await startPostern(({ dir, port }) => {
      const users = ['joe', 'jane', 'jack', 'mary'].map(
        (name) => `${name}:{PLAIN}x::::::proxy=y host=127.0.0.1 port=${backend.port}`,
      )
      writeFileSync(join(dir, 'users'), `${users.join('\n')}\n`)
      return `protocols = imap
postern_workers = 1
postern_cluster = redis://:secret@127.0.0.1:${redis.port}
disable_plaintext_auth = no
login_trusted_networks = 127.0.0.0/8
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0600
  }
}
passdb {
  driver = passwd-file
  args = ${dir}/users
}
${imapListeners(port)}`
    })
  }

  before(async () => {
    redis = await startRedis()
    backend = await startScriptedBackend(letIn)
    ;[first, second] = await Promise.all([start(), start()])
    await Promise.all([first, second].map(async (server) => await server.waitForLog(/cluster: Info: .* is there/)))
  })
  after(async () => {
    for (const wire of wires) wire.destroy()
    await Promise.all([first.stop(), second.stop()])
    await backend.close()
    await redis.stop()
  })

  async function login(server: Started, user: string, password: string, ip: string): Promise<[string, Wire]> {
    const wire = await connectRaw({ port: server.ports.imap ?? 0 })
    wires.push(wire)
    await wire.expect(/^\* OK /)
    wire.send(`i ID ("x-originating-ip" "${ip}")`)
    await wire.linesUntil(/^i /)
    wire.send(`a LOGIN ${user} ${password}`)
    return [(await wire.linesUntil(/^a /)).at(-1) ?? '', wire]
  }

  /** Logins go on, and none waits for Redis: the quickest of three says so on a busy machine, too. */
  async function doesNotWait(server: Started, ip: string): Promise<void> {
    const times: number[] = []
    for (let count = 0; count < 3; count++) {
      const startedMs = performance.now()
      assert.match((await login(server, 'jane', 'x', ip))[0], /^a OK/)
      times.push(performance.now() - startedMs)
    }
    assert.ok(Math.min(...times) < 900, times.join(', '))
  }

  /** What the control socket answers, as `doveadm` hears it. */
  async function control(server: Started, command: string, input: unknown): Promise<ControlReply[]> {
    const path = join(server.dir, 'run', 'postern-control')
    const replies: ControlReply[] = []
    for await (const reply of askServer(path, { command, input }, 10_000)) replies.push(reply)
    return replies
  }

  async function rows(server: Started, command: string, input: unknown): Promise<Readonly<Record<string, string>>[]> {
    return (await control(server, command, input)).flatMap((reply) => (reply.kind === 'row' ? [reply.row] : []))
  }

  async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
    for (let count = 0; !(await isSo()); count++) {
      assert.ok(count < 200, what)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  describe('while it is there', { concurrency: true }, () => {
    test('a failure at one is a penalty at the other, and a success forgives at both', async () => {
      assert.match((await login(first, 'mary', 'wrong', '192.0.2.1'))[0], /^a NO/)
      await eventually(
        async () =>
          (await rows(second, 'penalty', null)).some(({ network, level }) => network === '192.0.2.1' && level === '1'),
        'the second server knows no penalty',
      )
      const startedMs = performance.now()
      assert.match((await login(second, 'mary', 'x', '192.0.2.1'))[0], /^a OK/)
      assert.ok(performance.now() - startedMs > 3500)
      await eventually(
        async () =>
          (await rows(first, 'penalty', null)).some(({ network, level }) => network === '192.0.2.1' && level === '0'),
        'the first server knows no forgiveness',
      )
    })

    test('who, kick and cache flush mean both', async () => {
      const [[, here], [, there]] = await Promise.all([
        login(first, 'jane', 'x', '192.0.2.2'),
        login(second, 'jane', 'x', '192.0.2.3'),
      ])
      const filter = { users: ['jane'], networks: [], hosts: [], states: ['proxied'] }
      await eventually(async () => (await rows(first, 'sessions', filter)).length === 2, 'not two sessions')
      const sessions = await rows(first, 'sessions', filter)
      assert.deepEqual(new Set(sessions.map(({ remoteIp }) => remoteIp)), new Set(['192.0.2.2', '192.0.2.3']))
      assert.ok(
        sessions.some(({ pid }) => /^\d+@/.test(pid ?? '')),
        'which server it is',
      )
      assert.equal((await rows(first, 'auth-cache-flush', { users: null })).length, 1)
      assert.equal((await rows(second, 'kick', filter)).length, 2)
      await Promise.all([here.expectEnd(), there.expectEnd()])
    })

    test('revoked at one is revoked at both; allowed likewise', async () => {
      const [, there] = await login(second, 'joe', 'x', '192.0.2.4')
      const [row] = await rows(first, 'user-revoke', { users: ['joe'], by: 'me' })
      assert.equal(row?.username, 'joe')
      assert.ok(Number(row?.sessions) >= 1)
      await there.expectEnd()
      assert.match((await login(second, 'joe', 'x', '192.0.2.5'))[0], /^a NO/)
      await control(second, 'user-allow', { users: ['joe'] })
      await eventually(async () => (await rows(first, 'user-revoked', null)).length === 0, 'still revoked')
      assert.match((await login(first, 'joe', 'x', '192.0.2.6'))[0], /^a OK/)
    })
  })

  test('without Redis each goes on alone and says so once; with it again, what was decided meets', async () => {
    const from = [first.logLines.length, second.logLines.length] as const
    await redis.kill()
    await first.waitForLog(/cluster: Error: The cluster is away \(Redis: .*\): this server goes on alone/, from[0])
    await second.waitForLog(/cluster: Error: The cluster is away/, from[1])
    for (const server of [first, second]) await doesNotWait(server, '192.0.2.7')
    await rows(first, 'user-revoke', { users: ['jack'] })
    assert.match((await login(first, 'jack', 'x', '192.0.2.8'))[0], /^a NO/)
    assert.match((await login(second, 'jack', 'x', '192.0.2.8'))[0], /^a OK/)
    await redis.start()
    for (const server of [first, second]) await server.waitForLog(/cluster: Info: The cluster is back/)
    await eventually(async () => (await rows(second, 'user-revoked', null)).length === 1, 'never heard of it')
    assert.match((await login(second, 'jack', 'x', '192.0.2.9'))[0], /^a NO/)
    for (const [index, server] of [first, second].entries()) {
      const told = server.logLines.slice(from[index]).filter((line) => line.includes('The cluster is'))
      assert.equal(told.length, 2, told.join('\n'))
    }
  })

  test('a Redis that hangs is as good as none', async () => {
    const from = first.logLines.length
    redis.pause()
    await first.waitForLog(/The cluster is away \(Redis: no answer within 1000 msecs\)/, from)
    await doesNotWait(first, '192.0.2.10')
    redis.resume()
    await first.waitForLog(/The cluster is back/, from)
  })
})
