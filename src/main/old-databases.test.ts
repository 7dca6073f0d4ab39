import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { AuthService } from '../auth/auth.ts'
import { OLD_AUTH_MS, OldDatabases } from './old-databases.ts'

test('old databases stay open, and are told of flushes, until nobody has them any more', (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.after(() => mock.timers.reset())
  const said: string[] = []
  const service = (name: string): AuthService =>
    ({
      flushCache: (users: readonly string[]) => said.push(`${name} flushes ${users.join()}`),
      close: () => Promise.resolve(void said.push(`${name} closes`)),
    }) as unknown as AuthService
  const old = new OldDatabases()
  let isUsed = true
  old.retire(service('one'), () => isUsed)
  old.retire(service('two'), () => false)
  mock.timers.tick(OLD_AUTH_MS - 1)
  assert.deepEqual(said, [])
  mock.timers.tick(1)
  assert.deepEqual(said, ['two closes'])
  old.flushCache(['joe'])
  mock.timers.tick(OLD_AUTH_MS)
  assert.deepEqual(said, ['two closes', 'one flushes joe'])
  isUsed = false
  mock.timers.tick(OLD_AUTH_MS)
  old.flushCache(['joe'])
  mock.timers.tick(OLD_AUTH_MS)
  assert.deepEqual(said, ['two closes', 'one flushes joe', 'one closes'])
})
