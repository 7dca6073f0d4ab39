import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderSummary } from '../message/message-summary.ts'
import { summarise } from '../message/summarise.ts'
import { summariseHeader } from '../message/summarise-header.ts'
import { type PackedSummaryOf, PendingBudget, PendingSummaries } from './pending-summaries.ts'
import { unpackSummary } from './summary-codec.ts'

const bytes = (uid: number): Buffer => Buffer.from(`Subject: ${uid}\n\n`)
const header = (uid: number): HeaderSummary => summariseHeader(bytes(uid), true) ?? assert.fail()
const of = (uid: number): { readonly uid: number; readonly key: string } => ({ uid, key: `k${uid}` })

test('what waits is found under its key', () => {
  const pending = new PendingSummaries(new PendingBudget(), () => undefined)
  pending.add(of(1), header(1))
  pending.add(of(2), summarise(bytes(2)))
  assert.equal(pending.find(of(1))?.envelope, header(1).envelope)
  assert.equal(pending.find(of(1))?.headerOnly, true)
  assert.equal(pending.find(of(2))?.headerOnly, false)
  assert.equal(pending.find({ uid: 1, key: 'another' }), undefined)
  pending.forget(1)
  assert.equal(pending.find(of(1)), undefined)
})

test('all is written once nobody adds any more, in slices', async () => {
  const budget = new PendingBudget()
  const written: number[] = []
  let slices = 0
  // Its timer alone keeps no process alive.
  const waiting = setInterval(() => undefined, 1000)
  await new Promise<void>((resolve) => {
    const pending = new PendingSummaries(budget, (summaries) => {
      slices++
      for (const one of summaries) written.push(one.of.uid)
      if (written.length === 1000) resolve()
    })
    for (let uid = 1; uid <= 1000; uid++) pending.add(of(uid), header(uid))
    assert.equal(slices, 0)
  })
  clearInterval(waiting)
  assert.ok(slices > 1)
  assert.deepEqual(
    written,
    Array.from({ length: 1000 }, (_, at) => at + 1),
  )
  assert.equal(budget.bytes, 0)
})

test('beyond a limit for all mailboxes together it is written at once', () => {
  const budget = new PendingBudget(100_000)
  const written: PackedSummaryOf[] = []
  const [one, two] = [1, 2].map(() => new PendingSummaries(budget, (summaries) => written.push(...summaries)))
  assert.ok(one && two)
  for (let uid = 1; uid <= 2000; uid++) {
    one.add(of(uid), header(uid))
    two.add(of(uid), header(uid))
    assert.ok(budget.bytes < 101_000)
  }
  one.flush()
  two.flush()
  assert.equal(written.length, 4000)
  assert.equal(budget.bytes, 0)
  for (const { of: message, packed } of written) assert.equal(unpackSummary(packed)?.field('subject'), `${message.uid}`)
})
