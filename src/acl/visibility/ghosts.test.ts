import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ghostsSharingWith, livingKeys } from './ghosts.ts'
import { keysInMemory } from '../../../test/acl/keys-in-memory.ts'

const key = (rest: string): string => `shared/shared-boxes/${rest}`
const only = (...users: readonly string[]) => {
  const asked: string[] = []
  const isUser = (user: string): Promise<boolean> => Promise.resolve(asked.push(user) > 0 && users.includes(user))
  return { asked, isUser }
}

test('keys for users who are no more go, groups and everybody stay', async () => {
  const keys = new Set([key('user/bob/olga'), key('user/gone/olga'), key('group/gone/olga'), key('anyone/olga')])
  const { isUser } = only('olga', 'bob')
  assert.deepEqual(
    [...(await livingKeys(keys, 'olga', isUser))],
    [...keys].filter((one) => !one.includes('user/gone')),
  )
  assert.equal(await livingKeys(keys, 'olga', undefined), keys)
})

test('a userdb that does not know the owner himself is not believed', async () => {
  const keys = new Set([key('user/bob/olga')])
  assert.equal(await livingKeys(keys, 'olga', only('bob').isUser), keys)
  assert.equal(await livingKeys(keys, 'olga', only().isUser), keys)
})

test('those who are no more are found by what they shared, with the user, his groups and everybody', async () => {
  const dict = keysInMemory([
    key('user/bob/olga'),
    key('user/bob/gone1'),
    key('group/staff/gone2'),
    key('anyone/gone3'),
    key('user/ann/gone4'),
  ])
  const bob = { user: 'bob', loginUser: 'bob', groups: new Set(['staff']) }
  const { asked, isUser } = only('olga', 'bob')
  assert.deepEqual(await ghostsSharingWith(bob, dict, isUser), ['gone1', 'gone2', 'gone3'])
  assert.deepEqual(asked.toSorted(), ['bob', 'gone1', 'gone2', 'gone3', 'olga'])
  assert.deepEqual(await ghostsSharingWith(bob, dict, only('olga').isUser), [], 'nor is bob known')
  assert.deepEqual(await ghostsSharingWith(bob, dict, undefined), [])
})
