import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../../test/support/temp-dir.ts'
import { DirectoryListing } from './known-listings.ts'

function listOf(path: string): (reads?: string[]) => readonly string[] {
  const directory = new DirectoryListing(path)
  return (reads = []) => {
    const entries = directory.list('', () => {
      reads.push(path)
      const names = readdirSync(path)
      return { entries: names.map((name) => ({ name, selectable: true, noInferiors: false })), isSettled: true }
    })
    return entries.map(({ name }) => name)
  }
}

test('what others make, rename and remove is seen at once, however fast they are', (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  const [mine, others] = [listOf(dir), listOf(dir)]
  const check = (): void => assert.deepEqual([mine(), others()], [readdirSync(dir), readdirSync(dir)])
  for (let round = 0; round < 300; round += 1) {
    const [name, other] = [`box${round}`, `other${round}`]
    mkdirSync(join(dir, name))
    check()
    renameSync(join(dir, name), join(dir, other))
    check()
    if (round % 3 === 0) rmdirSync(join(dir, other))
    check()
  }
})

test('a directory that has been quiet is read once, and again when it changes', async (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  mkdirSync(join(dir, 'box'))
  const reads: string[] = []
  const [mine, others] = [listOf(dir), listOf(dir)]
  // Nothing tells that time has passed but time.
  await new Promise((resolve) => setTimeout(resolve, 60))
  const lists = [mine(reads), mine(reads), others(reads)]
  assert.deepEqual([lists, reads.length], [[['box'], ['box'], ['box']], 1])
  mkdirSync(join(dir, 'box/cur'))
  mine(reads)
  assert.equal(reads.length, 1, 'what happens further below is of no concern')
  utimesSync(dir, 1, 1)
  assert.deepEqual([mine(reads), reads.length], [['box'], 2])
})

test('what may change without a trace is read every time', (t) => {
  const dir = makeTempDir('listings')
  t.after(() => removeTempDir(dir))
  let reads = 0
  const directory = new DirectoryListing(join(dir, 'absent'))
  const read = () => directory.list('', () => ({ entries: [], isSettled: ++reads > 9 }))
  assert.deepEqual([read(), read(), reads], [[], [], 2])
})
