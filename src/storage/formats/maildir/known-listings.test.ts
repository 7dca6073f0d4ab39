import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../../test/support/temp-dir.ts'
import { listUnlessKnown } from './known-listings.ts'

function list(path: string, reads: string[] = []): readonly string[] {
  const entries = listUnlessKnown({ path, key: '' }, () => {
    reads.push(path)
    const names = readdirSync(path)
    return { entries: names.map((name) => ({ name, selectable: true, noInferiors: false })), isSettled: true }
  })
  return entries.map(({ name }) => name)
}

test('what others make, rename and remove is seen at once, however fast they are', (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  for (let round = 0; round < 300; round += 1) {
    const [name, other] = [`box${round}`, `other${round}`]
    mkdirSync(join(dir, name))
    assert.deepEqual(list(dir), readdirSync(dir))
    renameSync(join(dir, name), join(dir, other))
    assert.deepEqual(list(dir), readdirSync(dir))
    if (round % 3 === 0) rmdirSync(join(dir, other))
    assert.deepEqual(list(dir), readdirSync(dir))
  }
})

test('a directory that has been quiet is read once, and again when it changes', async (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  mkdirSync(join(dir, 'box'))
  const reads: string[] = []
  assert.deepEqual(list(dir, reads), ['box'])
  // Nothing tells that time has passed but time.
  await new Promise((resolve) => setTimeout(resolve, 60))
  const lists = [list(dir, reads), list(dir, reads), list(dir, reads)]
  assert.deepEqual([lists, reads.length], [[['box'], ['box'], ['box']], 2])
  mkdirSync(join(dir, 'box/cur'))
  list(dir, reads)
  assert.equal(reads.length, 2, 'what happens further below is of no concern')
  utimesSync(dir, 1, 1)
  list(dir, reads)
  assert.equal(reads.length, 3)
})

test('what may change without a trace is read every time', (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  let reads = 0
  const read = () =>
    listUnlessKnown({ path: join(dir, 'absent'), key: '' }, () => ({ entries: [], isSettled: ++reads > 9 }))
  assert.deepEqual([read(), read(), reads], [[], [], 2])
})
