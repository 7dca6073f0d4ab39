import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QuotaRuleError } from './quota-rule.ts'
import { parseQuotaWarning, passedWarning } from './quota-warning.ts'

const BASE = { sizeBytes: 1000, messages: 10 }

test('the first warning tells whose limit was passed in its direction', () => {
  const rules = ['storage=90%% full', 'bytes=500 half', '-bytes=500 below', 'messages=30%% three', '-messages=3 few']
  const warnings = rules.map((rule) => parseQuotaWarning(rule.replace('%%', '%')))
  const rows: { why: string; before: readonly [number, number]; after: readonly [number, number]; told?: string }[] = [
    { why: 'nothing is reached', before: [0, 0], after: [499, 1] },
    { why: 'a limit is reached', before: [400, 1], after: [500, 2], told: 'half' },
    { why: 'the one that stands first, of two', before: [400, 1], after: [950, 3], told: 'full' },
    { why: 'it was passed before', before: [500, 1], after: [600, 2] },
    { why: 'by messages', before: [0, 2], after: [10, 3], told: 'three' },
    { why: 'below it again', before: [500, 2], after: [499, 1], told: 'below' },
    { why: 'still at it', before: [600, 2], after: [500, 1] },
    { why: 'fewer messages', before: [10, 3], after: [5, 2], told: 'few' },
  ]
  for (const { why, before, after, told } of rows) {
    const [from, to] = [before, after].map(([sizeBytes, messages]) => ({ sizeBytes, messages }))
    assert.ok(from && to)
    assert.equal(passedWarning(warnings, BASE, from, to)?.words[0], told, why)
  }
})

test('parts of a limit that is not there are never reached', () => {
  const warning = parseQuotaWarning('storage=50% socket a  b')
  assert.deepEqual(warning.words, ['socket', 'a', 'b'])
  const none = { sizeBytes: 0, messages: 0 }
  assert.equal(passedWarning([warning], none, none, { sizeBytes: 1e9, messages: 1 }), undefined)
})

test('what has no program or no limit is refused', () => {
  for (const text of ['', 'storage=50%', 'storage=50% ', 'storage=x% socket', 'foo=1 socket'])
    assert.throws(() => parseQuotaWarning(text), QuotaRuleError, text)
})
