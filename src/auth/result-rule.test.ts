import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyRule, ruleFor, type ResultRule } from './result-rule.ts'

const no = { success: false, authenticated: false }
const rows: { rule: ResultRule; isOk: boolean; before?: typeof no; after: typeof no & { continues: boolean } }[] = [
  { rule: 'return-ok', isOk: true, after: { success: true, authenticated: false, continues: false } },
  { rule: 'return-ok', isOk: false, after: { success: true, authenticated: false, continues: false } },
  { rule: 'return', isOk: true, after: { success: false, authenticated: false, continues: false } },
  {
    rule: 'return',
    isOk: true,
    before: { success: true, authenticated: true },
    after: { success: true, authenticated: true, continues: false },
  },
  {
    rule: 'return-fail',
    isOk: true,
    before: { success: true, authenticated: true },
    after: { success: false, authenticated: true, continues: false },
  },
  { rule: 'continue', isOk: true, after: { success: false, authenticated: true, continues: true } },
  { rule: 'continue', isOk: false, after: { success: false, authenticated: false, continues: true } },
  {
    rule: 'continue',
    isOk: false,
    before: { success: true, authenticated: true },
    after: { success: true, authenticated: true, continues: true },
  },
  { rule: 'continue-ok', isOk: false, after: { success: true, authenticated: true, continues: true } },
  {
    rule: 'continue-fail',
    isOk: true,
    before: { success: true, authenticated: false },
    after: { success: false, authenticated: false, continues: true },
  },
]

for (const { rule, isOk, before = no, after } of rows) {
  test(`${rule} after ${isOk ? 'a good' : 'a bad'} lookup, success ${before.success}`, () => {
    assert.deepEqual(applyRule(rule, isOk, before), after)
  })
}

test('each result has its own rule', () => {
  const rules = { success: 'return-ok', failure: 'return-fail', internalFailure: 'return' } as const
  const chosen = (
    ['ok', 'internal-failure', 'next', 'user-unknown', 'password-mismatch', 'scheme-not-available'] as const
  ).map((result) => ruleFor(result, rules))
  assert.deepEqual(chosen, ['return-ok', 'return', 'continue', 'return-fail', 'return-fail', 'return-fail'])
})
