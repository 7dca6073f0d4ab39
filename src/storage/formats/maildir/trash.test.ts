import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../../test/support/temp-dir.ts'
import { StoreRefusal } from '../../refusal.ts'
import { moveToTrash } from './trash.ts'

test('many mailboxes deleted at once do not get in each other’s way', async (t) => {
  const dir = makeTempDir('trash')
  t.after(() => removeTempDir(dir))
  const paths = Array.from({ length: 30 }, (_, index) => join(dir, `.Box${index}`))
  for (const path of paths) {
    mkdirSync(join(path, 'cur'), { recursive: true })
    for (let count = 0; count < 20; count++) writeFileSync(join(path, 'cur', String(count)), 'x')
  }
  const trash = join(dir, '..DOVECOT-TRASHED')
  const absent = (): StoreRefusal => new StoreRefusal('not-found', 'gone')
  await Promise.all(paths.map(async (path) => await moveToTrash(path, trash, absent)))
  assert.deepEqual(paths.filter(existsSync), [])
  assert.equal(existsSync(trash), false)
  await assert.rejects(moveToTrash(paths[0] ?? '', trash, absent), { code: 'not-found' })
})
