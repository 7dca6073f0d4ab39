import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveList, type Place } from './live-list.ts'

test('all are listed in the order they came', () => {
  const list = new LiveList<string>()
  assert.deepEqual(list.all(), [])
  assert.equal(list.oldest, undefined)
  const [joe, jane, alice] = ['joe', 'jane', 'alice'].map((name) => list.add(name))
  assert.ok(joe !== undefined && jane !== undefined && alice !== undefined)
  assert.equal(list.oldest, 'joe')
  list.remove(jane)
  list.add('bob')
  assert.deepEqual(list.all(), ['joe', 'alice', 'bob'])
  list.remove(joe)
  assert.equal(list.oldest, 'alice')
  list.remove(alice)
  assert.deepEqual(list.all(), ['bob'])
})

test('what is there twice has two places', () => {
  const list = new LiveList<string>()
  const first = list.add('joe')
  list.add('joe')
  list.remove(first)
  assert.deepEqual(list.all(), ['joe'])
})

test('the oldest goes first, until nobody is left', () => {
  const list = new LiveList<number>()
  for (const number of [1, 2, 3]) list.add(number)
  assert.deepEqual([list.removeOldest(), list.removeOldest(), list.removeOldest()], [1, 2, 3])
  assert.equal(list.removeOldest(), undefined)
  assert.equal(list.size, 0)
  list.add(4)
  assert.deepEqual(list.all(), [4])
})

test('one that is gone may be removed again, and its place says so', () => {
  const list = new LiveList<string>()
  const joe = list.add('joe')
  list.add('jane')
  assert.equal(joe.item, 'joe')
  list.removeOldest()
  assert.equal(joe.item, undefined)
  list.remove(joe)
  list.remove(joe)
  assert.equal(list.size, 1)
  assert.deepEqual(list.all(), ['jane'])
})

test('one that is moved to the end is the newest; one that is gone stays gone', () => {
  const list = new LiveList<string>()
  const [joe, jane, alice] = ['joe', 'jane', 'alice'].map((name) => list.add(name))
  assert.ok(joe !== undefined && jane !== undefined && alice !== undefined)
  list.moveToEnd(joe)
  assert.deepEqual(list.all(), ['jane', 'alice', 'joe'])
  list.moveToEnd(joe)
  list.moveToEnd(alice)
  assert.deepEqual(list.all(), ['jane', 'joe', 'alice'])
  list.remove(jane)
  list.moveToEnd(jane)
  assert.deepEqual(list.all(), ['joe', 'alice'])
  assert.equal(list.size, 2)
})

test('who goes through all of them sees those of the beginning, whatever comes and goes', () => {
  const list = new LiveList<number>()
  const places = [1, 2, 3].map((number) => list.add(number))
  const seen: number[] = []
  for (const number of list.all()) {
    seen.push(number)
    for (const place of places) list.remove(place)
    list.add(number + 10)
  }
  assert.deepEqual(seen, [1, 2, 3])
  assert.deepEqual(list.all(), [11, 12, 13])
})

test('a long random life is that of a plain array', () => {
  const random = numbersFrom(7)
  const list = new LiveList<number>()
  const model: { readonly number: number; readonly place: Place<number> }[] = []
  for (let step = 0; step < 20_000; step++) {
    const chance = random(10)
    if (chance < 4) model.push({ number: step, place: list.add(step) })
    else if (chance === 4) {
      const [moved] = model.splice(random(model.length + 1), 1)
      if (moved !== undefined) list.moveToEnd(moved.place)
      if (moved !== undefined) model.push(moved)
    } else if (chance === 5) assert.equal(list.removeOldest(), model.shift()?.number)
    else {
      const [gone] = model.splice(random(model.length + 1), 1)
      if (gone !== undefined) list.remove(gone.place)
      if (gone !== undefined && chance === 9) list.remove(gone.place)
    }
    assert.equal(list.size, model.length)
    assert.equal(list.oldest, model[0]?.number)
    if (step % 500 === 0) assert.deepEqual(list.all(), numbersOf(model))
  }
  assert.deepEqual(list.all(), numbersOf(model))
})

function numbersOf(model: readonly { readonly number: number }[]): number[] {
  return model.map(({ number }) => number)
}

/** Random numbers below a limit, the same at every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff
    return (state >>> 8) % below
  }
}
