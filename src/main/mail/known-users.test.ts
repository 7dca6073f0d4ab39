import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownUsers } from './known-users.ts'

test('a user is there unless the userdb says that he is not, and is asked about once', async () => {
  const asked: string[] = []
  const users = new KnownUsers((user) => {
    asked.push(user)
    if (user === 'unsure') return Promise.reject(new Error('down'))
    return Promise.resolve(user === 'joe' ? { home: undefined } : undefined)
  })
  for (let round = 0; round < 2; round += 1) {
    assert.equal(await users.isUser('joe'), true)
    assert.equal(await users.isUser('gone'), false)
    assert.equal(await users.isUser('unsure'), true, 'no answer is no denial')
  }
  assert.deepEqual(asked, ['joe', 'gone', 'unsure', 'unsure'])
})
