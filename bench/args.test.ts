import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBenchArgs, UsageError } from './args.ts'
import { QUICK_PEERS } from './peers/index.ts'

test('a quick run has the six metrics and five peers that its JSON promises', () => {
  const options = parseBenchArgs(['--quick', '--json'])
  const keys = options.metrics.map((metric) => metric.key)
  assert.deepEqual(keys.toSorted(), [
    'fetch_mb_s',
    'idle_kb',
    'logins_32',
    'tls_fetch_mb_s',
    'tls_idle_kb',
    'tls_logins_32',
  ])
  assert.deepEqual(options.peers, QUICK_PEERS)
  assert.equal(options.json, true)
  assert.ok(options.pace.rounds >= 3)
})

test('a full run has every metric, and options narrow it', () => {
  const full = parseBenchArgs([])
  assert.equal(new Set(full.metrics.map((metric) => metric.key)).size, full.metrics.length, 'keys are unique')
  const narrow = parseBenchArgs(['--only', 'noop_1, logins_1', '--peers=nginx', '--rounds', '2', '--duration', '0.5'])
  assert.deepEqual(
    narrow.metrics.map((metric) => metric.key),
    ['logins_1', 'noop_1'],
    'in the order of the table',
  )
  assert.deepEqual(narrow.peers, ['nginx'])
  assert.deepEqual([narrow.pace.rounds, narrow.pace.seconds], [2, 0.5])
})

test('a command line that makes no sense is refused with the reason', () => {
  const table: readonly { args: readonly string[]; says: RegExp }[] = [
    { args: ['--fast'], says: /--fast/ },
    { args: ['--peers', 'exim'], says: /no peer exim: postern / },
    { args: ['--only', 'logins_32,'], says: /no metric / },
    { args: ['--rounds', '1.5'], says: /positive whole number, not 1\.5/ },
    { args: ['--duration', '0'], says: /positive number, not 0/ },
    { args: ['--duration', 'Infinity'], says: /positive number/ },
  ]
  for (const { args, says } of table) {
    assert.throws(
      () => parseBenchArgs(args),
      (error) => error instanceof UsageError && says.test(error.message),
      args.join(' '),
    )
  }
})
