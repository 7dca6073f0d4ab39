import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrantSweeps } from './grant-sweeps.ts'

const fail = (error: unknown): void => assert.fail(String(error))

test('a sweep runs once for all sessions of a user, and a session waits for it when it ends', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sweeps = new GrantSweeps()
  const swept: string[] = []
  let finish = (): void => undefined
  const expire = (user: string) => () => {
    swept.push(user)
    return new Promise<void>((resolve) => (finish = resolve))
  }
  const first = sweeps.begin('joe', expire('joe'), fail)
  const second = sweeps.begin('joe', expire('joe'), fail)
  t.mock.timers.tick(5_000)
  assert.deepEqual(swept, ['joe'])
  let hasEnded = false
  const ending = first.end().then(() => (hasEnded = true))
  await second.end()
  assert.equal(hasEnded, false)
  finish()
  await ending
  sweeps.begin('joe', expire('joe'), fail)
  t.mock.timers.tick(5_000)
  assert.deepEqual(swept, ['joe'])
})

test('a session that ends soon sweeps nothing and leaves it to the next; faults are told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sweeps = new GrantSweeps()
  await sweeps.begin('joe', () => assert.fail('it had ended'), fail).end()
  t.mock.timers.tick(5_000)
  const faults: unknown[] = []
  const next = sweeps.begin(
    'joe',
    () => Promise.reject(new Error('disk')),
    (error) => faults.push(error),
  )
  t.mock.timers.tick(5_000)
  await next.end()
  assert.equal(faults.length, 1)
})
