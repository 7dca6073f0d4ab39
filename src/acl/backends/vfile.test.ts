import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeMailTree, type MailTree } from '../../../test/acl/mail-tree.ts'
import { AclAccess } from '../access.ts'
import type { AclNamespace } from '../namespace.ts'
import { lettersOf, rightsOf } from '../rights.ts'
import type { AclBackend } from './backend.ts'

/** Letters of somebody's rights; `broken` when the file cannot be used, with `!` for the owner. */
async function rights(
  backend: AclBackend,
  namespace: AclNamespace,
  mailbox: string,
  user: string,
  groups: readonly string[] = [],
) {
  const identity = { user, loginUser: user, groups: new Set(groups) }
  const judgement = await new AclAccess({ backend, identity, ignoredNamespaces: [] }).judge(namespace, mailbox)
  return judgement.kind === 'rights' ? lettersOf(judgement.rights, 'myrights') : `broken${judgement.isOwner ? '!' : ''}`
}

const ALL = 'lrwstipekxa'

test('a mailbox has its own file, and without one nobody but the owner has rights', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['INBOX', 'Work'] })
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  tree.write('olga/dovecot-acl', 'user=bob l\n')
  const backend = await tree.backend()
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'lr')
  assert.equal(await rights(backend, namespace, 'INBOX', 'bob'), 'l')
  assert.equal(await rights(backend, namespace, 'Other', 'bob'), '', 'the root of a Maildir is INBOX, no default')
  assert.equal(await rights(backend, namespace, 'Other', 'olga'), ALL)
})

test('the file in a public root is the default, live, for whom no entry matches', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'pub', type: 'public', prefix: 'Public/', mailboxes: ['p', 'q'] })
  tree.write('pub/dovecot-acl', 'anyone lr\nowner lrwstipekxa\n')
  tree.write('pub/.p/dovecot-acl', 'user=bob l\nowner a\n')
  const backend = await tree.backend()
  assert.equal(await rights(backend, namespace, 'p', 'bob'), 'l')
  assert.equal(await rights(backend, namespace, 'p', 'ann'), 'lr')
  assert.equal(await rights(backend, namespace, 'q', 'bob'), 'lr')
  assert.equal(await rights(backend, namespace, '', 'bob'), 'lr')
  tree.write('pub/dovecot-acl', 'anyone l\n')
  assert.equal(await rights(backend, namespace, 'q', 'bob'), 'l')
})

test('acl_globals_only: local files are neither read nor written', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  const backend = await tree.backend({ acl_globals_only: 'yes' })
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), '')
  await assert.rejects(
    backend.update(namespace, 'Work', { identifier: { kind: 'anyone' }, positive: { mode: 'clear' } }),
    /Can't update acl object 'Work': No local acl file path/,
  )
})

test('acl_defaults_from_inbox: INBOX is the default of private and shared namespaces, not of public ones', async (t) => {
  const tree = makeMailTree(t)
  tree.write('olga/dovecot-acl', 'user=bob lr\n')
  tree.write('pub/.INBOX/dovecot-acl', 'user=bob lr\n')
  const backend = await tree.backend({ acl_defaults_from_inbox: 'yes' })
  const shared = tree.namespace({ root: 'olga', type: 'shared', prefix: 'shared/olga/', mailboxes: ['Work'] })
  assert.equal(await rights(backend, tree.namespace({ root: 'olga', mailboxes: ['Work'] }), 'Work', 'bob'), 'lr')
  assert.equal(await rights(backend, shared, 'Work', 'bob'), 'lr')
  const pub = tree.namespace({ root: 'pub', type: 'public', prefix: 'Public/', mailboxes: ['INBOX', 'p'] })
  assert.equal(await rights(backend, pub, 'p', 'bob'), '')
})

const globalRows: [files: Record<string, string>, mailbox: string, user: string, rights: string, why: string][] = [
  [{ 'acls/INBOX': 'owner lra' }, 'INBOX', 'olga', 'lra', 'INBOX'],
  [{ 'acls/INBOX': 'owner lra' }, 'Work', 'olga', ALL, 'says nothing about others'],
  [{ 'acls/a/b': 'user=bob lr' }, 'a/b', 'bob', 'lr', 'a path for a path'],
  [{ 'acls/a.b': 'user=bob lr' }, 'a/b', 'bob', 'lr', 'the storage separator, when there is no other'],
  [{ 'acls/a.b': 'user=bob lr', 'acls/a/b': 'user=bob l' }, 'a/b', 'bob', 'l', 'the virtual name comes first'],
  [{ 'acls/a/.DEFAULT': 'user=bob lr', 'acls/a/b': 'user=bob l' }, 'a', 'bob', 'lr', 'a directory has .DEFAULT'],
  [{ 'acls/a/.DEFAULT': 'user=bob lr' }, 'a/b', 'bob', '', 'which covers no children'],
  [{ 'acls/.Sent': 'user=bob lr' }, 'Sent', 'bob', '', 'no leading dots'],
  [{ 'acls/.DEFAULT': 'user=bob lr' }, 'Work', 'bob', 'lr', 'the default of everything'],
  [{ 'acls/.DEFAULT': 'owner lr' }, 'Work', 'olga', ALL, 'is nothing to the owner'],
  [{ 'acls/.DEFAULT': 'owner lr' }, '', 'olga', 'lr', 'but where he makes mailboxes'],
  [{ 'acls/../secret': 'user=bob lr' }, '../secret', 'bob', '', 'no way out'],
  [{ 'acls/Work': 'user=bob lrz' }, 'Work', 'bob', 'lr', 'unknown letters are skipped'],
  [{ 'acls/Work': 'bob lr' }, 'Work', 'bob', 'broken', 'an error'],
  [{ 'acls/Work': 'bob lr' }, 'Work', 'olga', 'broken!', 'an error for the owner too'],
]

for (const [files, mailbox, user, expected, why] of globalRows) {
  test(`global directory, ${mailbox} for ${user}: ${why}`, async (t) => {
    const tree = makeMailTree(t)
    mkdirSync(join(tree.dir, 'acls'))
    for (const [path, content] of Object.entries(files)) tree.write(path, content)
    const backend = await tree.backend({ acl: `vfile:${tree.dir}/acls:cache_secs=0` })
    assert.equal(await rights(backend, tree.namespace({ root: 'olga' }), mailbox, user), expected)
  })
}

const patternRows: [file: string, mailbox: string, user: string, rights: string, why: string][] = [
  ['* user=bob lr', 'a/b', 'bob', 'lr', 'separators are characters'],
  ['* user=admin lr\nINBOX -user=admin r', 'INBOX', 'admin', 'l', 'all lines that match are put together'],
  ['* user=admin lr\nINBOX -user=admin r', 'Work', 'admin', 'lr', 'and others not'],
  ['inbox user=bob lr', 'INBOX', 'bob', '', 'case counts'],
  ['foo/* user=bob lr', 'foo', 'bob', '', 'the pattern wants more'],
  ['fo? user=bob lr', 'foo', 'bob', 'lr', 'one character'],
  ['fo% user=bob lr', 'foo', 'bob', '', 'the percent sign is itself'],
  ['"a b" user=bob lr', 'a b', 'bob', 'lr', 'a quoted pattern'],
  ['* owner lrwstipexa', 'Work', 'olga', 'lrwstipexa', 'global entries bind the owner'],
  ['* owner lrwstipexa', '', 'olga', 'lrwstipexa', 'the star matches the default object'],
  ['?* owner l', '', 'olga', ALL, 'other patterns do not'],
  ['* bob lr', 'Work', 'olga', 'broken!', 'an error is everywhere'],
]

for (const [file, mailbox, user, expected, why] of patternRows) {
  test(`global file, ${JSON.stringify(mailbox)} for ${user}: ${why}`, async (t) => {
    const tree = makeMailTree(t)
    tree.write('acl-file', `${file}\n`)
    const backend = await tree.backend({ acl: `vfile:${tree.dir}/acl-file:cache_secs=0` })
    assert.equal(await rights(backend, tree.namespace({ root: 'olga' }), mailbox, user), expected)
  })
}

test('a global path that is not there says nothing', async (t) => {
  const tree = makeMailTree(t)
  const backend = await tree.backend({ acl: `vfile:${tree.dir}/nowhere:cache_secs=0` })
  assert.equal(await rights(backend, tree.namespace({ root: 'olga' }), 'Work', 'olga'), ALL)
})

const hostile: [name: string, put: (path: string, tree: MailTree) => void, log: RegExp][] = [
  ['broken quoting', (path) => writeFileSync(path, 'user=bob lr\n"user=x'), /dovecot-acl line 2: Invalid quoted ID/],
  ['NUL', (path) => writeFileSync(path, 'user=bob lr\0\n'), /dovecot-acl line 1: NUL character/],
  [
    'a megabyte in a line',
    (path) => writeFileSync(path, Buffer.alloc(1 << 20, 'x')),
    /dovecot-acl line 1: Line is longer/,
  ],
  ['a directory', (path) => mkdirSync(path), /dovecot-acl: Is a directory/],
  [
    'a symbolic link',
    (path, tree) => {
      tree.write('elsewhere', 'user=bob lr\n')
      symlinkSync(join(tree.dir, 'elsewhere'), path)
    },
    /dovecot-acl: Is a symbolic link/,
  ],
  ['a FIFO', (path) => execFileSync('mkfifo', [path]), /dovecot-acl: Is not a regular file/],
]

for (const [name, put, log] of hostile) {
  test(`${name} instead of a file: closed to others, told to the owner, logged once, others go on`, async (t) => {
    const tree = makeMailTree(t)
    const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work', 'Fine'] })
    tree.write('olga/.Fine/dovecot-acl', 'user=bob lr\r\n')
    put(join(tree.dir, 'olga/.Work/dovecot-acl'), tree)
    const backend = await tree.backend()
    assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'broken')
    assert.equal(await rights(backend, namespace, 'Work', 'olga'), 'broken!')
    assert.equal(await rights(backend, namespace, 'Fine', 'bob'), 'lr')
    assert.equal(tree.logged.length, 1)
    assert.match(tree.logged[0] ?? '', log)
    const change = { identifier: { kind: 'anyone' }, positive: { mode: 'add', rights: rightsOf('l') } } as const
    await assert.rejects(backend.update(namespace, 'Work', change), { name: 'AclNotUpdated' })
  })
}

test('unknown letters are told in the log, with acl_strict they close the mailbox', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  tree.write('olga/.Work/dovecot-acl', 'user=bob lrz\n')
  assert.equal(await rights(await tree.backend(), namespace, 'Work', 'bob'), 'lr')
  assert.equal(
    tree.logged.pop(),
    `warning: ACL file ${tree.dir}/olga/.Work/dovecot-acl line 1: Unknown ACL 'z' ignored`,
  )
  assert.equal(await rights(await tree.backend({ acl_strict: 'yes' }), namespace, 'Work', 'olga'), 'broken!')
  assert.equal(tree.logged.pop(), `error: ACL file ${tree.dir}/olga/.Work/dovecot-acl line 1: Unknown ACL 'z'`)
})

test('a file is believed for cache_secs, then changes, appearances and disappearances are seen', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const backend = await tree.backend({ acl: 'vfile::cache_secs=30' })
  const bob = () => rights(backend, namespace, 'Work', 'bob')
  assert.equal(await bob(), '')
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  tree.nowMs += 29_999
  assert.equal(await bob(), '', 'not looked at yet')
  tree.nowMs += 1
  assert.equal(await bob(), 'lr', 'appeared')
  tree.write('olga/.Work/dovecot-acl', 'user=bob ls\n')
  utimesSync(join(tree.dir, 'olga/.Work/dovecot-acl'), 1, 1)
  tree.nowMs += 30_000
  assert.equal(await bob(), 'ls', 'changed')
  rmSync(join(tree.dir, 'olga/.Work/dovecot-acl'))
  tree.nowMs += 30_000
  assert.equal(await bob(), '', 'vanished')
})

test('what nothing changed is the same object; own changes count at once, denials too', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const backend = await tree.backend({ acl: 'vfile::cache_secs=1000' })
  const identifier = { kind: 'user', name: 'bob' } as const
  await backend.update(namespace, 'Work', { identifier, positive: { mode: 'replace', rights: rightsOf('lrw') } })
  const object = backend.object(namespace, 'Work')
  assert.equal(backend.object(namespace, 'Work'), object)
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'lrw')
  const update = await backend.update(namespace, 'Work', {
    identifier,
    negative: { mode: 'replace', rights: rightsOf('w') },
  })
  assert.deepEqual(update, { isChanged: true, before: ['user=bob lrw'], after: ['user=bob lrw', '-user=bob w'] })
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'lr')
  assert.equal(readFileSync(join(tree.dir, 'olga/.Work/dovecot-acl'), 'utf8'), 'user=bob lrw\n-user=bob w\n')
})

test('a change that changes nothing makes no file', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const update = await (await tree.backend()).update(namespace, 'Work', {
    identifier: { kind: 'anyone' },
    positive: { mode: 'clear' },
  })
  assert.equal(update.isChanged, false)
  assert.ok(!existsSync(join(tree.dir, 'olga/.Work/dovecot-acl')))
})

test('two sessions that change one mailbox at once lose neither change', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const sessions = await Promise.all([tree.backend(), tree.backend()])
  const users = Array.from({ length: 20 }, (_, at) => `user${at}`)
  await Promise.all(
    users.map((name, at) =>
      (sessions[at % 2] ?? assert.fail()).update(namespace, 'Work', {
        identifier: { kind: 'user', name },
        positive: { mode: 'add', rights: rightsOf('l') },
      }),
    ),
  )
  const written = readFileSync(join(tree.dir, 'olga/.Work/dovecot-acl'), 'utf8')
  assert.deepEqual(written.trim().split('\n').toSorted(), users.map((name) => `user=${name} l`).toSorted())
})

test('a grant ends without anybody looking at the file again', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  tree.write('olga/.Work/dovecot-acl', 'anyone l\nuser=bob lr :until=2026-01-01T00:10:00Z\n')
  const backend = await tree.backend({ acl: 'vfile::cache_secs=100000' })
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'lr')
  tree.nowMs += 600_000
  assert.equal(await rights(backend, namespace, 'Work', 'bob'), 'l')
})

test('entries are copied to a new mailbox one by one, global ones are not', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Par', 'Par/kid', 'None', 'None/kid'] })
  tree.write('olga/.Par/dovecot-acl', '-user=dave w\n# by hand\nuser=bob klr\ngroup=staff lz\n')
  tree.write('acls/Par', 'user=x l\n')
  const backend = await tree.backend({ acl: `vfile:${tree.dir}/acls:cache_secs=0` })
  assert.ok((await backend.copy(namespace, 'Par', 'Par/kid')).length > 0)
  assert.equal(
    readFileSync(join(tree.dir, 'olga/.Par.kid/dovecot-acl'), 'utf8'),
    'group=staff lz\nuser=bob klr\n-user=dave w\n',
  )
  assert.deepEqual(await backend.copy(namespace, 'None', 'None/kid'), [])
  assert.ok(!existsSync(join(tree.dir, 'olga/.None.kid/dovecot-acl')))
})

const live: [files: Record<string, string>, mailbox: string, user: string, rights: string, why: string][] = [
  [{ '.a': 'user=bob lr' }, 'a/b/c', 'bob', 'lr', 'from far above'],
  [{ '.a': 'user=bob lr', '.a.b': 'user=bob l' }, 'a/b/c', 'bob', 'l', 'the nearest counts'],
  [{ '.a': 'user=bob lr', '.a.b': 'user=ann l' }, 'a/b', 'bob', 'lr', 'naming others hides nothing'],
  [{ '.a': 'user=bob lr', '.a.b': 'user=bob' }, 'a/b', 'bob', '', 'nothing said is nothing given'],
  [
    { '.a': 'user=bob lr\n-user=bob r', '.a.b': 'user=bob lrs' },
    'a/b',
    'bob',
    'lrs',
    'denials belong to their identifier',
  ],
  [{ '.a': 'owner lr' }, 'a/b', 'olga', 'lr', 'the owner too'],
  [{ '.a': 'user=bob lr' }, 'b', 'bob', '', 'not sideways'],
  [{ '.a': 'bob lr', '.a.b': 'user=bob l' }, 'a/b', 'bob', 'broken', 'a file above that cannot be read'],
]

for (const [files, mailbox, user, expected, why] of live) {
  test(`live inheritance, ${mailbox} for ${user}: ${why}`, async (t) => {
    const tree = makeMailTree(t)
    const namespace = tree.namespace({ root: 'olga', inherit: 'live', mailboxes: ['a', 'a/b', 'a/b/c', 'b'] })
    for (const [directory, content] of Object.entries(files)) tree.write(`olga/${directory}/dovecot-acl`, content)
    const backend = await tree.backend()
    assert.equal(await rights(backend, namespace, mailbox, user), expected)
    assert.equal(backend.object(namespace, mailbox), backend.object(namespace, mailbox))
  })
}

test('live inheritance: a change above shows below; a change below begins with what was inherited', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', inherit: 'live', mailboxes: ['a', 'a/b'] })
  const backend = await tree.backend()
  const identifier = { kind: 'user', name: 'bob' } as const
  await backend.update(namespace, 'a', { identifier, positive: { mode: 'replace', rights: rightsOf('lr') } })
  assert.equal(await rights(backend, namespace, 'a/b', 'bob'), 'lr')
  await backend.update(namespace, 'a/b', { identifier, positive: { mode: 'add', rights: rightsOf('s') } })
  assert.equal(await rights(backend, namespace, 'a/b', 'bob'), 'lrs')
  assert.equal(readFileSync(join(tree.dir, 'olga/.a.b/dovecot-acl'), 'utf8'), 'user=bob lrs\n')
  assert.equal(await rights(backend, namespace, 'a', 'bob'), 'lr')
})
