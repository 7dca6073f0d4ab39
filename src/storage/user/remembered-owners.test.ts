import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rememberOwners } from './remembered-owners.ts'

test('an owner is asked about once, also by many at the same time, and again when time has passed', async (t) => {
  let nowMs = 1000
  t.mock.method(performance, 'now', () => nowMs)
  const asked: string[] = []
  const lookup = rememberOwners((owner) => Promise.resolve(asked.push(owner)), 30)
  assert.deepEqual(await Promise.all(['olga', 'olga', 'ann'].map(async (owner) => await lookup(owner))), [1, 1, 2])
  assert.equal(await lookup('olga'), 1)
  nowMs += 31
  assert.equal(await lookup('olga'), 3)
})

test('who does not exist is remembered, a fault is not', async () => {
  let asked = 0
  const absent = rememberOwners(() => {
    asked += 1
    return Promise.resolve(undefined)
  })
  assert.deepEqual([await absent('gone'), await absent('gone'), asked], [undefined, undefined, 1])
  const failing = rememberOwners(() => (++asked < 3 ? Promise.reject(new Error('down')) : Promise.resolve('home')))
  await assert.rejects(async () => await failing('olga'), /down/)
  assert.equal(await failing('olga'), 'home')
})

test('an answer that has come is given at once', async () => {
  const lookup = rememberOwners((owner) => Promise.resolve(owner.toUpperCase()))
  const first = lookup('olga')
  assert.ok(first instanceof Promise)
  await first
  assert.equal(lookup('olga'), 'OLGA')
})
