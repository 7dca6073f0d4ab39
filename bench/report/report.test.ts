import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBenchArgs } from '../args.ts'
import { peersCalled, QUICK_PEERS } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'
import { QUICK } from '../plan.ts'
import { Results } from '../results.ts'
import { jsonReport } from './json.ts'
import { markdownReport, withResults } from './markdown.ts'
import { textReport } from './table.ts'

const { metrics } = parseBenchArgs(['--quick'])
const peers = peersCalled(QUICK_PEERS, '/nonexistent')

/** The same three samples around `value` in every metric of each peer. */
function measured(values: Partial<Record<PeerName, number>>): Results {
  const results = new Results()
  for (const metric of metrics) {
    for (const peer of QUICK_PEERS) {
      const value = values[peer]
      if (value === undefined) continue
      for (const factor of [0.5, 1, 3]) results.add(metric, peer, { value: value * factor, cost: 12, errors: 0 })
    }
  }
  return results
}

test('the JSON names every peer, null where nothing was measured, and compares medians', () => {
  const report = jsonReport(measured({ postern: 20, dovecot_hp: 10, nginx: 3.14159 }), metrics, QUICK_PEERS)
  const medians = { postern: 20, dovecot_default: null, dovecot_hp: 10, nginx: 3.142, haproxy: null }
  assert.deepEqual(report['logins_32'], { ...medians, vs_dovecot_hp: 2 })
  assert.deepEqual(report['idle_kb'], { ...medians, vs_dovecot_hp: 0.5 }, 'twice the memory is half as good')
  assert.equal(Object.keys(report).length, 6)
})

test('without Postern there is nothing to compare', () => {
  const report = jsonReport(measured({ dovecot_hp: 10 }), metrics, QUICK_PEERS)
  assert.equal(report['logins_32']?.['postern'], null)
  assert.equal(report['logins_32']?.['vs_dovecot_hp'], null)
})

test('samples with errors are shown, and count only when there are no others', () => {
  const [metric] = metrics
  assert.ok(metric)
  const results = measured({ nginx: 10 })
  results.add(metric, 'nginx', { value: 9999, errors: 3, firstError: 'refused' })
  results.add(metric, 'haproxy', { value: 7, errors: 1, firstError: 'lost' })
  assert.equal(results.cell(metric, 'nginx').value, 10)
  assert.equal(results.cell(metric, 'haproxy').value, 7)
  const text = textReport(results, metrics, peers)
  assert.match(text, /nginx mail +10\*/)
  assert.match(text, new RegExp(`${metric.key} haproxy: 1 errors, lost`))
})

test('a peer that is not there is named with the reason', () => {
  const results = measured({ dovecot_hp: 10 })
  const [postern] = peers
  assert.ok(postern)
  assert.equal(results.noteAbsence(postern, 'imap', 'not installed'), true)
  assert.equal(results.noteAbsence(postern, 'imap', 'not installed'), false, 'said once')
  assert.match(textReport(results, metrics, peers), /Postern \(tuned\) +not installed/)
})

test('the results replace what stood between their lines in the document, and nothing else', () => {
  const results = measured({ postern: 20, dovecot_hp: 10 })
  const run = { date: '2026-01-31', machine: 'a machine', pace: QUICK }
  const section = markdownReport(results, metrics, peers, run)
  assert.match(section, /Measured on 2026-01-31: a machine\./)
  assert.match(section, /\| logins, 32 clients \| 2× \|/)
  const begin = '<!-- results: written by `npm run bench:proxy -- --write` -->'
  const document = `before\n${begin}\nold\n<!-- end of results -->\nafter\n`
  const written = withResults(document, section)
  assert.ok(written.startsWith(`before\n${begin}\n\nMeasured`))
  assert.ok(written.endsWith('\n\n<!-- end of results -->\nafter\n'))
  assert.ok(!written.includes('old'))
  assert.equal(withResults(written, section), written, 'twice is once')
  assert.throws(() => withResults('no place', section), /no lines/)
})
