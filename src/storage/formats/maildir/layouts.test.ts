import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { maildirPlace, TestMailbox, type PlaceOptions } from '../../../../test/maildir/place.ts'
import { StoreRefusal } from '../../refusal.ts'
import { PATIENCE_MS } from '../../../../test/support/deadline.ts'

const FS: PlaceOptions = { location: () => ({ layout: 'fs' }) }
const SEPARATE: PlaceOptions = {
  location: (dir) => ({
    layout: 'fs',
    controlPath: join(dir, 'control'),
    indexPath: join(dir, 'index'),
    options: new Map([['DIRNAME', 'mdir']]),
  }),
}

/** Everything below a directory, directories with a slash at the end. */
function tree(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1) + (entry.isDirectory() ? '/' : ''))
    .filter((path) => !/dovecot-uidvalidity/.test(path))
    .sort()
}

async function selectable(store: ReturnType<typeof maildirPlace>['store']): Promise<string[]> {
  return (await store.list())
    .filter((entry) => entry.selectable)
    .map(({ name }) => name)
    .sort()
}

test('no name leads out of the mail directory', async (t) => {
  const hostile = [
    '..',
    '.',
    '../x',
    'a/../../x',
    '/etc',
    '//',
    'a//b',
    '',
    'a/',
    '/a',
    '~root',
    '~',
    'a\0b',
    'a/./b',
    '\ud800',
    'x'.repeat(300),
    'cur',
    'a/new',
    '..DOVECOT-TRASHED',
  ]
  for (const options of [{}, FS, SEPARATE]) {
    const { store, dir, root } = maildirPlace(t, options)
    await TestMailbox.open(store)
    await store.create('a', {})
    const before = tree(dir)
    for (const name of hostile) {
      const maildirpp = options.location === undefined
      // With Maildir++ and with DIRNAME, these are names as any other.
      if ((maildirpp || options === SEPARATE) && (name === 'cur' || name === 'a/new')) continue
      for (const act of [
        () => store.create(name, {}),
        () => store.create(name, { directory: true }),
        () => store.open(name, { flags: () => assert.fail() }),
        () => store.delete(name),
        () => store.rename(name, 'b'),
        () => store.rename('a', name),
        async () => store.directories(name),
      ]) {
        await assert.rejects(
          async () => {
            await act()
          },
          (error) => error instanceof StoreRefusal && ['invalid-name', 'cannot'].includes(error.code),
          JSON.stringify(name),
        )
      }
    }
    assert.deepEqual(tree(dir), before)
    assert.ok(existsSync(root))
  }
})

test('whatever the name, a mailbox lies below the root', (t) => {
  const level = fc.string({ unit: fc.constantFrom('.', '/', '~', '\0', 'a', 'é', '&', '\\', ' ', '-'), maxLength: 12 })
  for (const options of [{}, FS, SEPARATE]) {
    const { store, dir } = maildirPlace(t, options)
    fc.assert(
      fc.property(level, (name) => {
        let paths: readonly (string | undefined)[]
        try {
          paths = Object.values(store.directories(name))
        } catch (error) {
          assert.ok(error instanceof StoreRefusal)
          return
        }
        for (const path of paths) {
          assert.ok(path !== undefined && path.startsWith(`${dir}/`))
          assert.ok(!path.includes('\0') && !path.split('/').some((part) => part === '..' || part === '.'))
        }
      }),
    )
  }
})

test('Maildir++: what makes a mailbox, and what is no mailbox', async (t) => {
  const { store, root, dir } = maildirPlace(t)
  await TestMailbox.open(store)
  for (const name of [
    '.Work',
    '.Work.2024.Q1',
    '.&ANw-n',
    '..x',
    '.a..b',
    '.bad&name',
    '...',
    '.INBOX',
    'plain',
    '.x~y',
  ]) {
    mkdirSync(join(root, name))
  }
  writeFileSync(join(root, '.file'), '')
  mkdirSync(join(dir, 'elsewhere'))
  symlinkSync(join(dir, 'elsewhere'), join(root, '.link'))
  symlinkSync('nowhere', join(root, '.dangling'))
  const entries = await store.list()
  assert.deepEqual(
    entries
      .filter((entry) => entry.selectable)
      .map(({ name }) => name)
      .sort(),
    ['INBOX', 'Work', 'Work/2024/Q1', 'link', 'x~y', 'Ün'],
  )
  assert.deepEqual(
    entries.filter((entry) => !entry.selectable).map(({ name }) => name),
    ['Work/2024'],
  )
  const linked = await TestMailbox.open(store, 'link')
  await linked.append('Subject: x\n\n')
  assert.ok(existsSync(join(dir, 'elsewhere', 'dovecot-uidlist')), 'the administrator’s link is followed')
})

test('Maildir++: a mailbox made looks as Dovecot makes it', async (t) => {
  const { store, root } = maildirPlace(t)
  await store.create('INBOX', {})
  await store.create('Work/2024', {})
  await store.create('Dir', { directory: true })
  assert.deepEqual(tree(root), [
    '.Dir/',
    '.Dir/cur/',
    '.Dir/maildirfolder',
    '.Dir/new/',
    '.Dir/tmp/',
    '.Work.2024/',
    '.Work.2024/cur/',
    '.Work.2024/maildirfolder',
    '.Work.2024/new/',
    '.Work.2024/tmp/',
    'cur/',
    'new/',
    'tmp/',
  ])
})

test('what is made has the permissions of the root, whatever the umask is', async (t) => {
  const old = process.umask(0o077)
  t.after(() => process.umask(old))
  const { store, root } = maildirPlace(t)
  mkdirSync(root)
  chmodSync(root, 0o770)
  const mailbox = await TestMailbox.open(store, 'Shared')
  await mailbox.append('Subject: x\n\n', 8, ['kw'])
  await store.subscribe('Shared', true)
  const mode = (path: string): number => statSync(join(root, path)).mode & 0o777
  for (const path of ['.Shared', '.Shared/cur', '.Shared/tmp']) assert.equal(mode(path), 0o770, path)
  const [message = ''] = readdirSync(join(root, '.Shared/cur'))
  for (const path of [
    '.Shared/maildirfolder',
    '.Shared/dovecot-uidlist',
    '.Shared/dovecot-keywords',
    `.Shared/cur/${message}`,
    'subscriptions',
  ]) {
    assert.equal(mode(path), 0o660, path)
  }
})

test('Maildir++: a deleted mailbox leaves nothing, and its children stay', async (t) => {
  const { store, root } = maildirPlace(t, {
    location: (dir) => ({ controlPath: join(dir, 'control'), indexPath: join(dir, 'index') }),
  })
  for (const name of ['a', 'a/b']) {
    await (await TestMailbox.open(store, name)).append('Subject: x\n\n')
    const { index } = store.directories(name)
    mkdirSync(index ?? '', { recursive: true })
  }
  await store.delete('a')
  assert.deepEqual(readdirSync(root).sort(), ['.a.b'])
  assert.deepEqual(
    readdirSync(join(root, '../control')).filter((name) => name.startsWith('.')),
    ['.a.b'],
  )
  assert.deepEqual(readdirSync(join(root, '../index')), ['.a.b'])
  assert.deepEqual(await selectable(store), ['a/b'])
  await assert.rejects(store.delete('a'), { code: 'not-found' })
  await assert.rejects(store.delete('INBOX'), { code: 'cannot' })
})

test('what a process that died left in the trash is removed, later', async (t) => {
  const now = { ms: Date.now() }
  const { store, root } = maildirPlace(t, { now: () => now.ms })
  await store.create('a', {})
  const trash = join(root, '..DOVECOT-TRASHED')
  mkdirSync(join(trash, 'cur'), { recursive: true })
  assert.deepEqual(await selectable(store), ['a'])
  assert.ok(existsSync(trash))
  await store.delete('a')
  assert.ok(!existsSync(trash), 'whoever needs it empties it')
  mkdirSync(trash)
  utimesSync(trash, 1, 1)
  now.ms += 2 * 3_600_000
  await store.list()
  await waitUntilGone(trash)
})

async function waitUntilGone(path: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (existsSync(path)) {
    assert.ok(Date.now() < deadline, `${path} is still there`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('Maildir++: renaming takes children, control and index along', async (t) => {
  const { store, dir } = maildirPlace(t, {
    location: (at) => ({ controlPath: join(at, 'control'), indexPath: join(at, 'index') }),
  })
  for (const name of ['a', 'a/b', 'ab']) {
    await (await TestMailbox.open(store, name)).append(`Subject: ${name}\n\n`)
    mkdirSync(store.directories(name).index ?? '', { recursive: true })
  }
  await store.rename('a', 'z/y')
  assert.deepEqual(await selectable(store), ['ab', 'z/y', 'z/y/b'])
  assert.deepEqual(await (await TestMailbox.open(store, 'z/y/b')).lines(), ['1  Subject: a/b'])
  for (const part of ['control', 'index']) {
    assert.deepEqual(
      readdirSync(join(dir, part))
        .filter((name) => name.startsWith('.'))
        .sort(),
      ['.ab', '.z.y', '.z.y.b'],
    )
  }
  await assert.rejects(store.rename('ab', 'ab/c'), {
    code: 'cannot',
    message: "Can't rename mailbox under its own child",
  })
  await assert.rejects(store.rename('ab', 'z/y'), { code: 'exists', message: 'Target mailbox already exists' })
  await store.rename('z', 'w')
  assert.deepEqual(await selectable(store), ['ab', 'w/y', 'w/y/b'], 'also of what only has children')
})

test('an INBOX with a directory of its own can be renamed, as in Dovecot', async (t) => {
  const { store, dir, root } = maildirPlace(t, { location: (at) => ({ inboxPath: join(at, 'in') }) })
  await (await TestMailbox.open(store)).append('Subject: x\n\n')
  await store.create('INBOX/kid', {})
  await store.rename('INBOX', 'old')
  assert.deepEqual(await selectable(store), ['old', 'old/kid'])
  assert.ok(!existsSync(join(dir, 'in')))
  assert.deepEqual(await (await TestMailbox.open(store, 'old')).lines(), ['1  Subject: x'])
  assert.ok(existsSync(join(root, '.old.kid')))
})

test('fs: mailboxes lie where Dovecot looks for them', async (t) => {
  const { store, root } = maildirPlace(t, FS)
  await store.create('INBOX', {})
  for (const name of ['a/b/c', 'INBOX/kid', 'é']) await store.create(name, {})
  await store.create('dir', { directory: true })
  const parts = (path: string): string[] => [path, `${path}cur/`, `${path}new/`, `${path}tmp/`]
  assert.deepEqual(
    tree(root),
    [
      'a/',
      'a/b/',
      'cur/',
      'dir/',
      'new/',
      'tmp/',
      'INBOX/',
      ...parts('a/b/c/'),
      ...parts('INBOX/kid/'),
      ...parts('&AOk-/'),
    ].sort(),
  )
  const entries = await store.list()
  assert.deepEqual(entries.map(({ name, selectable: is }) => (is ? name : `(${name})`)).sort(), [
    '(a)',
    '(a/b)',
    '(dir)',
    'INBOX',
    'INBOX/kid',
    'a/b/c',
    'é',
  ])
})

test('fs: with DIRNAME, CONTROL and INDEX', async (t) => {
  const { store, dir } = maildirPlace(t, SEPARATE)
  for (const name of ['INBOX', 'a/new', 'cur']) await (await TestMailbox.open(store, name)).append('Subject: x\n\n')
  const { mail, control, index } = store.directories('a/new')
  assert.deepEqual(
    [mail, control, index],
    ['Maildir/a/new/mdir', 'control/a/new', 'index/a/new'].map((path) => join(dir, path)),
  )
  assert.equal(store.directories('INBOX').mail, join(dir, 'Maildir/INBOX/mdir'))
  assert.deepEqual(await selectable(store), ['INBOX', 'a/new', 'cur'])
  assert.deepEqual(tree(join(dir, 'control')), [
    'INBOX/',
    'INBOX/dovecot-uidlist',
    'a/',
    'a/new/',
    'a/new/dovecot-uidlist',
    'cur/',
    'cur/dovecot-uidlist',
  ])
  await store.rename('a/new', 'b')
  assert.deepEqual(await (await TestMailbox.open(store, 'b')).lines(), ['1  Subject: x'])
  await store.delete('b')
  await store.delete('cur')
  assert.deepEqual(await selectable(store), ['INBOX'])
  assert.deepEqual(tree(join(dir, 'control')), ['INBOX/', 'INBOX/dovecot-uidlist', 'a/'])
})

test('fs: a mailbox that has children becomes a directory when it is deleted', async (t) => {
  const { store, root } = maildirPlace(t, FS)
  await store.create('INBOX', {})
  await (await TestMailbox.open(store, 'a')).append('Subject: x\n\n')
  await (await TestMailbox.open(store, 'a/b')).append('Subject: y\n\n')
  await store.delete('a')
  assert.deepEqual(
    tree(join(root, 'a')).filter((path) => !path.startsWith('b/')),
    [],
  )
  assert.deepEqual(await selectable(store), ['INBOX', 'a/b'])
  await assert.rejects(store.delete('a'), { code: 'has-children', message: 'Mailbox has children, delete them first' })
  await store.delete('a/b')
  await store.delete('a')
  assert.deepEqual(
    tree(root).filter((path) => path.startsWith('a')),
    [],
  )
  await assert.rejects(store.rename('INBOX', 'old'), { code: 'cannot', message: "Renaming INBOX isn't supported." })
})

test('fs: with NO-NOSELECT there are no directories that are no mailboxes', async (t) => {
  const { store, root } = maildirPlace(t, {
    location: () => ({ layout: 'fs', options: new Map([['NO-NOSELECT', '']]) }),
  })
  await store.create('INBOX', {})
  await store.create('a/b', {})
  assert.deepEqual((await store.list()).map(({ name }) => name).sort(), ['INBOX', 'a', 'a/b'])
  await store.delete('a/b')
  assert.ok(!existsSync(join(root, 'a')))
  await store.create('dir', { directory: true })
  assert.deepEqual(await selectable(store), ['INBOX', 'dir'])
})

test('fs: links that go round in a circle end somewhere', async (t) => {
  const { store, root } = maildirPlace(t, FS)
  await store.create('INBOX', {})
  await store.create('a', {})
  symlinkSync(root, join(root, 'a', 'loop'))
  const names = await selectable(store)
  assert.ok(names.includes('a') && names.length < 100)
})

test('LAYOUT=index is refused when the location is opened', (t) => {
  assert.throws(() => maildirPlace(t, { location: () => ({ layout: 'index' }) }), StoreRefusal)
})
