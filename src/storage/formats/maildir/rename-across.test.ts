import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { maildirPlace, type PlaceOptions } from '../../../../test/maildir/place.ts'

const FS: PlaceOptions = { location: () => ({ layout: 'fs' }) }
const CONTROL: PlaceOptions = { location: (dir) => ({ controlPath: join(dir, 'control') }) }
const FS_CONTROL: PlaceOptions = { location: (dir) => ({ layout: 'fs', controlPath: join(dir, 'control') }) }
const FS_DIRNAME: PlaceOptions = { location: () => ({ layout: 'fs', options: new Map([['DIRNAME', 'mdir']]) }) }

type Store = ReturnType<typeof maildirPlace>['store']

async function selectable(store: Store): Promise<readonly string[]> {
  const entries = await store.list()
  return entries
    .filter((entry) => entry.selectable)
    .map(({ name }) => name)
    .sort()
}

async function fill(store: Store, names: readonly string[]): Promise<void> {
  for (const name of names) await store.create(name, {})
}

for (const [from, to, source, target] of [
  ['LAYOUT=fs', 'Maildir++', FS, {}],
  ['Maildir++', 'LAYOUT=fs', {}, FS],
] as const) {
  test(`what is below a mailbox goes along from ${from} to ${to}`, async (t) => {
    const one = maildirPlace(t, source)
    const two = maildirPlace(t, target)
    await fill(one.store, ['a', 'a/b', 'a/c/d', 'ab', 'Über/x'])
    await fill(two.store, ['taken'])
    await one.store.rename('a', 'x/y', two.store)
    assert.deepEqual(await selectable(two.store), ['taken', 'x/y', 'x/y/b', 'x/y/c/d'])
    assert.deepEqual(await selectable(one.store), ['ab', 'Über/x'])
    await one.store.rename('Über', 'Ünder', two.store)
    assert.ok((await selectable(two.store)).includes('Ünder/x'))
    const left = (await one.store.list()).map(({ name }) => name).sort()
    assert.deepEqual(left, ['ab'])
    for (const name of ['x/y', 'x/y/b'])
      assert.equal(
        readdirSync(two.store.directories(name).mail).filter((file) => /^(cur|new|tmp)$/.test(file)).length,
        3,
      )
    await two.store.rename('x/y', 'a', one.store)
    assert.deepEqual(await selectable(one.store), ['a', 'a/b', 'a/c/d', 'ab'])
  })
}

test('nothing is renamed when one of the names is taken or cannot be', async (t) => {
  const one = maildirPlace(t, FS)
  const two = maildirPlace(t, {})
  await fill(one.store, ['a', 'a/b', 'dots', 'dots/with.dot'])
  await fill(two.store, ['taken', 'x/b'])
  await assert.rejects(one.store.rename('a', 'x', two.store), { code: 'exists' })
  await assert.rejects(one.store.rename('a', 'taken', two.store), { code: 'exists' })
  await assert.rejects(one.store.rename('dots', 'y', two.store), { code: 'invalid-name' })
  await assert.rejects(one.store.rename('nosuch', 'y', two.store), { code: 'not-found' })
  await one.store.create('empty', { directory: true })
  await assert.rejects(one.store.rename('empty', 'y', two.store), { code: 'cannot' })
  assert.deepEqual(await selectable(one.store), ['a', 'a/b', 'dots', 'dots/with.dot'])
  assert.deepEqual(await selectable(two.store), ['taken', 'x/b'])
  assert.ok(!existsSync(two.store.directories('y').mail))
})

test('locations that keep things apart are refused', async (t) => {
  for (const [source, target] of [
    [FS_CONTROL, CONTROL],
    [CONTROL, FS_CONTROL],
    [{}, FS_DIRNAME],
    [FS_DIRNAME, {}],
  ] as const) {
    const one = maildirPlace(t, source)
    const two = maildirPlace(t, target)
    await fill(one.store, ['a'])
    await assert.rejects(one.store.rename('a', 'b', two.store), {
      message: "Can't rename mailboxes across specified storages.",
    })
  }
})
