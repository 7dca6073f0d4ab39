import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Observer, silent } from '../observe/events.ts'
import { mergeMetrics, openMetrics } from '../observe/metrics.ts'
import { sentence } from '../observe/sentences.ts'
import { type BackendNews, createBackendHosts } from './hosts.ts'

const IP = '10.0.0.5'
const PORT = 143
const AFTER_MS = 30_000

function start(): { hosts: ReturnType<typeof createBackendHosts>; clock: { ms: number }; events: unknown[] } {
  const clock = { ms: 1_000_000 }
  const events: unknown[] = []
  const observer: Observer = { ...silent, emit: (name, fields) => events.push([name, fields]) }
  return { hosts: createBackendHosts(observer, () => clock.ms), clock, events }
}

test('a host that was dead for long fails at once, while one probe keeps trying', () => {
  const { hosts, clock } = start()
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'the first one tries')
  clock.ms += 29_000
  hosts.failed(IP, PORT, 'Connection refused', clock.ms)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'not dead for longer than the threshold yet')
  clock.ms += 1
  hosts.failed(IP, PORT, 'Connection refused', clock.ms)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), false, 'dead, and two others already wait')
  for (let i = 0; i < 3; i++) hosts.end(IP, PORT)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'nobody waits: this is the probe')
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), false, 'the probe is under way')
  assert.equal(hosts.begin(IP, PORT, 0), true, 'a threshold of 0 switches it off')
  assert.equal(hosts.begin(IP, PORT + 1, AFTER_MS), true, 'another port is another host')
  hosts.connected(IP, PORT)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'it answered')
})

test('going down and coming up are told once', () => {
  const { hosts, clock, events } = start()
  hosts.connected(IP, PORT)
  hosts.failed(IP, PORT, 'Connection refused', clock.ms)
  clock.ms += 5_000
  hosts.failed(IP, PORT, 'Connection timed out', clock.ms)
  hosts.connected(IP, PORT)
  hosts.connected(IP, PORT)
  assert.deepEqual(events, [
    ['backend_down', { ip: IP, port: PORT, error: 'Connection refused' }],
    ['backend_up', { ip: IP, port: PORT, down_ms: 5_000 }],
  ])
})

test('a connect that fails says nothing when one that began later came through', () => {
  const { hosts, clock, events } = start()
  const begunMs = clock.ms
  hosts.begin(IP, PORT, AFTER_MS)
  clock.ms += 1
  hosts.begin(IP, PORT, AFTER_MS)
  hosts.connected(IP, PORT)
  hosts.end(IP, PORT)
  clock.ms += 60_000
  hosts.failed(IP, PORT, 'Connection timed out', begunMs)
  hosts.end(IP, PORT)
  assert.deepEqual(events, [])
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'it is not dead')
  hosts.failed(IP, PORT, 'Connection refused', clock.ms)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), false, 'a failure of a later one counts')
})

test('one login that is not answered makes nobody else fail, and no backend down that answers others', () => {
  const { hosts, clock, events } = start()
  hosts.connected(IP, PORT)
  const begunMs = clock.ms
  clock.ms += 60_000
  hosts.answered(IP, PORT)
  hosts.silent(IP, PORT, 'Login timed out in state=login', begunMs)
  assert.deepEqual(events, [])
  hosts.silent(IP, PORT, 'Login timed out in state=login', clock.ms)
  assert.deepEqual(events, [['backend_down', { ip: IP, port: PORT, error: 'Login timed out in state=login' }]])
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true)
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true, 'it takes connections')
})

test('the list shows each backend', () => {
  const { hosts, clock } = start()
  hosts.begin(IP, PORT, AFTER_MS)
  hosts.failed(IP, PORT, 'Connection refused', clock.ms)
  assert.deepEqual(hosts.list(), [
    {
      ip: IP,
      port: PORT,
      up: false,
      lastSuccessMs: clock.ms - 1000,
      lastFailureMs: clock.ms,
      lastError: 'Connection refused',
      waiting: 1,
    },
  ])
})

test('a database that names endless hosts does not fill the memory', () => {
  const { hosts } = start()
  for (let i = 0; i < 10_005; i++) {
    hosts.begin(`10.1.${i >> 8}.${i & 255}`, PORT, AFTER_MS)
    hosts.end(`10.1.${i >> 8}.${i & 255}`, PORT)
  }
  assert.equal(hosts.list().length, 10_000)
})

test('processes that tell each other try a dead host once for all of them [row 16]', () => {
  const clock = { ms: 1_000_000 }
  const now = (): number => clock.ms
  const told: BackendNews[] = []
  const second = createBackendHosts(silent, now)
  const first = createBackendHosts(silent, now, (news) => {
    told.push(news)
    second.learn(news)
  })
  first.begin(IP, PORT, AFTER_MS)
  clock.ms += 30_000
  first.failed(IP, PORT, 'Connection refused', clock.ms)
  clock.ms += 100
  first.failed(IP, PORT, 'Connection refused', clock.ms)
  first.end(IP, PORT)
  assert.equal(told.length, 1, 'a failure right behind another is no news')
  assert.deepEqual(second.list()[0], first.list()[0] && { ...first.list()[0], lastFailureMs: clock.ms - 100 })

  assert.equal(first.begin(IP, PORT, AFTER_MS), true, 'the probe')
  assert.equal(second.begin(IP, PORT, AFTER_MS), false, 'is under way in the other process')
  second.end(IP, PORT)
  first.end(IP, PORT)
  assert.equal(second.begin(IP, PORT, AFTER_MS), true, 'the probe was given up, so this is one')
  second.end(IP, PORT)
  first.begin(IP, PORT, AFTER_MS)
  first.connected(IP, PORT)
  first.end(IP, PORT)
  assert.equal(second.list()[0]?.up, true)
  assert.equal(second.begin(IP, PORT, AFTER_MS), true)
  assert.equal(second.begin(IP, PORT, AFTER_MS), true, 'it answered')
})

test('a process that found a backend down hears that it is up again from the one that found out', async () => {
  const metrics = openMetrics()
  const lines: string[] = []
  const observer: Observer = {
    log: () => undefined,
    emit(name, fields) {
      metrics.emit(name, fields)
      lines.push(sentence(name, fields)?.text ?? `(${name})`)
    },
  }
  const clock = { ms: 1_000_000 }
  const now = (): number => clock.ms
  const second = createBackendHosts(silent, now, (news) => first.learn(news))
  const first = createBackendHosts(observer, now, (news) => second.learn(news))
  first.failed(IP, PORT, 'Connection refused', clock.ms)
  clock.ms += 5_000
  second.connected(IP, PORT)
  assert.deepEqual(lines, [`backend ${IP}:${PORT} is down: Connection refused`, '(backend_up)'])
  const text = await mergeMetrics([await metrics.snapshot()])
  assert.match(text, /^postern_backend_up\{backend="10\.0\.0\.5:143"\} 1$/m)
})

test("a probe of a process that died stands in nobody's way for longer than a minute", () => {
  const { hosts, clock } = start()
  const times = { lastSuccessMs: clock.ms - 90_000, lastFailureMs: clock.ms, lastUnreachableMs: clock.ms }
  const dead = { ip: IP, port: PORT, ...times, lastError: 'x' }
  hosts.learn({ ...dead, downSinceMs: clock.ms - 80_000, probing: true })
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), false)
  hosts.end(IP, PORT)
  clock.ms += 60_000
  assert.equal(hosts.begin(IP, PORT, AFTER_MS), true)
})
