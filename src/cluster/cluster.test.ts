import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Cluster, type ClusterListener } from './cluster.ts'
import { CLUSTER_LIMITS } from './limits.ts'
import { MemoryHub } from './memory-bus.ts'
import { type ClusterMessage, readMessage, writeMessage } from './message.ts'

interface Member {
  readonly cluster: Cluster
  readonly told: unknown[]
  readonly joined: string[]
  readonly left: string[]
  readonly log: string[]
}

/** Lets messages arrive. */
const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

function join(t: TestContext, hub: MemoryHub, self: string, more: Partial<ClusterListener> = {}): Member {
  const member: Omit<Member, 'cluster'> = { told: [], joined: [], left: [], log: [] }
  const cluster = new Cluster({
    bus: hub.bus(),
    self,
    observer: { log: (level, service, text) => void member.log.push(`${level} ${service}: ${text}`) },
    now: () => performance.now(),
    listener: {
      onUp: () => undefined,
      onJoined: (name) => void member.joined.push(name),
      onLeft: (name) => void member.left.push(name),
      onTold: (topic, data, from) => void member.told.push([topic, data, from]),
      onAsked: async (topic, data) => await Promise.resolve([self, topic, data]),
      ...more,
    },
  })
  cluster.open()
  t.after(async () => await cluster.close())
  return { ...member, cluster }
}

test('servers find each other, tell each other, and say good-bye', async (t) => {
  const hub = new MemoryHub()
  const a = join(t, hub, 'a')
  const b = join(t, hub, 'b')
  await settled()
  assert.deepEqual([a.cluster.members, b.cluster.members], [['b'], ['a']])
  a.cluster.tell('x', { n: 1 })
  b.cluster.tell('y', 2, 'a')
  b.cluster.tell('z', 3, 'somebody else')
  await settled()
  assert.deepEqual(b.told, [['x', { n: 1 }, 'a']])
  assert.deepEqual(a.told, [['y', 2, 'b']])
  await b.cluster.close()
  await settled()
  assert.deepEqual(a.left, ['b'])
  assert.deepEqual(a.cluster.members, [])
  assert.deepEqual(a.log, ['info cluster: b is there', 'info cluster: b has left'])
})

test('a question reaches all others, and long answers come in parts', async (t) => {
  const hub = new MemoryHub()
  const rows = Array.from({ length: CLUSTER_LIMITS.rowsPerMessage * 2 + 3 }, (_, index) => index)
  const a = join(t, hub, 'a')
  join(t, hub, 'b', { onAsked: async () => await Promise.resolve(rows) })
  join(t, hub, 'c')
  await settled()
  const answer = await a.cluster.ask('who', 'joe')
  assert.equal(answer.rows.length, rows.length + 3)
  assert.deepEqual(answer.silent, [])
})

test('alone, a question is answered at once', async (t) => {
  const { cluster } = join(t, new MemoryHub(), 'a')
  assert.deepEqual(await cluster.ask('who', null), { rows: [], silent: [] })
})

test('who does not answer in time is named; who leaves meanwhile is not waited for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const hub = new MemoryHub()
  const a = join(t, hub, 'a')
  const hangs = { onAsked: async () => await new Promise<never>(() => undefined) }
  join(t, hub, 'b', hangs)
  const c = join(t, hub, 'c', hangs)
  await settled()
  const question = a.cluster.ask('who', null)
  await settled()
  await c.cluster.close()
  await settled()
  t.mock.timers.tick(CLUSTER_LIMITS.answerMs)
  assert.deepEqual(await question, { rows: [], silent: ['b'] })
})

test('an answer that fails is an empty one, with a line in the log', async (t) => {
  const hub = new MemoryHub()
  const a = join(t, hub, 'a')
  const b = join(t, hub, 'b', { onAsked: () => Promise.reject(new Error('broken')) })
  await settled()
  assert.deepEqual(await a.cluster.ask('who', null), { rows: [], silent: [] })
  assert.ok(b.log.includes('error cluster: A question of a has no answer: broken'))
})

test('a bus that goes away is told once, and once when it is back; servers meet again', async (t) => {
  const hub = new MemoryHub()
  const a = join(t, hub, 'a')
  const b = join(t, hub, 'b')
  await settled()
  hub.setAway(true)
  a.cluster.tell('lost', 1)
  await settled()
  hub.setAway(false)
  await settled()
  assert.deepEqual(
    a.log.filter((line) => line.includes('The cluster')),
    [
      'error cluster: The cluster is away (the hub is away): this server goes on alone',
      'info cluster: The cluster is back: servers share what they know again',
    ],
  )
  assert.deepEqual(b.told, [])
  assert.ok(b.joined.length >= 2, 'it knows nothing of us any more')
})

test('a bus that is away from the start is told once', async (t) => {
  const hub = new MemoryHub()
  hub.setAway(true)
  const a = join(t, hub, 'a')
  await settled()
  assert.equal(a.log.length, 1)
  hub.setAway(false)
  await settled()
  assert.match(a.log[1] ?? '', /is back/)
})

test('who was silent for too long is gone', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const hub = new MemoryHub()
  let nowMs = 0
  const left: string[] = []
  const a = new Cluster({
    bus: hub.bus(),
    self: 'a',
    observer: { log: () => undefined },
    now: () => nowMs,
    listener: {
      onUp: () => undefined,
      onJoined: () => undefined,
      onLeft: (name) => void left.push(name),
      onTold: () => undefined,
      onAsked: async () => await Promise.resolve([]),
    },
  })
  a.open()
  t.after(async () => await a.close())
  hub.publish(writeMessage({ kind: 'here', from: 'ghost', isNew: true }))
  await settled()
  assert.deepEqual(a.members, ['ghost'])
  nowMs += CLUSTER_LIMITS.silentMs + 1
  t.mock.timers.tick(CLUSTER_LIMITS.heartbeatMs)
  await settled()
  assert.deepEqual(left, ['ghost'])
})

const messages: readonly ClusterMessage[] = [
  { kind: 'here', from: 'a', isNew: true },
  { kind: 'bye', from: 'a' },
  { kind: 'tell', from: 'a', topic: 'x', data: { deep: [1, null, 'ä\u0000'] } },
  { kind: 'tell', from: 'a', to: 'b', topic: 'x', data: 1 },
  { kind: 'ask', from: 'a', id: 7, topic: 'who', data: null },
  { kind: 'answer', from: 'a', to: 'b', id: 7, rows: [1, 'x'], isLast: false },
]
for (const message of messages) {
  test(`${message.kind} is read as it was written`, () => assert.deepEqual(readMessage(writeMessage(message)), message))
}

const junk: readonly [text: string, why: string][] = [
  ['', 'nothing'],
  ['x', 'no JSON'],
  ['5', 'no object'],
  ['null', 'no object'],
  ['{}', 'nobody speaks'],
  ['{"kind":"here","from":""}', 'nobody speaks'],
  [`{"kind":"here","from":"${'x'.repeat(256)}"}`, 'a name that is none'],
  ['{"kind":"tell","from":"a"}', 'no topic'],
  ['{"kind":"ask","from":"a","topic":"who"}', 'no number'],
  ['{"kind":"answer","from":"a","to":"b","id":1,"rows":{}}', 'no rows'],
  ['{"kind":"future","from":"a"}', 'a newer version'],
  [JSON.stringify({ kind: 'bye', from: 'a', x: 'x'.repeat(CLUSTER_LIMITS.messageBytes) }), 'too long'],
]
for (const [text, why] of junk) {
  test(`${text.slice(0, 40)} is not read: ${why}`, () => assert.equal(readMessage(text), undefined))
}
