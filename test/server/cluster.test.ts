import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { imapListeners } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import { skipWithoutRedis, startRedis, type RedisPeer } from '../peers/redis.ts'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { askControl as control, askRows as rows, eventually } from '../support/control.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'

/** Two proxies and a real Redis, which dies and comes back. */

async function letIn(wire: Wire): Promise<void> {
  wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] backend')
  await wire.expect(/^L LOGIN /)
  wire.send('L OK in')
}

/** Redis has a second for an answer. */
const ANSWER_MS = 900
const TRIES = 30

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

  /** Logins go on, and none waits the second that Redis has for an answer: the quickest of many says so on a busy machine, too. */
  async function doesNotWait(server: Started, ip: string): Promise<void> {
    const times: number[] = []
    do {
      const startedMs = performance.now()
      assert.match((await login(server, 'jane', 'x', ip))[0], /^a OK/)
      times.push(performance.now() - startedMs)
    } while (times.length < TRIES && Math.min(...times) > ANSWER_MS)
    assert.ok(Math.min(...times) < ANSWER_MS, times.join(', '))
  }

  describe('while it is there', { concurrency: true }, () => {
    test('a failure at one is a penalty at the other, and a success forgives at both', async () => {
      assert.match((await login(first, 'mary', 'wrong', '192.0.2.1'))[0], /^a NO/)
      const isKnown = async (server: Started, wanted: string): Promise<boolean> =>
        (await rows(server, 'penalty', null)).some(({ network, level }) => network === '192.0.2.1' && level === wanted)
      await eventually('the second server knows of the penalty', async () => await isKnown(second, '1'))
      const startedMs = performance.now()
      assert.match((await login(second, 'mary', 'x', '192.0.2.1'))[0], /^a OK/)
      assert.ok(performance.now() - startedMs > 3500)
      await eventually('the first server knows of the forgiveness', async () => await isKnown(first, '0'))
    })

    test('who, kick and cache flush mean both', async () => {
      const [[, here], [, there]] = await Promise.all([
        login(first, 'jane', 'x', '192.0.2.2'),
        login(second, 'jane', 'x', '192.0.2.3'),
      ])
      const filter = { users: ['jane'], networks: [], hosts: [], states: ['proxied'] }
      await eventually('two sessions', async () => (await rows(first, 'sessions', filter)).length === 2)
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
      await eventually('not revoked any more', async () => (await rows(first, 'user-revoked', null)).length === 0)
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
    for (const [index, server] of [first, second].entries())
      await server.waitForLog(/cluster: Info: The cluster is back/, from[index])
    await eventually('the second hears of it', async () => (await rows(second, 'user-revoked', null)).length === 1)
    assert.match((await login(second, 'jack', 'x', '192.0.2.9'))[0], /^a NO/)
    for (const [index, server] of [first, second].entries()) {
      const told = server.logLines.slice(from[index]).filter((line) => line.includes('The cluster is'))
      // Once each time: on a busy machine an answer may take longer than its second.
      const words = told.map((line) => (line.includes('is away') ? 'away' : 'back'))
      assert.ok(words.length >= 2, told.join('\n'))
      assert.ok(
        words.every((word, index) => word === (index % 2 === 0 ? 'away' : 'back')),
        told.join('\n'),
      )
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
