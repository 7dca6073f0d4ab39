import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import type { Revocation } from '../auth/revocations.ts'
import { MemoryHub } from '../cluster/memory-bus.ts'
import type { SharedFromWorker } from './shared-messages.ts'
import { SharedState } from './shared-state.ts'
import { WorkerShared } from './worker-shared.ts'

/** A server with two workers, in this process. */
interface Server {
  readonly state: SharedState
  readonly workers: readonly WorkerShared[]
  readonly log: string[]
  /** Commands that all workers were asked. */
  readonly asked: [name: string, input: unknown][]
}

const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

function startServer(t: TestContext, hub?: Pick<MemoryHub, 'bus'>, file = join(tempDir(t), 'revoked.json')): Server {
  const log: string[] = []
  const asked: [string, unknown][] = []
  const observer = {
    emit: () => undefined,
    log: (level: string, _: string, text: string) => void log.push(`${level} ${text}`),
  }
  const state = new SharedState({
    observer,
    revocationFile: file,
    ...(hub && { cluster: { bus: hub.bus(), secret: 'secret' } }),
  })
  const workers = [1, 2].map((id) => {
    return new WorkerShared((message: SharedFromWorker) => setImmediate(() => state.hear(id, message)))
  })
  state.open({
    tell(message, to) {
      for (const [index, worker] of workers.entries()) {
        const id = index + 1
        if ('only' in to ? id === to.only : id !== to.except) setImmediate(() => worker.hear(message))
      }
    },
    async command(name, input) {
      asked.push([name, input])
      return await Promise.resolve(name === 'sessions' ? [[{ username: 'joe', pid: '7' }]] : [[]])
    },
  })
  for (const id of [1, 2]) state.workerStarted(id)
  t.after(async () => await state.close())
  return { state, workers, log, asked }
}

function tempDir(t: TestContext): string {
  const dir = makeTempDir('shared')
  t.after(() => removeTempDir(dir))
  return dir
}

async function meet(): Promise<void> {
  for (let count = 0; count < 10; count++) await settled()
}

const revoked = (user: string, atMs = Date.now()): Revocation => ({ user, atMs, revoked: true, passwords: {} })
const place = { service: 'imap', ip: '192.0.2.1', user: 'joe' }

test('what one worker sees, all workers of all servers know', async (t) => {
  const hub = new MemoryHub()
  const [first, second] = [startServer(t, hub), startServer(t, hub)]
  await meet()
  const [worker] = first.workers
  worker?.penalties.table.failed('192.0.2.1', 0, 5)
  await meet()
  for (const { state, workers } of [first, second]) {
    assert.equal(state.penalties.level('192.0.2.1'), 1)
    for (const { penalties } of workers) assert.equal(penalties.table.level('192.0.2.1'), 1)
  }
  second.workers[1]?.penalties.table.forgive('192.0.2.1')
  await meet()
  assert.equal(worker?.penalties.table.level('192.0.2.1'), 0)
  assert.deepEqual(first.workers[0]?.penalties.key, second.workers[1]?.penalties.key, 'fingerprints are the same')
})

test('a server that comes later knows the penalties and connections of the others', async (t) => {
  const hub = new MemoryHub()
  const first = startServer(t, hub)
  await meet()
  first.workers[0]?.penalties.table.failed('192.0.2.1', 2, 0)
  const leave = await first.workers[0]?.enter(place, 1)
  const second = startServer(t, hub)
  await meet()
  assert.equal(second.workers[0]?.penalties.table.level('192.0.2.1'), 3)
  assert.equal(await second.workers[0]?.enter(place, 1), undefined, 'one too many')
  leave?.()
  await meet()
  assert.notEqual(await second.workers[0]?.enter(place, 1), undefined)
})

test('connections of a worker or server that is gone do not count', async (t) => {
  const hub = new MemoryHub()
  const [first, second] = [startServer(t, hub), startServer(t, hub)]
  await meet()
  await first.workers[0]?.enter(place, 5)
  await second.workers[0]?.enter(place, 5)
  await meet()
  assert.equal(await first.workers[1]?.enter(place, 2), undefined)
  first.state.workerGone(1)
  await meet()
  assert.notEqual(await second.workers[1]?.enter(place, 2), undefined)
  await second.state.close()
  await meet()
  assert.notEqual(await first.workers[1]?.enter(place, 1), undefined)
})

test('what happened at a server while it alone was away, the others hear when it is back', async (t) => {
  const hub = new MemoryHub()
  const bus = hub.bus()
  const [first, second] = [startServer(t, { bus: () => bus }), startServer(t, hub)]
  await meet()
  const leave = await first.workers[0]?.enter(place, 5)
  await meet()
  bus.setCut(true)
  leave?.()
  first.workers[0]?.penalties.table.failed('192.0.2.1', 0, 5)
  await meet()
  assert.equal(second.state.penalties.level('192.0.2.1'), 0)
  bus.setCut(false)
  await meet()
  assert.equal(second.state.penalties.level('192.0.2.1'), 1)
  assert.notEqual(await second.workers[0]?.enter(place, 1), undefined, 'who has left does not count')
})

test('alone, the limit holds all the same', async (t) => {
  const { workers } = startServer(t)
  assert.notEqual(await workers[0]?.enter(place, 1), undefined)
  assert.equal(await workers[1]?.enter(place, 1), undefined)
})

test('a revocation reaches all workers, ends sessions at all servers, and outlives them', async (t) => {
  const hub = new MemoryHub()
  const file = join(tempDir(t), 'state', 'revoked.json')
  const [first, second] = [startServer(t, hub, file), startServer(t, hub)]
  await meet()
  const { silent, problem } = await first.state.revoke(revoked('joe'))
  await meet()
  assert.deepEqual([silent, problem], [[], undefined])
  for (const { workers, asked } of [first, second]) {
    for (const { revocations } of workers) assert.equal(revocations.revoked('joe')?.revoked, true)
    assert.deepEqual(
      asked.map(([name]) => name),
      ['auth-cache-flush', 'kick', 'kick'],
    )
  }
  await first.state.close()
  const again = startServer(t, undefined, file)
  await meet()
  assert.equal(again.workers[1]?.revocations.revoked('joe')?.revoked, true)
})

test('what was decided while the cluster was away meets when it is back, the newer counts', async (t) => {
  const hub = new MemoryHub()
  const [first, second] = [startServer(t, hub), startServer(t, hub)]
  await meet()
  await first.state.revoke(revoked('old', 1000))
  await meet()
  hub.setAway(true)
  assert.equal((await first.state.revoke(revoked('joe', 2000))).silent.length, 1, 'who has not heard of it is named')
  second.state.allow({ user: 'old', atMs: 3000, revoked: false })
  await meet()
  assert.equal(second.workers[0]?.revocations.revoked('joe'), undefined)
  hub.setAway(false)
  await meet()
  for (const { workers } of [first, second]) {
    assert.equal(workers[0]?.revocations.revoked('joe')?.revoked, true)
    assert.equal(workers[0]?.revocations.revoked('old'), undefined)
  }
  // Also for one who was never there while the others were.
  await Promise.all([first.state.close(), second.state.close()])
  const third = startServer(t, hub)
  await meet()
  assert.equal(third.workers[0]?.revocations.revoked('joe')?.revoked, true)
})

test('processes of another server are told as such', async (t) => {
  const hub = new MemoryHub()
  const [first] = [startServer(t, hub), startServer(t, hub)]
  await meet()
  const { rows } = await first.state.askOthers('sessions', {})
  assert.match((rows[0] as { pid: string }).pid, /^7@/)
  assert.deepEqual((await first.state.askOthers('stop', {})).rows, [], 'others cannot be asked anything else')
})

test('junk on the bus changes nothing', async (t) => {
  const hub = new MemoryHub()
  const { state, workers, log } = startServer(t, hub)
  await meet()
  const say = (topic: string, data: unknown): void =>
    hub.publish(JSON.stringify({ kind: 'tell', from: 'stranger', topic, data }))
  for (const data of [null, 5, 'x', [], {}, [[]], { network: 'x', level: 9, fingerprint: -1 }, [['key', 'many']]]) {
    for (const topic of ['penalty', 'penalties', 'connections', 'revocation', 'nonsense']) say(topic, data)
  }
  hub.publish('{')
  await meet()
  assert.deepEqual(state.penalties.list(), [])
  assert.equal(workers[0]?.revocations.isEmpty, true)
  assert.ok(!log.some((line) => line.startsWith('error')), log.join('\n'))
})

test('a file that cannot be read or written is told, and the server goes on', async (t) => {
  const dir = tempDir(t)
  const broken = join(dir, 'broken.json')
  writeFileSync(broken, '{"not": "a list"}')
  const { state, log } = startServer(t, undefined, broken)
  assert.match(
    log[0] ?? '',
    /^error Revoked users are not known, so everybody may log in: .* holds no list; it is kept as .*\.broken$/,
  )
  assert.equal((await state.revoke(revoked('joe'))).problem, undefined)
  const blocked = startServer(t, undefined, join(broken, 'x', 'revoked.json'))
  const { problem } = await blocked.state.revoke(revoked('joe'))
  assert.match(problem ?? '', /ENOTDIR|EEXIST/)
  assert.match(blocked.log.at(-1) ?? '', /^error Revoked users are forgotten when the server stops/)
})

test('settings that a running server cannot follow are seen', (t) => {
  const dir = tempDir(t)
  const { state } = startServer(t, new MemoryHub(), join(dir, 'postern-revoked.json'))
  assert.equal(state.isOf({ postern_cluster: 'secret', state_dir: dir }), true)
  assert.equal(state.isOf({ postern_cluster: '', state_dir: dir }), false)
  assert.equal(state.isOf({ postern_cluster: 'secret', state_dir: '/elsewhere' }), false)
})
