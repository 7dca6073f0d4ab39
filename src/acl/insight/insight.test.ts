import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateAclFile, randomSource } from '../../../test/acl/generated-acls.ts'
import { makeMailTree } from '../../../test/acl/mail-tree.ts'
import { AclAccess } from '../access.ts'
import { openAuditLog } from '../audit-log.ts'
import { parseAclFile } from '../acl-file.ts'
import { effectiveRights } from '../effective.ts'
import { type AclEntry, sortEntries } from '../entries.ts'
import { expireGrants } from '../expire-grants.ts'
import type { Viewer } from '../identifier.ts'
import { applyRecursively, planRecursively } from '../recursive.ts'
import { lettersOf, rightsOf, sameRights } from '../rights.ts'
import { explainRights, reasonText } from './explain.ts'
import { diffChange, peopleOf, whoMayUse } from './people.ts'
import { whatMayBeUsed } from './reach.ts'

function entries(local: string, global = ''): readonly AclEntry[] {
  const [one, other] = [local, global].map((text, at) => {
    const parsed = parseAclFile(Buffer.from(text), { path: at === 0 ? '/acl' : '/global', isStrict: true })
    return parsed.kind === 'lines' ? parsed.lines : []
  })
  return sortEntries(one ?? [], other ?? [], 0).entries
}

const bob: Viewer = { user: 'bob', groups: new Set(['staff']), isOwner: false }
const olga: Viewer = { user: 'olga', groups: new Set(), isOwner: true }

const rows: [
  local: string,
  global: string,
  defaults: string,
  viewer: Viewer,
  right: string,
  decided: string,
  lost: string[],
  why: string,
][] = [
  ['user=bob lr', '', '', bob, 'read', 'user=bob gives it (/acl line 1)', [], 'given'],
  ['user=bob lr', '', '', bob, 'write', 'no entry gives it', [], 'not given'],
  [
    'anyone lrw\nuser=bob lr',
    '',
    '',
    bob,
    'write',
    'user=bob gives others instead (/acl line 2)',
    ['anyone gives it (/acl line 1)'],
    'replaced',
  ],
  [
    'anyone l\nuser=bob lr',
    '',
    '',
    bob,
    'lookup',
    'user=bob gives it (/acl line 2)',
    [],
    'given twice: the stronger one decides',
  ],
  [
    'user=bob lrw\n-group=staff w',
    '',
    '',
    bob,
    'write',
    '-group=staff takes it away (/acl line 2)',
    ['user=bob gives it (/acl line 1)'],
    'taken away',
  ],
  [
    '-anyone w\nuser=bob lrw\n-user=bob s',
    '',
    '',
    bob,
    'write',
    'user=bob gives it (/acl line 2)',
    ['-anyone takes it away (/acl line 1)'],
    'a later denial replaces an earlier one',
  ],
  ['', '', '', olga, 'read', 'the owner has every right', [], 'the owner'],
  [
    'owner lr',
    '',
    '',
    olga,
    'write',
    'owner gives others instead (/acl line 1)',
    ['the owner has every right'],
    'the owner limits himself',
  ],
  [
    '',
    'owner lra',
    '',
    olga,
    'write',
    'owner gives others instead (global, /global line 1)',
    ['the owner has every right'],
    'the administrator limits him',
  ],
  ['', '', 'anyone lr', bob, 'read', 'anyone gives it (default, /acl line 1)', [], 'by default'],
]

for (const [local, global, defaults, viewer, right, decided, lost, why] of rows) {
  test(`explain: ${why}`, () => {
    const verdict = explainRights(entries(local, global), entries(defaults), viewer).verdicts.find(
      (one) => one.right === right,
    )
    assert.ok(verdict)
    assert.equal(reasonText(verdict.decided), decided)
    assert.deepEqual(verdict.lost.map(reasonText), lost)
  })
}

test('what is explained is what counts, for generated files', () => {
  const viewers: Viewer[] = [
    bob,
    olga,
    { user: 'multi', groups: new Set(['g1', 'g2']), isOwner: false },
    { user: undefined, groups: new Set(), isOwner: false },
  ]
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...viewers), (seed, viewer) => {
      const random = randomSource(seed)
      const [own, defaults] = [
        entries(generateAclFile(random), generateAclFile(random)),
        entries(generateAclFile(random)),
      ]
      const explanation = explainRights(own, defaults, viewer)
      assert.ok(sameRights(explanation.rights, effectiveRights(own, defaults, viewer)))
      for (const { right, isGranted, decided } of explanation.verdicts) {
        assert.equal(isGranted, explanation.rights.has(right))
        assert.equal(decided.effect === 'gives', isGranted, `${right}: ${reasonText(decided)}`)
      }
    }),
  )
})

test('who may use a mailbox: users, owners, members of groups, everybody else', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  tree.write('olga/.Work/dovecot-acl', 'authenticated l\nuser=bob lr\ngroup=staff lrw\nuser=eve\n')
  const backend = await tree.backend()
  const object = backend.object(namespace, 'Work')
  assert.ok(object.kind === 'entries')
  const people = peopleOf(object.entries, [
    { user: 'olga', groups: new Set() },
    { user: 'carol', groups: new Set(['staff']) },
  ])
  const who = whoMayUse(namespace, object, backend.object(namespace, ''), people)
  assert.deepEqual(
    who.map(
      ({ person, rights, isOwner }) => `${person.label} ${lettersOf(rights, 'myrights')}${isOwner ? ' (owner)' : ''}`,
    ),
    ['olga lrwstipekxa (owner)', 'carol lrw', 'bob lr', 'members of staff lrw', 'everybody else l'],
  )
})

test('what a planned change would alter', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\ngroup=staff lrw\n')
  const backend = await tree.backend()
  const object = backend.object(namespace, 'Work')
  assert.ok(object.kind === 'entries')
  const change = {
    identifier: { kind: 'group', name: 'staff' },
    positive: { mode: 'replace', rights: rightsOf('l') },
  } as const
  const people = peopleOf(object.entries, [{ user: 'carol', groups: new Set(['staff']) }])
  const differences = diffChange(namespace, object, backend.object(namespace, ''), change, people, 0)
  assert.deepEqual(
    differences.map(
      ({ person, before, after }) => `${person.label} ${lettersOf(before, 'myrights')} ${lettersOf(after, 'myrights')}`,
    ),
    ['carol lrw l', 'members of staff lrw l'],
  )
})

test('what a user may use', async (t) => {
  const tree = makeMailTree(t)
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr\n')
  tree.write('pub/dovecot-acl', 'anyone l\n')
  const namespaces = [
    tree.namespace({ root: 'olga', type: 'shared', prefix: 'shared/olga/', mailboxes: ['INBOX', 'Work'] }),
    tree.namespace({ root: 'pub', type: 'public', prefix: 'Public/', mailboxes: ['b', 'a'] }),
  ]
  const access = new AclAccess({
    backend: await tree.backend(),
    identity: { user: 'bob', loginUser: 'bob', groups: new Set() },
    ignoredNamespaces: [],
  })
  const reached = await collected(whatMayBeUsed(access, namespaces))
  assert.deepEqual(
    reached.map(({ name, rights }) => `${name} ${lettersOf(rights, 'myrights')}`),
    ['shared/olga/Work lr', 'Public/a l', 'Public/b l'],
  )
})

test('a recursive change: the plan is what then happens, and one broken file does not stop it', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['a', 'a/b', 'a/c', 'ab'] })
  tree.write('olga/.a.b/dovecot-acl', 'user=bob lr\n')
  tree.write('olga/.a.c/dovecot-acl', 'nonsense\n')
  const backend = await tree.backend()
  const change = {
    identifier: { kind: 'user', name: 'bob' },
    positive: { mode: 'replace', rights: rightsOf('lr') },
  } as const
  const plan = await planRecursively(backend, namespace, 'a', change, tree.nowMs)
  assert.deepEqual(
    plan.map((one) => `${one.mailbox} ${one.kind === 'update' ? one.isChanged : one.kind}`),
    ['a true', 'a/b false', 'a/c failure'],
  )
  const made = await applyRecursively(backend, namespace, 'a', change)
  assert.deepEqual(
    made.filter(({ kind }) => kind === 'update'),
    plan.filter(({ kind }) => kind === 'update'),
  )
  assert.equal(readFileSync(join(tree.dir, 'olga/.a/dovecot-acl'), 'utf8'), 'user=bob lr\n')
})

test('grants that have ended are taken out of the files, others stay', async (t) => {
  const tree = makeMailTree(t)
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work', 'Fine'] })
  tree.write('olga/.Work/dovecot-acl', 'user=bob lr :until=2025-12-31\nuser=ann l :until=2026-12-31\n-user=bob w\n')
  tree.write('olga/.Fine/dovecot-acl', '# untouched\nuser=bob lr\n')
  const backend = await tree.backend()
  assert.deepEqual(await collected(expireGrants(namespace, backend)), [
    { mailbox: 'Work', line: 'user=bob lr :until=2025-12-31' },
  ])
  assert.equal(
    readFileSync(join(tree.dir, 'olga/.Work/dovecot-acl'), 'utf8'),
    'user=ann l :until=2026-12-31\n-user=bob w\n',
  )
  assert.equal(readFileSync(join(tree.dir, 'olga/.Fine/dovecot-acl'), 'utf8'), '# untouched\nuser=bob lr\n')
  assert.deepEqual(await collected(expireGrants(namespace, backend)), [])
})

test('the audit log is appended to, a line for each change, and only its owner reads it', async (t) => {
  const tree = makeMailTree(t)
  const path = join(tree.dir, 'audit')
  const log = openAuditLog(path, () => 0)
  const record = {
    user: 'olga',
    service: 'imap',
    action: 'set',
    mailbox: 'Work\n',
    owner: 'olga',
    id: 'user=bob',
    before: [],
    after: ['user=bob lr'],
  } as const
  await Promise.all([log.record(record), log.record(record)])
  appendFileSync(path, '')
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { time: '1970-01-01T00:00:00.000Z', ...record },
      { time: '1970-01-01T00:00:00.000Z', ...record },
    ],
  )
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

async function collected<Value>(values: AsyncIterable<Value>): Promise<readonly Value[]> {
  const all: Value[] = []
  for await (const value of values) all.push(value)
  return all
}
