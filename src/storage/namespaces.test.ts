import assert from 'node:assert/strict'
import test from 'node:test'
import type { NamespaceSpec } from './namespace.ts'
import type { StoreOptions } from './open-store.ts'
import { StoreRefusal } from './refusal.ts'
import type { MailStore } from './store.ts'
import { mailboxBlock, memoryLocation, MemoryMail, memoryNamespace } from './testing/open-memory-store.ts'

/** What LIST would say: `+name` for a mailbox, `-name` for a directory. */
async function listed(store: MailStore, ...patterns: string[]): Promise<string[]> {
  const entries = await store.list(patterns.length === 0 ? ['*'] : patterns)
  return entries.map(({ selectable, name }) => (selectable ? '+' : '-') + name).sort()
}

function refusal(code: StoreRefusal['code'], text: string): StoreRefusal {
  return new StoreRefusal(code, text)
}

const publicMail = memoryNamespace({
  name: 'public',
  type: 'public',
  prefix: 'Public/',
  inbox: false,
  list: 'children',
  subscriptions: false,
  location: memoryLocation('public'),
})

function sharedMail(facts: Partial<NamespaceSpec> = {}): NamespaceSpec {
  return memoryNamespace({
    name: 'shared',
    type: 'shared',
    prefix: 'shared/',
    ownerPattern: '%u/',
    inbox: false,
    subscriptions: false,
    location: (owner) => Promise.resolve(['jane', 'bob'].includes(owner) ? memoryLocation(owner) : undefined),
    ...facts,
  })
}

function open(namespaces: readonly NamespaceSpec[], options: Partial<StoreOptions> = {}): [MailStore, MemoryMail] {
  const mail = new MemoryMail()
  return [mail.open('joe', { namespaces, ...options }), mail]
}

test('a prefix is where mailboxes are, INBOX is where it always is', async () => {
  const [store] = open([memoryNamespace({ prefix: 'INBOX/' }), publicMail])
  await store.create('INBOX/Foo/Bar')
  await store.create('inbox/baz')
  assert.deepEqual(await listed(store), ['+INBOX', '+INBOX/Foo/Bar', '+INBOX/baz', '-INBOX/Foo'])
  await assert.rejects(store.create('INBOX/INBOX'), refusal('exists', 'Mailbox already exists'))
  await assert.rejects(store.create('Inbox'), refusal('exists', 'Mailbox already exists'))
  await assert.rejects(store.open('Other', 'read-only'), refusal('not-found', "Mailbox doesn't exist: Other"))
  await assert.rejects(store.delete('INBOX'), refusal('cannot', "INBOX can't be deleted"))
  assert.equal((await store.open('inbox', 'read-only')).name, 'INBOX')
  await store.create('Public/INBOX')
  await store.create('Public/x')
  assert.deepEqual(
    await listed(store, 'Public/*'),
    ['+Public/INBOX', '+Public/x', '-Public'],
    'nothing else is looked at',
  )
})

test('list=yes shows the prefix, list=children only with something below, list=no to those who know it', async () => {
  const own = memoryNamespace()
  const [yes] = open([own, { ...publicMail, list: 'yes' }])
  assert.deepEqual(await listed(yes), ['+INBOX', '-Public'])
  const [children] = open([own, publicMail])
  assert.deepEqual(await listed(children), ['+INBOX'])
  await children.create('Public/a')
  assert.deepEqual(await listed(children), ['+INBOX', '+Public/a', '-Public'])
  const [no] = open([own, { ...publicMail, list: 'no' }])
  await no.create('Public/a')
  assert.deepEqual(await listed(no), ['+INBOX'])
  assert.ok((await listed(no, 'Public/%')).includes('+Public/a'))
})

test('subscriptions of a namespace that keeps none are kept by its parent', async () => {
  const [store] = open([memoryNamespace(), publicMail, sharedMail()])
  await store.create('Public/x')
  for (const name of ['Public/x', 'shared/jane', 'shared/jane/Work', 'mine', 'gone']) await store.subscribe(name, true)
  assert.deepEqual(await store.subscriptions(), ['Public/x', 'shared/jane', 'shared/jane/Work', 'mine', 'gone'])
  for (const name of ['shared/jane', 'gone', 'Public/x', 'never']) await store.subscribe(name, false)
  assert.deepEqual(await store.subscriptions(), ['shared/jane/Work', 'mine'])
  const [alone] = open([{ ...publicMail, inbox: true }])
  await assert.rejects(alone.subscribe('Public/x', true), StoreRefusal)
})

test('automatic mailboxes are there before anybody made them', async () => {
  const mailboxes = [
    mailboxBlock('Drafts', { auto: 'create', specialUse: ['\\Drafts'] }),
    mailboxBlock('Sent', { auto: 'subscribe', specialUse: ['\\Sent'] }),
    mailboxBlock('Trash', { specialUse: ['\\Trash'] }),
  ]
  const [store, mail] = open([memoryNamespace({ prefix: 'INBOX/', mailboxes })])
  assert.deepEqual(await listed(store), ['+INBOX', '+INBOX/Drafts', '+INBOX/Sent'])
  assert.deepEqual(await store.subscriptions(), ['INBOX/Sent'])
  assert.equal((await store.status('INBOX/Drafts')).messages, 0)
  const sent = await store.open('INBOX/Sent', 'read-write')
  assert.equal(sent.count, 0)
  await assert.rejects(store.status('INBOX/Trash'), refusal('not-found', "Mailbox doesn't exist: INBOX/Trash"))
  const uses = (await store.list(['*'])).flatMap(({ specialUse }) => specialUse).sort()
  assert.deepEqual(uses, ['\\Drafts', '\\Sent'])
  await mail.close()
})

test('mail of other users lies below their names', async () => {
  const [store, mail] = open([memoryNamespace(), sharedMail()], { owners: () => Promise.resolve(['jane', 'nobody']) })
  const jane = mail.open('jane')
  await jane.create('Work/2026')
  assert.deepEqual(await listed(store), [
    '+INBOX',
    '+shared/jane',
    '+shared/jane/Work/2026',
    '-shared',
    '-shared/jane/Work',
  ])
  for (const name of ['shared/jane', 'shared/jane/INBOX', 'shared/jane/Work/2026', 'shared/bob']) {
    assert.equal((await store.open(name, 'read-only')).name, name)
  }
  for (const name of ['shared', 'shared/nobody', 'shared/nobody/x', 'shared/joe/x', 'shared/../x', 'shared/jane:x/y']) {
    await assert.rejects(store.open(name, 'read-only'), { code: 'not-found' }, name)
  }
  await assert.rejects(store.rename('shared/jane/Work/2026', 'x'), {
    code: 'cannot',
    message: 'Renaming not supported across non-private namespaces.',
  })
  await mail.close()
})

test('with mail_shared_explicit_inbox their INBOX has its name', async () => {
  const [store, mail] = open([memoryNamespace(), sharedMail({ explicitInbox: true })], {
    owners: () => Promise.resolve(['jane']),
  })
  mail.open('jane')
  assert.deepEqual(await listed(store), ['+INBOX', '+shared/jane/INBOX', '-shared', '-shared/jane'])
  await assert.rejects(store.open('shared/jane', 'read-only'), { code: 'not-found' })
  await mail.close()
})

test('an alias shows the same mail, and is not listed', async () => {
  const [store, mail] = open([
    memoryNamespace(),
    memoryNamespace({ name: 'compat', prefix: 'mail/', inbox: false, hidden: true, aliasFor: '' }),
  ])
  await store.create('Work')
  assert.deepEqual(await listed(store), ['+INBOX', '+Work'])
  const [one, two] = [await store.open('Work', 'read-write'), await store.open('mail/Work', 'read-write')]
  assert.equal(one.guid, two.guid)
  await mail.close()
})

test('renaming says what Dovecot says', async () => {
  const other = memoryNamespace({ name: 'other', prefix: 'Other/', inbox: false, location: memoryLocation('other') })
  const [store, mail] = open([memoryNamespace(), publicMail, other])
  await store.create('a')
  const rows: readonly (readonly [from: string, to: string, code: StoreRefusal['code'], text: string])[] = [
    ['a', 'a', 'exists', "Can't rename mailbox to itself"],
    ['a', 'a/b', 'cannot', "Can't rename mailbox under its own child"],
    ['a', 'Public/a', 'cannot', 'Renaming not supported across non-private namespaces.'],
    // Not in memory; transcript rename-locations has the formats that can.
    ['a', 'Other/a', 'cannot', "Can't rename mailboxes across specified storages."],
    ['Other', 'b', 'cannot', "Can't rename mailbox root"],
    ['a', 'Other', 'exists', 'Target mailbox already exists'],
    ['INBOX', 'b', 'cannot', "Renaming INBOX isn't supported."],
    ['nope', 'b', 'not-found', "Mailbox doesn't exist: nope"],
    ['a', 'b\n', 'invalid-name', 'Control characters not allowed in new mailbox names'],
  ]
  for (const [from, to, code, text] of rows) await assert.rejects(store.rename(from, to), refusal(code, text), to)
  await mail.close()
})

test('only what may match is looked at', async () => {
  const asked: string[] = []
  const shared = sharedMail({
    location(owner) {
      asked.push(owner)
      return memoryLocation(owner)
    },
  })
  const [store, mail] = open([memoryNamespace({ prefix: 'Mail/' }), publicMail, shared], {
    owners: () => Promise.resolve(['jane', 'bob']),
  })
  for (const owner of ['jane', 'bob']) await mail.open(owner, {}).create('Work')
  const rows: readonly (readonly [pattern: string, owners: readonly string[], names: readonly string[]])[] = [
    ['INBOX', [], ['+INBOX', '-Mail']],
    ['inb%', [], ['+INBOX', '-Mail']],
    ['Mail/%', [], ['+INBOX', '-Mail']],
    ['shared/jane/*', ['jane', 'bob'], ['+shared/jane', '+shared/jane/Work', '-shared']],
  ]
  for (const [pattern, owners, names] of rows) {
    asked.length = 0
    assert.deepEqual([await listed(store, pattern), [...new Set(asked)]], [names, owners], pattern)
  }
})
