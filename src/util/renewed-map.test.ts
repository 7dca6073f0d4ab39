import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RenewedMap } from './renewed-map.ts'

test('keys come, change and go', () => {
  const map = new RenewedMap<number>()
  assert.equal(map.size, 0)
  assert.equal(map.get('joe'), undefined)
  map.set('joe', 1)
  map.set('joe', 2)
  map.set('jane', 3)
  assert.equal(map.size, 2)
  map.delete('joe')
  map.delete('joe')
  map.delete('bob')
  assert.equal(map.size, 1)
  assert.equal(map.get('joe'), undefined)
  assert.equal(map.get('jane'), 3)
  assert.deepEqual(map.values(), [3])
})

test('what is empty is a value too', () => {
  const map = new RenewedMap<number | string>()
  map.set('count', 0)
  map.set('text', '')
  assert.equal(map.size, 2)
  assert.equal(map.get('count'), 0)
  assert.equal(map.get('text'), '')
  map.delete('count')
  map.delete('text')
  assert.equal(map.size, 0)
})

test('a key that comes back is counted once', () => {
  const map = new RenewedMap<number>()
  map.set('joe', 1)
  map.set('jane', 2)
  map.delete('joe')
  map.set('jane', 3)
  assert.equal(map.size, 1)
  map.set('joe', 4)
  assert.equal(map.size, 2)
  assert.equal(map.get('joe'), 4)
  map.delete('joe')
  map.set('bob', 5)
  assert.equal(map.size, 2)
})

test('those that live stay through every renewal', () => {
  const map = new RenewedMap<string, number>()
  map.set(0, 'first')
  for (let id = 1; id <= 5_000; id++) {
    map.set(id, `value ${id}`)
    if (id % 1_000 !== 0) map.delete(id)
  }
  assert.equal(map.size, 6)
  assert.equal(map.get(0), 'first')
  assert.equal(map.get(999), undefined)
  assert.deepEqual(map.keys(), [0, 1_000, 2_000, 3_000, 4_000, 5_000])
})

test('who goes through all of them sees those of the beginning, whatever comes and goes', () => {
  const map = new RenewedMap<number, number>()
  for (const id of [1, 2, 3]) map.set(id, id * 10)
  const seen: number[] = []
  for (const value of map.values()) {
    seen.push(value)
    for (const id of map.keys()) map.delete(id)
    for (let id = 100; id < 1_000; id++) {
      map.set(id, id)
      map.delete(id)
    }
  }
  assert.deepEqual(seen, [10, 20, 30])
  assert.equal(map.size, 0)
})

test('a long random life is that of a Map', () => {
  const random = numbersFrom(11)
  const map = new RenewedMap<number>()
  const model = new Map<string, number>()
  for (let step = 0; step < 50_000; step++) {
    // Many names at times, few at others.
    const key = `user${random(step % 10_000 < 5_000 ? 1_500 : 5)}@example.org`
    if (random(2) === 0) {
      map.set(key, step)
      model.set(key, step)
    } else {
      map.delete(key)
      model.delete(key)
    }
    assert.equal(map.size, model.size)
    assert.equal(map.get(key), model.get(key))
    if (step % 1_000 === 0) assert.deepEqual(map.values().sort(byNumber), [...model.values()].sort(byNumber))
  }
})

function byNumber(a: number, b: number): number {
  return a - b
}

/** Random numbers below a limit, the same at every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff
    return (state >>> 8) % below
  }
}
