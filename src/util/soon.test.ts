import assert from 'node:assert/strict'
import { test } from 'node:test'
import { andFinally, andThen } from './soon.ts'

test('what is here is gone on with at once, and no promise is made', () => {
  assert.equal(
    andThen(2, (value) => value + 1),
    3,
  )
})

test('what comes later is gone on with when it comes', async () => {
  const order: string[] = []
  const result = andThen(Promise.resolve(2), (value) => {
    order.push('next')
    return value + 1
  })
  order.push('caller')
  assert.ok(result instanceof Promise)
  assert.equal(await result, 3)
  assert.deepEqual(order, ['caller', 'next'])
})

test('a fault is thrown or rejects, as its value came', async () => {
  const fail = (): never => {
    throw new Error('oops')
  }
  assert.throws(() => andThen(1, fail), /oops/)
  await assert.rejects(Promise.resolve(andThen(Promise.resolve(1), fail)), /oops/)
})

const ENDS: readonly { make: () => number | Promise<number>; is: string; why: string }[] = [
  { make: () => 1, is: 'value 1', why: 'the value is here' },
  { make: () => Promise.resolve(1), is: 'value 1', why: 'the value comes' },
  { make: () => assert.fail('now'), is: 'fault now', why: 'it is not even begun' },
  { make: () => Promise.reject(new Error('later')), is: 'fault later', why: 'it never comes' },
]

test('what must happen in any case happens once, before anybody goes on', async () => {
  for (const { make, is, why } of ENDS) {
    const events: string[] = []
    try {
      events.push(`value ${await andFinally(make, () => events.push('last'))}`)
    } catch (error) {
      events.push(`fault ${error instanceof Error ? error.message : ''}`)
    }
    assert.deepEqual(events, ['last', is], why)
  }
})
