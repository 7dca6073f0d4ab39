import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startPostern } from '../peers/postern.ts'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { untilSessions } from '../support/control.ts'
import { connectRaw } from '../support/raw-client.ts'
import { type CommandRun, runPostern } from '../support/run-postern.ts'
import { ServerProcess } from '../support/server-process.ts'
import type { Wire } from '../support/wire.ts'

/** A proxy with two workers in front of two backends; `joe`, `joseph` and `jane` with passwords `x`. */
interface Scene {
  readonly server: Started
  readonly first: ScriptedBackend
  readonly second: ScriptedBackend
  readonly doveadm: (...args: string[]) => Promise<CommandRun>
  /** Logs in through the proxy, from this address of the machine. */
  readonly login: (user: string, from?: string) => Promise<Wire>
}

async function letIn(wire: Wire): Promise<void> {
  wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] backend')
  await wire.expect(/^L LOGIN /)
  wire.send('L OK in')
}

async function open(t: { after(run: () => unknown): void }): Promise<Scene> {
  const first = await startScriptedBackend(letIn)
  const second = await startScriptedBackend(letIn)
  const server = await startPostern(({ dir, port }) => {
    writeFileSync(join(dir, 'users'), users(first.port, second.port))
    return `protocols = imap
postern_workers = 2
disable_plaintext_auth = no
login_proxy_max_reconnects = 0
passdb {
  driver = passwd-file
  args = ${dir}/users
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
`
  })
  t.after(async () => {
    await server.stop()
    await Promise.all([first.close(), second.close()])
  })
  return {
    server,
    first,
    second,
    doveadm: async (...args) => await runPostern(['doveadm', '-c', join(server.dir, 'dovecot.conf'), ...args]),
    async login(user, from = '127.0.0.1') {
      const client = await connectRaw({ port: server.ports.imap ?? 0, localAddress: from })
      t.after(() => client.destroy())
      await client.expect(/^\* OK /)
      client.send(`a LOGIN ${user} x`)
      await client.expect(/^a OK .*in$/)
      return client
    },
  }
}

function users(first: number, second: number): string {
  return [
    `joe:{PLAIN}x::::::proxy=y host=127.0.0.1 port=${first} destuser=joe-there user_alt=j1`,
    `joseph:{PLAIN}x::::::proxy=y host=127.0.0.1 port=${first}`,
    `jane:{PLAIN}x::::::proxy=y host=localhost port=${second}`,
    'dis:{PLAIN}x::::::nologin reason=Moved',
    '',
  ].join('\n')
}

describe('a running server, administered', () => {
  let scene: Scene
  const ends: (() => unknown)[] = []
  before(async () => {
    scene = await open({ after: (run) => void ends.push(run) })
  })
  after(async () => {
    for (const end of ends.toReversed()) await end()
  })

  test('the socket is for its owner only', () => {
    const { mode } = statSync(join(scene.server.dir, 'run', 'postern-control'))
    assert.equal(mode & 0o777, 0o600)
  })

  test('who adds up the workers, proxied sessions included [row 41]', async () => {
    const clients = [
      ...(await Promise.all(Array.from({ length: 6 }, async () => await scene.login('joe')))),
      await scene.login('joe', '127.0.5.7'),
      await scene.login('jane', '127.0.5.8'),
    ]
    const all = await scene.doveadm('-f', 'tab', 'who')
    const [titles, jane, joe, end] = all.out.split('\n')
    assert.equal(titles, 'username\t#\tproto\t(pids)\t(ips)')
    assert.match(jane ?? '', /^jane\t1\timap\t\(\d+\)\t\(127\.0\.5\.8\)$/)
    assert.match(joe ?? '', /^joe\t7\timap\t\(\d+( \d+)?\)\t\(127\.0\.0\.1 127\.0\.5\.7\)$/)
    assert.equal(end, '')
    const single = await scene.doveadm('who', '-1', 'JO*', '127.0.5.0/24')
    assert.match(single.out, /^username +proto pid +ip +\njoe +imap +\d+ +127\.0\.5\.7 *\n$/)
    assert.match((await scene.doveadm('who', 'nobody')).out, /^username # proto \(pids\) \(ips\) +\n$/)
    const rows = JSON.parse((await scene.doveadm('-f', 'json', 'who')).out) as Record<string, string>[]
    assert.deepEqual(Object.keys(rows[0] ?? {}), ['username', 'connections', 'service', 'pids', 'ips'])
    for (const client of clients) client.destroy()
    await untilSessions(scene.server, 0)
  })

  test('proxy list shows names, clients and backends; proxy backends their sessions [row 40: imap]', async () => {
    const joe = await scene.login('joe', '127.0.5.9')
    const jane = await scene.login('jane')
    const { out } = await scene.doveadm('-f', 'json', 'proxy', 'list')
    const rows = (JSON.parse(out) as Record<string, string>[]).filter(({ 'src-ip': ip }) => ip === '127.0.5.9')
    assert.deepEqual(rows, [
      {
        username: 'joe',
        user_alt: 'j1',
        service: 'imap',
        'src-ip': '127.0.5.9',
        'dest-ip': '127.0.0.1',
        'dest-port': String(scene.first.port),
      },
    ])
    const backends = await scene.doveadm('-f', 'tab', 'proxy', 'backends')
    assert.match(backends.out, new RegExp(`^127.0.0.1\t127.0.0.1\t${scene.first.port}\tup\t\\d+\t0\t-\t$`, 'm'))
    assert.match(backends.out, new RegExp(`^localhost\t127.0.0.1\t${scene.second.port}\tup\t\\d+\t0\t-\t$`, 'm'))
    joe.destroy()
    jane.destroy()
    await untilSessions(scene.server, 0)
  })

  test('proxy kick ends whom it names, and its status says whether there was anybody [row 40: imap]', async () => {
    const from = new Map([
      ['joe', '127.0.0.1'],
      ['joseph', '127.0.6.1'],
      ['jane', '127.0.0.1'],
    ])
    const clients = new Map<string, Wire>()
    for (const [user, ip] of from) clients.set(user, await scene.login(user, ip))
    const rows: readonly [args: readonly string[], kicked: readonly string[], why: string][] = [
      [['nobody'], [], 'no such user'],
      [['jo'], [], 'a name is not a prefix'],
      [['joe'], ['joe'], 'an exact name'],
      [['jo*'], ['joe', 'joseph'], 'a mask'],
      [['joe', 'jane'], ['joe', 'jane'], 'several names'],
      [['-f', 'user_alt', 'j1'], ['joe'], 'an alternative name'],
      [['-h', 'localhost'], ['jane'], 'a backend by the text of its host field'],
      [['-h', 'LOCALHOST'], [], 'as it is written'],
      [['127.0.6.0/24'], ['joseph'], 'a network'],
      [['127.0.6.1', 'joseph'], ['joseph'], 'an address and a user'],
      [['127.0.6.1', 'jane'], [], 'which must agree'],
    ]
    for (const [args, kicked, why] of rows) {
      const run = await scene.doveadm('proxy', 'kick', ...args)
      assert.equal(run.out, `${kicked.length} connections kicked\n`, why)
      assert.equal(run.status, kicked.length === 0 ? 68 : 0, why)
      for (const user of kicked) {
        await clients.get(user)?.expectEnd()
        clients.set(user, await scene.login(user, from.get(user)))
      }
    }
    assert.equal((await scene.doveadm('-f', 'json', 'proxy', 'kick', '*')).out, '[{"count":"3"}]')
    for (const client of clients.values()) await client.expectEnd()
    await scene.server.waitForLog(/proxy\(joe,.*Disconnected by proxy: Kicked by admin /)
    await scene.server.waitForLog(/doveadm: Info: kick jo\*: 2 sessions ended/)
    await untilSessions(scene.server, 0)
  })

  test('kick is the same for one mask and one network, and names the users', async () => {
    await Promise.all([scene.login('joe'), scene.login('joe', '127.0.6.2'), scene.login('jane')])
    const network = await scene.doveadm('kick', '-f', 'JOE', '127.0.6.0/24')
    assert.deepEqual(network, { status: 0, out: 'kicked connections from the following users:\njoe \n', err: '' })
    const all = await scene.doveadm('-f', 'json', 'kick', '*')
    assert.deepEqual(all, { status: 0, out: '[{"result":"jane"},{"result":"joe"}]', err: '' })
    await untilSessions(scene.server, 0)
    assert.deepEqual(await scene.doveadm('kick', '*'), { status: 68, out: 'no users kicked\n', err: '' })
  })

  test('auth test and lookup ask the running server', async () => {
    assert.deepEqual(await scene.doveadm('auth', 'test', 'jane', 'x'), {
      status: 0,
      out: `passdb: jane auth succeeded\nextra fields:\n  user=jane\n  proxy\n  host=localhost\n  port=${scene.second.port}\n`,
      err: '',
    })
    const wrong = await scene.doveadm('auth', 'test', 'jane', 'y')
    assert.deepEqual(wrong, { status: 77, out: 'passdb: jane auth failed\nextra fields:\n  user=jane\n', err: '' })
    const disabled = await scene.doveadm('auth', 'test', 'dis', 'x')
    assert.deepEqual(disabled, {
      status: 0,
      out: 'passdb: dis auth succeeded\nextra fields:\n  user=dis\n  nologin\n  reason=Moved\n',
      err: '',
    })
    const lookup = await scene.doveadm('auth', 'lookup', 'joseph', 'nobody')
    assert.deepEqual(lookup, {
      status: 67,
      out: `passdb: joseph\n  user      : joseph\n  proxy     : y\n  host      : 127.0.0.1\n  port      : ${scene.first.port}\n\npassdb lookup: user nobody doesn't exist\n`,
      err: '',
    })
    assert.equal(
      (await scene.doveadm('auth', 'lookup', '-f', 'host', 'joseph', 'jane')).out,
      '127.0.0.1\n\nlocalhost\n',
    )
    const flushed = await scene.doveadm('auth', 'cache', 'flush', 'joe')
    assert.deepEqual(flushed, { status: 0, out: '0 cache entries flushed\n', err: '' })
  })

  test('reload waits, complains, and keeps the old configuration when the new one is wrong', async () => {
    const path = join(scene.server.dir, 'dovecot.conf')
    const text = readFileSync(path, 'utf8')
    const client = await scene.login('joe')
    writeFileSync(path, `${text}\nlogin_plugins = x\n`)
    const warned = await scene.doveadm('reload')
    assert.equal(warned.status, 0)
    assert.match(warned.err, /^Warning: \S+dovecot\.conf:\d+: login_plugins has no effect: /m)
    writeFileSync(path, `${text}\nssl = maybe\n`)
    const refused = await scene.doveadm('reload')
    assert.equal(refused.status, 78)
    assert.match(
      refused.err,
      /^Error: \S+dovecot\.conf:\d+: Invalid value: maybe\nError: the old configuration stays\n$/,
    )
    writeFileSync(path, text)
    assert.equal((await scene.doveadm('reload')).status, 0)
    client.send('b NOOP')
    const session = await scene.doveadm('who', 'joe')
    assert.equal(session.out.split('\n').length, 3, 'the session is still there')
    client.destroy()
  })

  test('log errors has the warnings of all processes', async () => {
    const { out } = await scene.doveadm('log', 'errors')
    assert.match(
      out,
      /^\w{3} \d\d \d\d:\d\d:\d\d Error: master: Configuration \S+ not reloaded, keeping the old one: /m,
    )
    await scene.first.close()
    const client = await connectRaw({ port: scene.server.ports.imap ?? 0 })
    await client.expect(/^\* OK /)
    client.send('a LOGIN joe x')
    await client.expect(/^a NO \[UNAVAILABLE\]/)
    client.destroy()
    const after = await scene.doveadm('-f', 'tab', 'log', 'errors')
    assert.match(after.out, new RegExp(`\tproxy\tWarning\tbackend 127\\.0\\.0\\.1:${scene.first.port} is down: `))
    assert.equal((await scene.doveadm('log', 'errors', '-s', '99999999999')).out, '')
    const backends = await scene.doveadm('-f', 'tab', 'proxy', 'backends')
    assert.match(backends.out, new RegExp(`\t${scene.first.port}\tdown\t0\t0\t\\d{4}-.*Connection refused`))
  })
})

test('a session that is still logging in to its backend is listed with it, and kicked by name and by host [row 40: imap]', async (t) => {
  const backend = await startScriptedBackend()
  t.after(() => backend.close())
  const server = await startPostern(
    ({ port }) => `protocols = imap
postern_workers = 1
disable_plaintext_auth = no
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${backend.port}
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
`,
  )
  t.after(() => server.stop())
  const doveadm = async (...args: string[]): Promise<CommandRun> =>
    await runPostern(['doveadm', '-c', join(server.dir, 'dovecot.conf'), ...args])
  const client = await connectRaw({ port: server.ports.imap ?? 0 })
  t.after(() => client.destroy())
  await client.expect(/^\* OK /)
  client.send('a LOGIN slow x')
  await backend.connection(1)
  const [row] = JSON.parse((await doveadm('-f', 'json', 'proxy', 'list')).out) as Record<string, string>[]
  assert.deepEqual([row?.username, row?.['dest-ip'], row?.['dest-port']], ['slow', '127.0.0.1', String(backend.port)])
  assert.equal((await doveadm('-f', 'tab', 'who')).out.split('\n').length, 2, 'but not logged in')
  assert.equal((await doveadm('proxy', 'kick', 'slow')).status, 0)
  await client.expectEnd()
  const second = await connectRaw({ port: server.ports.imap ?? 0 })
  t.after(() => second.destroy())
  await second.expect(/^\* OK /)
  second.send('a LOGIN slow x')
  await backend.connection(2)
  assert.equal((await doveadm('proxy', 'kick', '-h', '127.0.0.1')).status, 0)
  await second.expectEnd()
})

test('stop ends the server politely, and returns when it has', async (t) => {
  const scene = await open(t)
  const client = await scene.login('joe')
  const socket = join(scene.server.dir, 'run', 'postern-control')
  assert.deepEqual(await scene.doveadm('stop'), { status: 0, out: '', err: '' })
  await client.expectEnd()
  await scene.server.waitForLog(/doveadm stop received, closing/)
  assert.ok(!existsSync(socket), 'the socket is gone')
  const again = await scene.doveadm('stop')
  assert.equal(again.status, 75)
  assert.match(again.err, /^Fatal: no server is running at .*postern-control\n$/)
})

test('a second server with the same base_dir does not start', async (t) => {
  const scene = await open(t)
  const path = join(scene.server.dir, 'dovecot.conf')
  const second = new ServerProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, '..', '..', 'bin', 'postern.js'), 'serve', '-c', path, '-o', 'protocols='],
  })
  t.after(() => second.stop())
  await second.waitForLine(/Fatal: another server answers at .*postern-control/)
  assert.equal((await second.exited).code, 1)
  assert.equal((await scene.doveadm('who')).status, 0, 'the first goes on')
})
