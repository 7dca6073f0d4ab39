import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientIn, clientOut } from './debug-text.ts'

test('lines are shown without their secrets, unless those are wanted', () => {
  const rows: readonly [show: typeof clientIn, line: string, hidden: string][] = [
    [clientIn, 'AUTH\t1\tPLAIN\tservice=smtp\tresp=c2VjcmV0', 'client in: AUTH\t1\tPLAIN\tservice=smtp\tresp=<hidden>'],
    [
      clientIn,
      'AUTH\t1\tLOGIN\tservice=smtp\tsession=a\u0001b',
      'client in: AUTH\t1\tLOGIN\tservice=smtp\tsession=a?b',
    ],
    [clientIn, 'CONT\t1\tc2VjcmV0', 'client in: CONT<hidden>'],
    [clientIn, 'CANCEL\t1', 'client in: CANCEL\t1'],
    [clientOut, 'FAIL\t1\tuser=joe', 'client passdb out: FAIL\t1\tuser=joe'],
    [
      clientOut,
      'OK\t1\tuser=joe\tproxy\tpass=secret\tresp=c2VjcmV0',
      'client passdb out: OK\t1\tuser=joe\tproxy\tpass=<hidden>\tresp=<hidden>',
    ],
  ]
  for (const [show, line, hidden] of rows) {
    assert.equal(show(line, 'hidden'), hidden)
    assert.ok(show(line, 'secrets').endsWith(line.replace('\u0001', '?')))
  }
})

test('what is long is cut', () => {
  assert.ok(clientIn(`AUTH\t1\tPLAIN\tservice=${'x'.repeat(16_000)}`, 'secrets').length < 2_000)
})
