import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rememberOwners } from './owner-memory.ts'

test('an owner is asked about once, with and without his server, and again when that failed', async () => {
  const asked: string[] = []
  const lookup = rememberOwners((owner, route) => {
    asked.push(`${owner} ${route}`)
    return owner === 'broken' ? Promise.reject(new Error('down')) : Promise.resolve({ home: `/home/${owner}` })
  })
  await Promise.all([lookup('joe', true), lookup('joe', true)])
  assert.deepEqual(await lookup('joe', true), { home: '/home/joe' })
  await lookup('joe', false)
  await assert.rejects(lookup('broken', true))
  await assert.rejects(lookup('broken', true))
  assert.deepEqual(asked, ['joe true', 'joe false', 'broken true', 'broken true'])
})
