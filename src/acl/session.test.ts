import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { aclSettings, maildirLocation } from '../../test/acl/mail-tree.ts'
import { outcome, put } from '../../test/acl/shared-mail.ts'
import { openMaildirFormat } from '../storage/formats/maildir/index.ts'
import { openStore, type StoreOptions } from '../storage/open-store.ts'
import type { NamespaceSpec } from '../storage/namespace.ts'
import type { MailStore } from '../storage/store.ts'
import { MemoryMail, memoryNamespace, memorySettings } from '../storage/testing/open-memory-store.ts'
import { AclFiles } from './acl-files.ts'
import { openAuditLog } from './audit-log.ts'
import { rightsOf } from './rights.ts'
import { aclSessionOf, openAclSession } from './session.ts'
import { FileSharedDict } from './visibility/file-dict.ts'

/** Real Maildirs of two users, with everything that belongs to ACLs around them. */
function openPlace(t: TestContext) {
  const dir = makeTempDir('acl-session')
  const mail = new MemoryMail(undefined, openMaildirFormat())
  t.after(async () => {
    await mail.close()
    removeTempDir(dir)
  })
  for (const user of ['olga', 'bob']) mkdirSync(join(dir, user))
  const context = { ...mail.context, formats: new Map([['maildir', openMaildirFormat()]]) }
  const logged: string[] = []
  const clock = { aheadMs: 0 }
  const now = (): number => Date.now() + clock.aheadMs
  const files = new AclFiles({ now, log: (level, text) => logged.push(`${level}: ${text}`) })
  const dict = new FileSharedDict(join(dir, 'shared.db'), Date.now)
  const audit = openAuditLog(join(dir, 'audit'), Date.now)
  const location = (user: string) => maildirLocation(join(dir, user))
  const namespaces = (user: string): readonly NamespaceSpec[] => [
    memoryNamespace({ location: location(user) }),
    memoryNamespace({
      name: 'shared',
      type: 'shared',
      prefix: 'shared/',
      ownerPattern: '%u/',
      inbox: false,
      list: 'children',
      subscriptions: false,
      location: (owner) => Promise.resolve(existsSync(join(dir, owner)) ? location(owner) : undefined),
    }),
  ]
  return {
    dir,
    dict,
    logged,
    clock,
    /** `users`: all there are. */
    async open(user: string, plugin: Readonly<Record<string, string>> = {}, users?: readonly string[]) {
      const options: StoreOptions = {
        user,
        namespaces: namespaces(user),
        settings: memorySettings,
        context,
        log: () => undefined,
      }
      const session = await openAclSession({
        settings: aclSettings({ acl: 'vfile::cache_secs=0', ...plugin }),
        identity: { user, loginUser: user, groups: new Set() },
        storeOptions: options,
        files,
        dict,
        audit,
        actor: { user, service: 'imap', remote_ip: '192.0.2.1' },
        ...(users !== undefined && { isUser: (name: string) => Promise.resolve(users.includes(name)) }),
        now,
        log: (level, text) => logged.push(`${level}: ${text}`),
      })
      const store = session.see(openStore({ ...options, owners: () => session.owners() }), 'session')
      t.after(() => store.close())
      const find = async (name: string) => (await session.find(name)) ?? assert.fail(name)
      return { session, store, find }
    },
  }
}

test('a mailbox is shared, seen, used, taken back, and gone from the other user’s list', async (t) => {
  const place = openPlace(t)
  const [olga, bob] = [await place.open('olga'), await place.open('bob')]
  await olga.store.create('Work')
  await put(olga.store, 'Work')
  const listed = async () => (await bob.store.list(['*'])).map(({ name }) => name).toSorted()
  assert.deepEqual(await listed(), ['INBOX'])
  assert.equal((await olga.session.commands.setAcl(await olga.find('Work'), 'bob', 'lr')).kind, 'ok')
  assert.deepEqual(await listed(), ['INBOX', 'shared', 'shared/olga', 'shared/olga/Work'])
  assert.equal((await bob.store.status('shared/olga/Work')).messages, 1)
  assert.equal(await outcome(put(bob.store, 'shared/olga/Work')), 'no-permission')
  await olga.session.commands.deleteAcl(await olga.find('Work'), 'bob')
  assert.deepEqual(await listed(), ['INBOX'])
  assert.equal(await outcome(bob.store.open('shared/olga/Work', 'read-only')), 'not-found')
})

test('a shared INBOX is the owner’s name; while it is hidden the name leads to the other mailboxes', async (t) => {
  const place = openPlace(t)
  const [olga, bob] = [await place.open('olga'), await place.open('bob')]
  await put(olga.store, 'INBOX')
  await olga.store.create('Work')
  const listed = async () =>
    (await bob.store.list(['*']))
      .filter(({ name }) => name.startsWith('shared/'))
      .map(({ name, selectable }) => `${name} ${selectable}`)
  await olga.session.commands.setAcl(await olga.find('INBOX'), 'bob', 'lr')
  assert.deepEqual(await listed(), ['shared/olga true'])
  const rights = await bob.session.commands.myRights(await bob.find('shared/olga'))
  assert.deepEqual(rights.kind === 'ok' && rights.strings, ['lr'])
  for (const name of ['shared/olga', 'shared/olga/INBOX'])
    assert.equal((await bob.store.status(name)).messages, 1, name)
  await olga.session.commands.deleteAcl(await olga.find('INBOX'), 'bob')
  await olga.session.commands.setAcl(await olga.find('Work'), 'bob', 'l')
  assert.deepEqual((await listed()).toSorted(), ['shared/olga false', 'shared/olga/Work true'])
  assert.equal(await outcome(bob.store.open('shared/olga', 'read-only')), 'not-found')
})

test('lists and keys follow creation, renaming and deletion', async (t) => {
  const place = openPlace(t)
  const olga = await place.open('olga')
  const list = () => readFileSync(join(place.dir, 'olga/dovecot-acl-list'), 'utf8').replaceAll(/^\d+ /gm, '')
  const keys = () => readFileSync(join(place.dir, 'shared.db'), 'utf8')
  await olga.store.create('Work')
  await olga.session.commands.setAcl(await olga.find('Work'), 'bob', 'lrk')
  await olga.store.create('Work/kid')
  assert.deepEqual(list().trim().split('\n').toSorted(), ['Work', 'Work.kid'])
  assert.equal(readFileSync(join(place.dir, 'olga/.Work.kid/dovecot-acl'), 'utf8'), 'user=bob klr\n')
  await olga.store.rename('Work', 'Play')
  assert.deepEqual(list().trim().split('\n').toSorted(), ['Play', 'Play.kid'], 'those who may see it still do')
  assert.match(keys(), /user\/bob\/olga/)
  await olga.store.delete('Play/kid')
  await olga.store.delete('Play')
  assert.equal(list(), '')
  assert.equal(keys(), '')
})

test('a mailbox that is deleted and made again, or renamed, has no rights of the old one, however long files are believed', async (t) => {
  const place = openPlace(t)
  const believing = { acl: 'vfile::cache_secs=1000' }
  const [olga, bob] = [await place.open('olga', believing), await place.open('bob', believing)]
  const reads = (name: string) => outcome(bob.store.status(`shared/olga/${name}`))
  for (const name of ['Work', 'Other', 'Other/kid']) await olga.store.create(name)
  for (const name of ['Work', 'Other/kid']) await olga.session.commands.setAcl(await olga.find(name), 'bob', 'lr')
  assert.equal(await reads('Work'), 'ok')
  assert.equal(await reads('New/kid'), 'not-found')
  await olga.store.delete('Work')
  await olga.store.create('Work')
  assert.equal(await reads('Work'), 'not-found')
  await olga.store.rename('Other', 'New')
  assert.equal(await reads('New/kid'), 'ok')
  assert.equal(await reads('Other/kid'), 'not-found')
})

test('live inheritance: nothing is copied, and what changes above shows below', async (t) => {
  const place = openPlace(t)
  const olga = await place.open('olga', { acl_inherit: 'live' })
  const bob = await place.open('bob', { acl_inherit: 'live' })
  await olga.store.create('Team')
  await olga.store.create('Team/minutes')
  await olga.session.commands.setAcl(await olga.find('Team'), 'bob', 'lr')
  assert.equal(existsSync(join(place.dir, 'olga/.Team.minutes/dovecot-acl')), false)
  assert.equal(await outcome(bob.store.open('shared/olga/Team/minutes', 'read-only')), 'ok')
  await olga.session.commands.deleteAcl(await olga.find('Team'), 'bob')
  assert.equal(await outcome(bob.store.open('shared/olga/Team/minutes', 'read-only')), 'not-found')
})

test('every change is recorded, with who and from where', async (t) => {
  const place = openPlace(t)
  const olga = await place.open('olga')
  await olga.store.create('Work')
  await olga.session.commands.setAcl(await olga.find('Work'), 'bob', 'lr')
  await olga.session.commands.setAcl(await olga.find('Work'), 'bob', 'lr')
  await olga.session.commands.setAcl(await olga.find('Work'), '-bob', 'r')
  const records = readFileSync(join(place.dir, 'audit'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), time: '' }))
  const common = {
    time: '',
    user: 'olga',
    service: 'imap',
    remote_ip: '192.0.2.1',
    action: 'set',
    mailbox: 'Work',
    owner: 'olga',
    id: 'user=bob',
  }
  assert.deepEqual(records, [
    { ...common, before: [], after: ['user=bob lr'] },
    { ...common, before: ['user=bob lr'], after: ['user=bob lr', '-user=bob r'] },
  ])
})

test('rights that a new mailbox has from those above it are recorded as copies', async (t) => {
  const place = openPlace(t)
  const olga = await place.open('olga')
  await olga.store.create('Work')
  for (const [who, rights] of [
    ['bob', 'lrk'],
    ['-bob', 'w'],
    ['$staff', 'l'],
  ] as const)
    await olga.session.commands.setAcl(await olga.find('Work'), who, rights)
  rmSync(join(place.dir, 'audit'))
  const bob = await place.open('bob')
  await bob.store.create('shared/olga/Work/new')
  await olga.store.create('Plain')
  const records = readFileSync(join(place.dir, 'audit'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), time: '' }))
  const common = { time: '', user: 'bob', service: 'imap', remote_ip: '192.0.2.1', action: 'copy' }
  const at = { mailbox: 'shared/olga/Work/new', owner: 'olga', before: [] }
  assert.deepEqual(records, [
    { ...common, ...at, id: 'group=staff', after: ['group=staff l'] },
    { ...common, ...at, id: 'user=bob', after: ['user=bob klr', '-user=bob w'] },
  ])
})

test('one broken file: its mailbox is closed, the owner is told, the log names file and line, the rest goes on', async (t) => {
  const place = openPlace(t)
  const [olga, bob] = [await place.open('olga'), await place.open('bob')]
  for (const name of ['Bad', 'Good']) {
    await olga.store.create(name)
    await olga.session.commands.setAcl(await olga.find(name), 'bob', 'lr')
  }
  writeFileSync(join(place.dir, 'olga/.Bad/dovecot-acl'), 'user=bob lr\nbob lr\n')
  assert.equal(await outcome(bob.store.open('shared/olga/Bad', 'read-only')), 'not-found')
  assert.equal(await outcome(olga.store.open('Bad', 'read-only')), 'temporary')
  const names = (await bob.store.list(['*'])).map(({ name }) => name)
  assert.ok(names.includes('shared/olga/Good') && !names.includes('shared/olga/Bad'))
  assert.deepEqual(
    new Set(place.logged),
    new Set([`error: ACL file ${place.dir}/olga/.Bad/dovecot-acl line 2: Unknown ID 'bob'`]),
  )
})

test('the sweep forgets users who are no more, on both sides, and verify tells of them before', async (t) => {
  const place = openPlace(t)
  const olga = await place.open('olga')
  await olga.store.create('Work')
  for (const who of ['bob', 'dave']) await olga.session.commands.setAcl(await olga.find('Work'), who, 'lr')
  const keys = async () => (await place.dict.keys('shared/')).map((key) => key.replace('shared/shared-boxes/', ''))
  assert.deepEqual(await keys(), ['user/bob/olga', 'user/dave/olga'])
  const staying = await place.open('olga', {}, ['olga', 'bob'])
  const own = staying.session.namespaces.own[0] ?? assert.fail()
  const told = async () => (await staying.session.visibility.verify(own)).map(({ kind, what }) => `${kind} ${what}`)
  assert.deepEqual(await told(), ['stale shared/shared-boxes/user/dave/olga'])
  await staying.session.sweep()
  assert.deepEqual(await keys(), ['user/bob/olga'])
  assert.deepEqual(await told(), [])
  const bob = await place.open('bob', {}, ['bob', 'dave'])
  assert.equal((await bob.session.visibility.verifyGhosts(bob.session.access.identity)).length, 1)
  await bob.session.sweep()
  assert.deepEqual(await keys(), [], 'there is no olga')
  assert.ok(place.logged.includes('info: acl: There is no user olga: nothing is shared by him any more'))
  const back = await place.open('olga', {}, ['olga', 'bob', 'dave'])
  await back.session.sweep()
  assert.deepEqual(await keys(), ['user/bob/olga', 'user/dave/olga'], 'who comes back shares as before')
})

test('a store leads to its session; one without ACLs to none', async (t) => {
  const place = openPlace(t)
  const { session, store } = await place.open('olga')
  assert.equal(aclSessionOf(store), session)
  assert.equal(aclSessionOf(openStoreWithoutAcl()), undefined)
})

function openStoreWithoutAcl() {
  return new MemoryMail().open()
}

/** Directories that changed just now are read again each time: the same array comes when they have been quiet for a moment. */
async function untilRemembered(store: MailStore): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if ((await store.list(['*'])) === (await store.list(['*']))) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail('the list is never the same')
}

test('a list that is asked for again is the same until something changes, and tells of every change when it should', async (t) => {
  const place = openPlace(t)
  const believed = { acl: 'vfile::cache_secs=30' }
  const [olga, bob] = [await place.open('olga', believed), await place.open('bob', believed)]
  const set = async (name: string, rights: string): Promise<void> => {
    const found = await olga.find(name)
    const backend = olga.session.access.backend
    await backend.update(found.namespace, found.mailbox, {
      identifier: { kind: 'user', name: 'bob' },
      positive: { mode: 'replace', rights: rightsOf(rights) },
    })
  }
  for (const name of ['Work', 'Other', 'Third']) {
    await olga.store.create(name)
    await set(name, name === 'Third' ? 'r' : 'lr')
  }
  await olga.session.visibility.refresh(olga.session.namespaces.own[0] ?? assert.fail())
  const seen = async (): Promise<readonly string[]> =>
    (await bob.store.list(['*'])).flatMap(({ name, selectable }) => (selectable && name !== 'INBOX' ? [name] : []))
  const [work, other, third] = ['Work', 'Other', 'Third'].map((name) => `shared/olga/${name}`)
  assert.deepEqual((await seen()).toSorted(), [other, work])
  await untilRemembered(bob.store)
  assert.deepEqual(
    (await bob.store.list(['%'])).map(({ name }) => name).toSorted(),
    ['INBOX', 'shared', 'shared/olga', other, work],
    'another pattern of the same list',
  )

  const all = await bob.store.list(['*'])
  assert.deepEqual(
    (await bob.store.list(['INBOX'])).map(({ name }) => name),
    ['INBOX'],
    'nothing else is looked at',
  )
  assert.equal(await bob.store.list(['*']), all, 'what was asked for in between takes nothing away')

  await set('Other', 'r')
  assert.deepEqual(await seen(), [work], 'a change in this process is seen at once')
  await set('Other', 'lr')
  assert.deepEqual((await seen()).toSorted(), [other, work])
  await untilRemembered(bob.store)

  writeFileSync(join(place.dir, 'olga/.Work/dovecot-acl'), 'user=bob r\n\n')
  assert.deepEqual((await seen()).toSorted(), [other, work], 'what others write is seen when cache_secs are over')
  place.clock.aheadMs += 30_000
  assert.deepEqual(await seen(), [other])
  rmSync(join(place.dir, 'olga/.Other/dovecot-acl'))
  writeFileSync(join(place.dir, 'olga/.Third/dovecot-acl'), 'user=bob l\n\n')
  place.clock.aheadMs += 30_000
  assert.deepEqual(await seen(), [third])

  mkdirSync(join(place.dir, 'olga/.New'))
  writeFileSync(
    join(place.dir, 'olga/.New/dovecot-acl'),
    `user=bob lr :until=${new Date(Date.now() + 70_000).toISOString()}\n`,
  )
  assert.deepEqual((await seen()).toSorted(), ['shared/olga/New', third], 'a new mailbox is seen at once')
  place.clock.aheadMs += 15_000
  assert.deepEqual(await seen(), [third], 'a grant ends when it ends, not when files are looked at')
})
