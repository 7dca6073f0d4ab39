import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeMailTree } from '../../../test/acl/mail-tree.ts'
import { AclAccess } from '../access.ts'
import { parseAclFile } from '../acl-file.ts'
import { sortEntries } from '../entries.ts'
import { identifierText } from '../identifier.ts'
import { ALL_RIGHTS, lettersOf, rightsOf } from '../rights.ts'
import { AclCommands, type AclReply, type NamedMailbox } from './commands.ts'
import { aclPairs } from './get-acl.ts'
import { imapIdentifierText, parseImapIdentifier } from './identifier.ts'
import { imapRights, parseRightsChange } from './rights-text.ts'

const identifiers: [text: string, result: string, why: string][] = [
  ['bob', 'user=bob', 'a user'],
  ['anonymous', 'user=anonymous', 'is a user here'],
  ['OWNER', 'user=OWNER', 'case counts'],
  ['owner', 'owner', 'the owner'],
  ['$staff', 'group=staff', 'a group'],
  ['!$off', 'group-override=off', 'an override'],
  ['!x', 'user=!x', 'an exclamation mark alone is part of a name'],
  ['$!x', 'group=!x', 'the other way round it is a group'],
  ['-bob', '-user=bob', 'a negative entry'],
  ['-$staff', '-group=staff', 'of a group'],
  ['user=x', 'user=user=x', 'no file syntax'],
  ['a b', 'user=a b', 'spaces'],
  ['../x', 'user=../x', 'slashes and dots: no path is made of it'],
  ['anyone', "'anyone' identifier is disallowed.", 'needs acl_anyone'],
  ['-authenticated', "'authenticated' identifier is disallowed.", 'negative too'],
  ['#bob', "Global ACLs can't be modified: #bob.", 'a global entry'],
  ['-#bob', "Global ACLs can't be modified: #bob.", 'negative too'],
  ['a\nowner lr', 'Invalid identifier.', 'a line feed would be a line of its own'],
  ['a\r', 'Invalid identifier.', 'a carriage return'],
  ['a\0', 'Invalid identifier.', 'a NUL'],
  ['a\x7f', 'Invalid identifier.', 'a control character'],
  ['x'.repeat(1025), 'Invalid identifier.', 'a long one'],
  ['\udce9', 'Invalid identifier.', 'no UTF-8'],
]

for (const [text, result, why] of identifiers) {
  test(`IMAP identifier ${JSON.stringify(text.slice(0, 20))}: ${why}`, () => {
    const parsed = parseImapIdentifier(text, true, false)
    if (typeof parsed === 'string') return assert.equal(parsed, result)
    assert.equal(`${parsed.isNegative ? '-' : ''}${identifierText(parsed.identifier)}`, result)
    assert.equal(`${parsed.isNegative ? '-' : ''}${imapIdentifierText(parsed.identifier)}`, text)
  })
}

test('anyone is allowed by acl_anyone, and may always be deleted', () => {
  for (const parsed of [parseImapIdentifier('anyone', true, true), parseImapIdentifier('anyone', false, false)]) {
    assert.ok(typeof parsed === 'object')
    assert.equal(parsed.identifier.kind, 'anyone')
  }
})

const changes: [text: string, result: string, why: string][] = [
  ['lrs', 'replace lrs', 'replaces'],
  ['', 'replace ', 'with nothing'],
  ['+s', 'add s', 'adds'],
  ['-s', 'remove s', 'removes'],
  ['+', 'add ', 'nothing to add'],
  ['lcd', 'replace ltekx', 'the obsolete letters'],
  ['-c', 'remove kx', 'also with a sign'],
  ['rrr', 'replace r', 'twice is once'],
  ['lrz', 'Invalid ACL right: z.', 'an unknown letter'],
  ['LR', 'Invalid ACL right: L.', 'capitals'],
  ['l+r', 'Invalid ACL right: +.', 'a sign in the middle'],
]

for (const [text, result, why] of changes) {
  test(`SETACL rights ${JSON.stringify(text)}: ${why}`, () => {
    const parsed = parseRightsChange(text)
    assert.equal(typeof parsed === 'string' ? parsed : `${parsed.mode} ${lettersOf(parsed.rights, 'myrights')}`, result)
  })
}

test('rights are shown with c and d behind, in both orders; named ones are not', () => {
  assert.equal(imapRights(ALL_RIGHTS, 'myrights'), 'lrwstipekxacd')
  assert.equal(imapRights(ALL_RIGHTS, 'file'), 'akxeilprwtscd')
  assert.equal(imapRights(rightsOf('lk'), 'file'), 'klc')
  assert.equal(imapRights(rightsOf('le'), 'myrights'), 'led')
  assert.equal(imapRights(new Set(['custom']), 'file'), '')
})

const pairs: [local: string, global: string, isOwner: boolean, result: string, why: string][] = [
  ['', '', true, 'alice lrwstipekxacd', 'what the owner has without entries'],
  ['', '', false, '', 'others have nothing to show'],
  ['user=bob lrs', '', true, 'bob srl alice lrwstipekxacd', 'the own rights come last'],
  ['owner lr', '', true, 'alice rl', 'the owner has his name'],
  ['owner lr', '', false, 'owner rl', 'to others he is the owner'],
  ['-user=alice l\nuser=bob l', '', true, '-alice l bob l alice lrwstipekxacd', 'a denial alone gives nothing'],
  ['owner lr\nuser=alice l', '', true, 'owner rl alice l', 'two that could be meant: both literally'],
  ['', 'owner lra', true, '#alice alr', 'a global entry'],
  ['owner l', 'owner lra', true, 'owner l #owner alr', 'local and global'],
  ['', '-user=admin x', false, '-#admin xc', 'a global denial'],
  ['group=staff lr\n-group=staff w\ngroup-override=off', '', false, '$staff rl -$staff w !$off ', 'groups'],
]

for (const [local, global, isOwner, result, why] of pairs) {
  test(`GETACL: ${why}`, () => {
    const [one, other] = [local, global].map((text) => {
      const parsed = parseAclFile(Buffer.from(text), { path: '/f', isStrict: true })
      assert.ok(parsed.kind === 'lines')
      return parsed.lines
    })
    const shown = aclPairs(sortEntries(one ?? [], other ?? [], 0).entries, {
      user: 'alice',
      groups: new Set(),
      isOwner,
    })
    const sorted = shown.map(([id, rights]) => `${id} ${rights}`).join(' ')
    assert.equal(sorted, result.replaceAll('srl', 'lrs').replaceAll('rl', 'lr'))
  })
}

const say = (reply: AclReply): string =>
  reply.kind === 'ok'
    ? `OK ${reply.text}`
    : `${reply.kind} ${reply.kind === 'no' ? (reply.code ?? '') : ''} ${reply.text}`

test('the commands: who may, and what they answer', async (t) => {
  const tree = makeMailTree(t)
  const backend = await tree.backend()
  const open = (user: string) =>
    new AclCommands({
      access: new AclAccess({ backend, identity: { user, loginUser: user, groups: new Set() }, ignoredNamespaces: [] }),
      allowsAnyone: false,
      onChange: () => Promise.resolve(),
      log: () => undefined,
    })
  const own = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const shared = tree.namespace({ root: 'olga', type: 'shared', prefix: 'shared/olga/', mailboxes: ['Work'] })
  const pub = tree.namespace({ root: 'pub', type: 'public', prefix: 'Public/', mailboxes: ['p'] })
  tree.write('pub/.p/dovecot-acl', 'user=olga lra\n')
  const box = (namespace: typeof own, mailbox: string, isSelectable = true): NamedMailbox => ({
    namespace,
    mailbox,
    typed: namespace.prefix + mailbox,
    isSelectable,
  })
  const [olga, bob] = [open('olga'), open('bob')]
  assert.equal(say(await olga.setAcl(box(own, 'Work'), '', 'l')), 'bad  Invalid arguments.')
  assert.equal(say(await olga.deleteAcl(box(own, 'Work'), '')), 'bad  Invalid arguments.')
  assert.equal(
    say(await olga.setAcl(box(own, 'nosuch', false), 'bob', 'lz')),
    'bad  Invalid ACL right: z.',
    'arguments first',
  )
  assert.equal(
    say(await olga.setAcl(box(own, 'nosuch', false), 'bob', 'l')),
    "no NONEXISTENT Mailbox doesn't exist: nosuch",
  )
  assert.equal(say(await olga.myRights(box(own, 'nosuch', false))), 'OK Myrights completed.')
  assert.equal(say(await bob.getAcl(box(shared, 'Work'))), "no NONEXISTENT Mailbox doesn't exist: shared/olga/Work")
  assert.equal(say(await olga.setAcl(box(own, 'Work'), 'bob', 'lr')), 'OK Setacl complete.')
  assert.equal(
    say(await bob.setAcl(box(shared, 'Work'), 'dave', 'l')),
    'no NOPERM You lack administrator privileges on this mailbox.',
  )
  assert.equal(say(await olga.setAcl(box(own, 'Work'), 'bob', 'p')), 'OK Setacl complete.')
  assert.equal(
    say(await bob.myRights(box(shared, 'Work'))),
    "no NONEXISTENT Mailbox doesn't exist: shared/olga/Work",
    'p alone tells nothing',
  )
  assert.equal(say(await olga.setAcl(box(pub, 'p'), 'owner', 'lr')), 'no  Public namespaces have no owner.')
  assert.equal(say(await olga.deleteAcl(box(pub, 'p'), 'owner')), 'OK Deleteacl complete.')
  assert.equal(say(await olga.deleteAcl(box(own, 'Work'), 'anyone')), 'OK Deleteacl complete.')
  assert.deepEqual(olga.listRights('bob'), {
    kind: 'ok',
    strings: ['bob', '', 'l', 'r', 'w', 's', 't', 'p', 'i', 'e', 'k', 'x', 'a', 'c', 'd'],
    text: 'Listrights completed.',
  })
})

test('own denials count at once', async (t) => {
  const tree = makeMailTree(t)
  const backend = await tree.backend({ acl: 'vfile::cache_secs=1000' })
  const namespace = tree.namespace({ root: 'olga', mailboxes: ['Work'] })
  const access = new AclAccess({
    backend,
    identity: { user: 'olga', loginUser: 'olga', groups: new Set() },
    ignoredNamespaces: [],
  })
  const commands = new AclCommands({
    access,
    allowsAnyone: false,
    onChange: () => Promise.resolve(),
    log: () => undefined,
  })
  const work = { namespace, mailbox: 'Work', typed: 'Work', isSelectable: true }
  assert.deepEqual((await commands.myRights(work)).kind, 'ok')
  await commands.setAcl(work, '-olga', 'l')
  const reply = await commands.myRights(work)
  assert.deepEqual(reply.kind === 'ok' && reply.strings, ['rwstipekxacd'])
})
