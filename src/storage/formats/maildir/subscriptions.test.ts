import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { maildirPlace } from '../../../../test/maildir/place.ts'

test('the file is written as Dovecot writes it', async (t) => {
  const { store, root } = maildirPlace(t)
  for (const name of ['Work/2024/Q1', 'Übung', 'INBOX', 'a&b']) await store.subscribe(name, true)
  assert.equal(readFileSync(join(root, 'subscriptions'), 'latin1'), 'V\t2\n\nWork\t2024\tQ1\n&ANw-bung\nINBOX\na&-b\n')
  assert.deepEqual(await store.subscriptions(), ['Work/2024/Q1', 'Übung', 'INBOX', 'a&b'])
  assert.equal(statSync(join(root, 'subscriptions')).mode & 0o777, 0o600)
  assert.equal(existsSync(join(root, 'subscriptions.lock')), false)
})

test('a file of the old format stays one, and what makes no sense stays in it', async (t) => {
  const { store, root } = maildirPlace(t)
  mkdirSync(root)
  writeFileSync(join(root, 'subscriptions'), 'Work.2024\nbad&name\nTrash')
  assert.deepEqual(await store.subscriptions(), ['Work/2024', 'Trash'])
  await store.subscribe('New/One', true)
  await store.subscribe('Trash', false)
  assert.equal(readFileSync(join(root, 'subscriptions'), 'latin1'), 'Work.2024\nbad&name\nNew.One\n')
})

test('special characters are escaped, and unknown lines are kept', async (t) => {
  const { store, root } = maildirPlace(t, { location: () => ({ options: new Map([['UTF-8', '']]) }) })
  mkdirSync(root)
  writeFileSync(join(root, 'subscriptions'), 'V\t2\n\nold\tone\n\x01twhat\n')
  await store.subscribe('tab\there', true)
  assert.equal(readFileSync(join(root, 'subscriptions'), 'latin1'), 'V\t2\n\nold\tone\n\x01twhat\ntab\x01there\n')
  assert.deepEqual(await store.subscriptions(), ['old/one', '\twhat', 'tab\there'])
})

test('nothing is written when nothing changes', async (t) => {
  const { store, root } = maildirPlace(t)
  await store.subscribe('a', true)
  const { ino } = statSync(join(root, 'subscriptions'))
  await store.subscribe('a', true)
  await store.subscribe('b', false)
  assert.equal(statSync(join(root, 'subscriptions')).ino, ino)
})

test('subscriptions lie where CONTROL and SUBSCRIPTIONS say', async (t) => {
  const { store, dir } = maildirPlace(t, {
    location: (at) => ({ controlPath: join(at, 'control'), options: new Map([['SUBSCRIPTIONS', 'subs']]) }),
  })
  await store.subscribe('a', true)
  assert.equal(readFileSync(join(dir, 'control', 'subs'), 'latin1'), 'V\t2\n\na\n')
})

test('many at a time wait for each other', async (t) => {
  const { store } = maildirPlace(t)
  const names = Array.from({ length: 20 }, (_, index) => `box${index}`)
  await Promise.all(names.map((name) => store.subscribe(name, true)))
  assert.deepEqual([...(await store.subscriptions())].sort(), names.sort())
})
