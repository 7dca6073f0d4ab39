import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { maildirPlace } from '../../../../test/maildir/place.ts'
import { PATIENCE_MS, within } from '../../../../test/support/deadline.ts'
import { watchDirectories } from './watch.ts'

function soon(promise: Promise<void>): Promise<void> {
  return within(PATIENCE_MS, () => 'nobody was called', promise)
}

test('many changes are told of together, and none after the end', async (t) => {
  const { dir } = maildirPlace(t)
  let calls = 0
  let called = Promise.withResolvers<void>()
  const stop = watchDirectories([dir], () => {
    calls++
    called.resolve()
  })
  for (let count = 0; count < 50; count++) writeFileSync(join(dir, String(count)), '')
  await soon(called.promise)
  assert.ok(calls < 50, `${calls} calls`)
  called = Promise.withResolvers<void>()
  stop()
  const before = calls
  writeFileSync(join(dir, 'late'), '')
  const other = Promise.withResolvers<void>()
  const stopOther = watchDirectories([dir], () => other.resolve())
  writeFileSync(join(dir, 'later'), '')
  await soon(other.promise)
  stopOther()
  assert.equal(calls, before)
})

test('a directory that cannot be watched is looked at now and then', async (t) => {
  const { dir } = maildirPlace(t)
  const called = Promise.withResolvers<void>()
  const stop = watchDirectories([join(dir, 'missing')], () => called.resolve(), 10)
  t.after(stop)
  mkdirSync(join(dir, 'missing'))
  // The timer does not keep the process alive.
  const alive = setInterval(() => undefined, 1_000)
  await soon(called.promise)
  clearInterval(alive)
})
