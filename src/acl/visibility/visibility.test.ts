import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { makeMailTree, type MailTree } from '../../../test/acl/mail-tree.ts'
import type { AclNamespace } from '../namespace.ts'
import { rightsOf } from '../rights.ts'
import { parseAclList, writeAclList } from './acl-list.ts'
import { FileSharedDict } from './file-dict.ts'
import { RedisSharedDict } from './redis-dict.ts'
import { openSharedDict, type SharedDict } from './shared-dict.ts'
import { SqlSharedDict } from './sql-dict.ts'
import { AclVisibility } from './visibility.ts'

async function open(tree: MailTree, dict?: SharedDict) {
  const backend = await tree.backend()
  const visibility = new AclVisibility({
    backend,
    dict,
    now: Date.now,
    log: (level, text) => tree.logged.push(`${level}: ${text}`),
  })
  return { backend, visibility }
}

function read(tree: MailTree, path: string): string {
  return readFileSync(join(tree.dir, path), 'latin1')
}

function namespaceOf(tree: MailTree): AclNamespace {
  tree.write('olga/dovecot-acl', 'owner lr\n')
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\nuser=olga l\n')
  tree.write('olga/.foo.bar/dovecot-acl', 'anyone l\n-group=staff l\ngroup-override=g lr\n')
  tree.write('olga/.hidden/dovecot-acl', 'user=bob rwst\n-user=ann l\n')
  tree.write('olga/.broken/dovecot-acl', 'nonsense\n')
  return tree.namespace({ root: 'olga', mailboxes: ['INBOX', 'Work', 'foo/bar', 'hidden', 'broken', 'plain'] })
}

test('a dictionary file finds what begins so, whatever is in the names', async (t) => {
  const tree = makeMailTree(t)
  const path = join(tree.dir, 'dict')
  const keys = [
    'shared/shared-boxes/user/bob/olga',
    'shared/shared-boxes/user/bob/carol',
    'shared/shared-boxes/user/bo/olga',
    'shared/shared-boxes/user/a/b/olga',
    'shared/shared-boxes/user/a/b',
    'shared/shared-boxes/group/staff/olga',
    'shared/shared-boxes/anyone/olga',
    'priv/bob/other',
  ]
  writeFileSync(path, keys.map((key) => `${key}\n1\n`).join(''))
  const dict = new FileSharedDict(path, Date.now)
  const prefixes = [
    'user/bob/',
    'user/bo',
    'user/a/',
    'user/a/b/',
    'user/none/',
    'user/',
    'group/',
    'group/staff/',
    'anyone/',
    '',
  ]
  for (const prefix of ['', 'shared/', 'priv/', ...prefixes.map((one) => `shared/shared-boxes/${one}`)]) {
    assert.deepEqual(
      await dict.keys(prefix),
      keys.filter((key) => key.startsWith(prefix)),
      prefix,
    )
  }
  const before = await dict.keys('shared/shared-boxes/user/bob/')
  assert.equal(await dict.keys('shared/shared-boxes/user/bob/'), before, 'the same as long as nothing changed')
  await dict.change({ set: ['shared/shared-boxes/user/bob/dave'], unset: [] })
  assert.equal((await dict.keys('shared/shared-boxes/user/bob/')).length, 3)
})

test('dovecot-acl-list has the mailboxes that others may look up, with the times of their files', async (t) => {
  const tree = makeMailTree(t)
  const namespace = namespaceOf(tree)
  const { visibility } = await open(tree)
  await visibility.recalculate(namespace)
  const mtime = (path: string) => Math.floor(statSync(join(tree.dir, path)).mtimeMs / 1000)
  assert.equal(
    read(tree, 'olga/dovecot-acl-list'),
    `${mtime('olga/.Work/dovecot-acl')} Work\n${mtime('olga/.foo.bar/dovecot-acl')} foo.bar\n`,
  )
})

test('the dictionary has a key for each recipient, none for oneself and none for what is taken away', async (t) => {
  const tree = makeMailTree(t)
  const namespace = namespaceOf(tree)
  const path = join(tree.dir, 'shared.db')
  writeFileSync(path, 'shared/shared-boxes/user/old/olga\n1\nshared/shared-boxes/user/bob/other\n1\npriv/key\nvalue\n')
  const { visibility } = await open(tree, new FileSharedDict(path, Date.now))
  await visibility.recalculate(namespace)
  const pairs = readFileSync(path, 'utf8').trim().split('\n')
  assert.deepEqual(pairs.filter((_, at) => at % 2 === 0).toSorted(), [
    'priv/key',
    'shared/shared-boxes/anyone/olga',
    'shared/shared-boxes/group/g/olga',
    'shared/shared-boxes/user/bob/olga',
    'shared/shared-boxes/user/bob/other',
  ])
  assert.deepEqual(await visibility.verify(namespace), [])
  const bob = { user: 'bob', loginUser: 'bob', groups: new Set<string>() }
  assert.deepEqual(await visibility.owners(bob), ['olga', 'other'])
  assert.deepEqual(await visibility.owners({ ...bob, loginUser: 'olga' }), [], 'not oneself')
  await visibility.forgetUser('bob')
  assert.deepEqual(await visibility.owners(bob), ['olga'], 'anyone is everybody')
  await visibility.forgetUser('olga')
  assert.deepEqual(await visibility.owners(bob), [])
})

test('verify tells what is missing and what is stale', async (t) => {
  const tree = makeMailTree(t)
  const namespace = namespaceOf(tree)
  const path = join(tree.dir, 'shared.db')
  const { visibility } = await open(tree, new FileSharedDict(path, Date.now))
  await visibility.recalculate(namespace)
  writeFileSync(path, readFileSync(path, 'utf8').replace('user/bob/', 'user/eve/'))
  writeFileSync(join(tree.dir, 'olga/dovecot-acl-list'), '1 gone\n')
  const problems = (await visibility.verify(namespace)).map(
    ({ where, kind, what }) => `${where} ${kind} ${what.replace(/^\d{2,}/, 'T')}`,
  )
  assert.deepEqual(problems.toSorted(), [
    'acl_shared_dict missing shared/shared-boxes/user/bob/olga',
    'acl_shared_dict stale shared/shared-boxes/user/eve/olga',
    'dovecot-acl-list missing T Work',
    'dovecot-acl-list missing T foo.bar',
    'dovecot-acl-list stale 1 gone',
  ])
})

test('many changes at once end in the truth', async (t) => {
  const tree = makeMailTree(t)
  const mailboxes = Array.from({ length: 10 }, (_, at) => `m${at}`)
  const namespace = tree.namespace({ root: 'olga', mailboxes })
  const path = join(tree.dir, 'shared.db')
  const { backend, visibility } = await open(tree, new FileSharedDict(path, Date.now))
  await Promise.all(
    mailboxes.map(async (mailbox, at) => {
      await backend.update(namespace, mailbox, {
        identifier: { kind: 'user', name: `u${at}` },
        positive: { mode: 'replace', rights: rightsOf('l') },
      })
      await visibility.refresh(namespace)
    }),
  )
  assert.deepEqual(await visibility.verify(namespace), [])
})

test('a directory that cannot be written has no list, and that is no error; a broken dictionary is logged', async (t) => {
  const tree = makeMailTree(t)
  const namespace = namespaceOf(tree)
  const dict: SharedDict = {
    keys: () => Promise.reject(new Error('down')),
    keysFrom: () => Promise.reject(new Error('down')),
    change: () => Promise.reject(new Error('down')),
    close: () => undefined,
  }
  const { visibility } = await open(tree, dict)
  const gone = { ...namespace, places: { ...namespace.places, list: join(tree.dir, 'no/where/at/all') } }
  await visibility.refresh(gone)
  assert.ok(tree.logged.includes('error: acl: Failed to update what is shared: down'))
})

test('who shares nothing has no list; who shares nothing any more has an empty one', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['INBOX', 'Work'] })
  const { visibility } = await open(tree)
  await visibility.recalculate(namespace)
  assert.throws(() => read(tree, 'olga/dovecot-acl-list'), /ENOENT/)
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  await visibility.recalculate(namespace)
  tree.write('olga/.Work/dovecot-acl', 'user=bob r\n')
  await visibility.recalculate(namespace)
  assert.equal(read(tree, 'olga/dovecot-acl-list'), '')
})

test('public mail has a list, and no keys', async (t) => {
  const tree = makeMailTree(t)
  tree.write('pub/.p/dovecot-acl', 'anyone lr\n')
  const namespace = tree.namespace({ root: 'pub', type: 'public', prefix: 'Public/', mailboxes: ['p'] })
  const { visibility } = await open(tree, new FileSharedDict(join(tree.dir, 'shared.db'), Date.now))
  await visibility.recalculate(namespace)
  assert.match(read(tree, 'pub/dovecot-acl-list'), /^\d+ p\n$/)
  assert.throws(() => read(tree, 'shared.db'), /ENOENT/)
})

test('list lines are read as they are written, and nonsense is none', () => {
  const lines = [
    { mtimeSecs: 1_795_299_938, name: 'Work' },
    { mtimeSecs: 0, name: 'a b.c' },
  ]
  assert.deepEqual(parseAclList(writeAclList(lines)), lines)
  assert.deepEqual(parseAclList(Buffer.from('')), [])
  for (const text of ['x Work\n', '12\n', '12  \n'.trim(), ' 12 Work\n'])
    assert.equal(parseAclList(Buffer.from(text)), undefined, text)
})

/** What every driver owes. */
const drivers: [name: string, open: (tree: MailTree) => SharedDict][] = [
  ['file', (tree) => new FileSharedDict(join(tree.dir, 'dict'), Date.now)],
  ['sql', () => new SqlSharedDict(sqlite())],
  ['redis', () => new RedisSharedDict(redis(), 'mail[1]:')],
]

for (const [name, openDict] of drivers) {
  test(`${name}: keys are set, found by their beginning, and unset`, async (t) => {
    const dict = openDict(makeMailTree(t))
    const key = (rest: string) => `shared/shared-boxes/${rest}`
    const all = [
      key('anyone/olga'),
      key('group/staff/olga'),
      key('user/a@example.org/olga'),
      key('user/b/ann'),
      key('user/b/olga'),
    ]
    assert.deepEqual(await dict.keys(key('')), [])
    await dict.change({ set: all, unset: [] })
    await dict.change({ set: [key('user/b/olga')], unset: [key('user/nobody/olga')] })
    assert.deepEqual((await dict.keys(key(''))).toSorted(), all)
    assert.deepEqual((await dict.keys(key('user/b/'))).toSorted(), [key('user/b/ann'), key('user/b/olga')])
    assert.deepEqual(await dict.keys(key('anyone/')), [key('anyone/olga')])
    assert.deepEqual((await dict.keysFrom('olga')).toSorted(), all.filter((one) => one.endsWith('/olga')).toSorted())
    assert.deepEqual(await dict.keysFrom('lga'), [])
    await dict.change({ set: [], unset: [key('user/b/ann'), key('anyone/olga')] })
    assert.deepEqual((await dict.keys(key(''))).toSorted(), [
      key('group/staff/olga'),
      key('user/a@example.org/olga'),
      key('user/b/olga'),
    ])
    dict.close()
  })

  test(`${name}: a user who is gone is forgotten, on both sides`, async (t) => {
    const tree = makeMailTree(t)
    const dict = openDict(tree)
    const all = ['anyone/gone', 'group/g/gone', 'user/bob/gone', 'user/bob/olga', 'user/gone/olga', 'user/gone/ann']
    await dict.change({ set: all.map((rest) => `shared/shared-boxes/${rest}`), unset: [] })
    const { visibility } = await open(tree, dict)
    await visibility.forgetUser('gone')
    assert.deepEqual(await dict.keys('shared/shared-boxes/'), ['shared/shared-boxes/user/bob/olga'])
    dict.close()
  })
}

test('acl_shared_dict: drivers by name, and what is wrong with others', (t) => {
  const tree = makeMailTree(t)
  const known = new Map([['file', (path: string) => new FileSharedDict(path, Date.now)]])
  assert.ok(typeof openSharedDict(`file:${tree.dir}/x`, known) === 'object')
  assert.equal(openSharedDict('yes', known), "acl: dict_init(yes) failed: Dictionary URI is missing ':': yes")
  assert.equal(openSharedDict('fs:posix', known), 'acl: dict_init(fs:posix) failed: Unknown dict module: fs')
})

test('a dictionary file that cannot be read is a fault, not an empty one', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async (t) => {
  const tree = makeMailTree(t)
  tree.write('dict', 'x\n1\n')
  chmodSync(join(tree.dir, 'dict'), 0)
  await assert.rejects(new FileSharedDict(join(tree.dir, 'dict'), Date.now).keys(''))
  rmSync(join(tree.dir, 'dict'))
})

function sqlite() {
  const database = new DatabaseSync(':memory:')
  for (const [table, columns] of [
    ['user_shares', 'from_user, to_user'],
    ['group_shares', 'from_user, to_group'],
    ['anyone_shares', 'from_user'],
  ]) {
    database.exec(`CREATE TABLE ${table} (${columns}, dummy, PRIMARY KEY (${columns}))`)
  }
  return {
    query: (sql: string, values: readonly string[]) => Promise.resolve(database.prepare(sql).all(...values)),
  }
}

/** As much of Redis as is asked for; SCAN answers in two parts. */
function redis() {
  const values = new Map<string, string>()
  return {
    command([name, ...words]: readonly string[]): Promise<unknown> {
      if (name === 'DEL') for (const key of words) values.delete(key)
      if (name === 'MSET') for (let at = 0; at < words.length; at += 2) values.set(words[at] ?? '', words[at + 1] ?? '')
      if (name !== 'SCAN') return Promise.resolve('OK')
      const [start = '', end = ''] = (words[2] ?? '').split('*').map((part) => part.replaceAll(/\\(.)/g, '$1'))
      const keys = [...values.keys()].filter((key) => key.startsWith(start) && key.endsWith(end))
      const half = Math.ceil(keys.length / 2)
      return Promise.resolve(words[0] === '0' ? ['7', keys.slice(0, half)] : ['0', keys.slice(Math.max(half - 1, 0))])
    },
  }
}
