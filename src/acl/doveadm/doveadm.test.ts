import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeMailTree } from '../../../test/acl/mail-tree.ts'
import { AclAccess } from '../access.ts'
import type { AclNamespace } from '../namespace.ts'
import { FileSharedDict } from '../visibility/file-dict.ts'
import { AclVisibility } from '../visibility/visibility.ts'
import { DoveadmAcl, type DoveadmMailbox } from './commands.ts'
import { type DoveadmAclMode, parseDoveadmChange } from './words.ts'

async function open(t: TestContext, user: string) {
  const tree = makeMailTree(t)
  const backend = await tree.backend()
  const dict = new FileSharedDict(join(tree.dir, 'shared.db'), Date.now)
  const identity = { user, loginUser: user, groups: new Set(['staff']) }
  const access = new AclAccess({ backend, identity, ignoredNamespaces: [] })
  const visibility = new AclVisibility({ backend, dict, now: Date.now, log: (_, text) => assert.fail(text) })
  const doveadm = new DoveadmAcl({ access, visibility, onChange: () => Promise.resolve() })
  const mailbox = (namespace: AclNamespace, name: string): DoveadmMailbox => ({
    namespace,
    mailbox: name,
    exists: name !== 'Nope',
    path: '/mail/olga/.Work',
    hasPrivateSeen: namespace.type === 'shared',
  })
  return { tree, doveadm, mailbox, visibility }
}

const changes: [mode: DoveadmAclMode, id: string, words: string[], file: string, why: string][] = [
  ['set', 'user=bob', ['lookup', 'read'], 'user=bob lr\n', 'long names'],
  ['set', 'user=bob', ['lookup', '-write', '-expunge'], 'user=bob l\n-user=bob ew\n', 'negative ones with a sign'],
  ['add', 'user=bob', ['admin'], 'user=bob ae\n-user=bob w\n', 'added'],
  ['remove', 'user=bob', ['expunge', '-write'], 'user=bob \n-user=bob \n', 'removed: the entry stays'],
  ['set', 'user=bob', ['-write'], '-user=bob w\n', 'what is not mentioned is cleared'],
  ['delete', 'user=bob', [], '', 'deleted'],
  ['set', 'group=my group', ['all'], '"group=my group" akxeilprwts\n', 'everything'],
  ['set', 'anyone', ['lookup', ':plugin'], 'anyone l :plugin\n', 'names of others, and anybody without acl_anyone'],
]

for (const [mode, id, words, file, why] of changes) {
  test(`doveadm acl ${mode} ${id} ${words.join(' ')}: ${why}`, async (t) => {
    const { tree, doveadm, mailbox } = await open(t, 'olga')
    const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
    if (mode !== 'set' || words[0] === '-write') tree.write('olga/.Work/dovecot-acl', 'user=bob e\n-user=bob w\n')
    await doveadm.change(mailbox(namespace, 'Work'), parseDoveadmChange(mode, id, words))
    assert.equal(readFileSync(join(tree.dir, 'olga/.Work/dovecot-acl'), 'latin1'), file)
  })
}

const refused: [id: string, words: string[], text: string][] = [
  ['bob', ['lookup'], 'Invalid ID: bob'],
  ['user=a\nowner', ['lookup'], 'Invalid ID: user=a\nowner'],
  ['user=bob', ['lr'], "Invalid right 'lr'"],
  ['user=bob', ['-lr'], "Invalid right 'lr'"],
  ['user=bob', [':a b'], "Invalid right ':a b'"],
  ['user=bob', [':'], "Invalid right ':'"],
]

for (const [id, words, text] of refused) {
  test(`doveadm acl set ${JSON.stringify(id)} ${words.join(' ')} is a usage error`, () => {
    assert.throws(() => parseDoveadmChange('set', id, words), { name: 'DoveadmAclUsage', message: text })
  })
}

test('doveadm acl get: rows in the order they are weighed, -m only what applies to the user', async (t) => {
  const { tree, doveadm, mailbox } = await open(t, 'bob')
  const shared = tree.namespace({ root: 'olga', type: 'shared', prefix: 'shared/olga/', mailboxes: ['Work'] })
  tree.write(
    'olga/.Work/dovecot-acl',
    'user=bob lr :until=2030-01-01\n-user=bob ew\ngroup=staff lrwstipekxa\nuser=dave l\n',
  )
  const rows = await doveadm.get(mailbox(shared, 'Work'), false)
  assert.deepEqual(rows, [
    {
      id: 'group=staff',
      global: '',
      rights: 'admin create delete expunge insert lookup post read write write-deleted write-seen',
    },
    { id: 'user=bob', global: '', rights: 'lookup read until=2030-01-01 -expunge -write' },
    { id: 'user=dave', global: '', rights: 'lookup' },
  ])
  assert.deepEqual(
    (await doveadm.get(mailbox(shared, 'Work'), true)).map(({ id }) => id),
    ['group=staff', 'user=bob'],
  )
  assert.equal(await doveadm.rights(mailbox(shared, 'Work')), 'lookup read')
  await assert.rejects(doveadm.get(mailbox(shared, 'Nope'), false), {
    exitCode: 68,
    message: "Can't open mailbox shared/olga/Nope: Mailbox doesn't exist: shared/olga/Nope",
  })
})

test('doveadm acl debug tells what keeps a mailbox from being seen, and mends the dictionary', async (t) => {
  const { tree, doveadm, mailbox } = await open(t, 'bob')
  const shared = tree.namespace({ root: 'olga', type: 'shared', prefix: 'shared/olga/', mailboxes: ['Work'] })
  const lines = async () => (await doveadm.debug(mailbox(shared, 'Work'))).map(([level, text]) => `${level}: ${text}`)
  assert.deepEqual(await lines(), [
    "info: Mailbox 'Work' is in namespace 'shared/olga/'",
    'info: Mailbox path: /mail/olga/.Work',
    String.raw`info: Per-user private flags in mailbox: \Seen`,
    'info: User bob has no rights for mailbox',
    "error: User bob is missing 'lookup' right",
    'info: Mailbox shared/olga/Work is NOT visible in LIST',
  ])
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  assert.deepEqual((await lines()).slice(3), [
    'info: User bob has rights: lookup read',
    'info: Mailbox found from dovecot-acl-list',
    'error: User olga not found from ACL shared dict, rebuilding',
    'info: User olga found from ACL shared dict',
    'info: Mailbox shared/olga/Work is visible in LIST',
  ])
  assert.ok(!(await lines()).some((line) => line.startsWith('error')))
})

test('a change by doveadm is seen by those it is for', async (t) => {
  const { tree, doveadm, mailbox, visibility } = await open(t, 'olga')
  const own = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  await doveadm.change(mailbox(own, 'Work'), parseDoveadmChange('set', 'user=bob', ['lookup']))
  const bob = { user: 'bob', loginUser: 'bob', groups: new Set<string>() }
  assert.deepEqual(await visibility.owners(bob), ['olga'])
  await doveadm.change(mailbox(own, 'Work'), parseDoveadmChange('delete', 'user=bob', []))
  assert.deepEqual(await visibility.owners(bob), [])
})
