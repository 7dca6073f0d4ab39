import assert from 'node:assert/strict'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeMailTree } from '../../test/acl/mail-tree.ts'
import { weighEntries } from './effective.ts'
import { sortEntries } from './entries.ts'
import { sourceOf } from './global.ts'

const options = { maxAgeMs: 1000, isStrict: false, kind: 'global' } as const

test('a name that no disk can have is no file', (t) => {
  assert.equal(makeMailTree(t).files.read(`/tmp/${'x/'.repeat(4000)}`, options).kind, 'absent')
})

test('an I/O error breaks the file until the next look', {
  skip: !existsSync('/proc/self/mem') && 'needs a file that cannot be read at its beginning',
}, (t) => {
  const tree = makeMailTree(t)
  const first = tree.files.read('/proc/self/mem', options)
  assert.equal(first.kind, 'broken')
  assert.equal(tree.files.read('/proc/self/mem', options), first, 'believed for a while, and logged once')
  assert.equal(tree.logged.length, 1)
  tree.nowMs += 1000
  assert.notEqual(tree.files.read('/proc/self/mem', options), first)
})

test('what is below a directory can be forgotten, and only that', (t) => {
  const tree = makeMailTree(t)
  const read = (path: string) => tree.files.read(join(tree.dir, path), { ...options, maxAgeMs: 1_000_000 })
  for (const path of ['a/f', 'ab/f']) tree.write(path, 'owner l\n')
  const [one, other] = [read('a/f'), read('ab/f')]
  tree.write('a/f', 'owner lr\n')
  tree.write('ab/f', 'owner lr\n')
  tree.files.forgetBelow(join(tree.dir, 'a'))
  assert.notEqual(read('a/f'), one)
  assert.equal(read('ab/f'), other)
})

test('a file that may not be read refuses everybody, the owner too', () => {
  const source = sourceOf({ kind: 'closed' }, '/f')
  assert.ok(source.kind === 'lines')
  const { entries } = sortEntries(source.lines, [], 0)
  for (const isOwner of [true, false]) {
    assert.equal(weighEntries(entries, { user: 'joe', groups: new Set(), isOwner }).rights.size, 0)
  }
})

test('a file without permission to read is told in the log', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, (t) => {
  const tree = makeMailTree(t)
  tree.write('f', 'owner l\n')
  chmodSync(join(tree.dir, 'f'), 0)
  assert.equal(tree.files.read(join(tree.dir, 'f'), options).kind, 'closed')
  assert.match(tree.logged[0] ?? '', /Permission denied/)
})
