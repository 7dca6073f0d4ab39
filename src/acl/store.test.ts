import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagsIn, openSharedMail, outcome, put, type SharedMail } from '../../test/acl/shared-mail.ts'
import { ANSWERED, DELETED, FLAGGED, SEEN } from '../storage/flags.ts'
import type { MailStore } from '../storage/store.ts'

const LETTERS = 'lrwstipekxa'

/** None, all, each alone, each missing, each pair. */
function rightSets(): readonly string[] {
  const sets = new Set(['', LETTERS])
  for (const one of LETTERS) {
    sets.add(one)
    sets.add(LETTERS.replace(one, ''))
    for (const other of LETTERS) if (LETTERS.indexOf(other) > LETTERS.indexOf(one)) sets.add(one + other)
  }
  return [...sets]
}

interface Row {
  readonly operation: string
  /** Does it, as bob, on `shared/olga/Work`, or below it. */
  readonly run: (bob: MailStore) => Promise<unknown>
  /** What comes of it with these rights. */
  readonly expected: (has: (letter: string) => boolean) => string
  readonly purpose?: 'delivery'
}

const W = 'shared/olga/Work'

/** Lacking a right: refused where the mailbox may be looked up, unknown where not. */
function need(...letters: string[]): Row['expected'] {
  return (has) => (letters.some(has) ? 'ok' : has('l') ? 'no-permission' : 'not-found')
}

const rows: readonly Row[] = [
  { operation: 'STATUS', run: (bob) => bob.status(W), expected: need('r') },
  { operation: 'SELECT', run: (bob) => bob.open(W, 'read-write'), expected: need('r') },
  { operation: 'EXAMINE', run: (bob) => bob.open(W, 'read-only'), expected: need('r') },
  { operation: 'APPEND', run: (bob) => put(bob, W), expected: need('i') },
  { operation: 'delivery', run: (bob) => put(bob, W), expected: need('p'), purpose: 'delivery' },
  {
    operation: 'COPY to it',
    run: async (bob) => (await bob.open('INBOX', 'read-only')).copy([1], W),
    expected: need('i'),
  },
  {
    operation: 'MOVE to it',
    run: async (bob) => (await bob.open('INBOX', 'read-write')).move([1], W),
    expected: need('i'),
  },
  {
    operation: 'MOVE from it',
    run: async (bob) => (await bob.open(W, 'read-write')).move([1], 'INBOX'),
    expected: (has) => (has('r') ? (has('e') ? 'ok' : 'no-permission') : has('l') ? 'no-permission' : 'not-found'),
  },
  {
    operation: 'COPY from it',
    run: async (bob) => (await bob.open(W, 'read-only')).copy([1], 'INBOX'),
    expected: need('r'),
  },
  {
    operation: 'EXPUNGE',
    run: async (bob) => (await bob.open(W, 'read-write')).expunge(),
    expected: (has) => {
      if (!has('r')) return has('l') ? 'no-permission' : 'not-found'
      if (has('e')) return 'ok'
      // A mailbox that is read-only has nothing to expunge; the view says so itself.
      return ['i', 'w', 's', 't'].some(has) ? 'no-permission' : 'ok'
    },
  },
  {
    operation: 'removal without \\Deleted, as POP3 does it',
    run: async (bob) => (await bob.open(W, 'read-write')).remove([1]),
    expected: (has) => (has('r') ? (has('e') ? 'ok' : 'no-permission') : has('l') ? 'no-permission' : 'not-found'),
  },
  {
    operation: 'SUBSCRIBE',
    run: (bob) => bob.subscribe(W, true),
    expected: (has) => (['l', 'r', 'i'].some(has) ? 'ok' : 'not-found'),
  },
  { operation: 'UNSUBSCRIBE', run: (bob) => bob.subscribe(W, false), expected: () => 'ok' },
  {
    operation: 'CREATE below it',
    run: (bob) => bob.create(`${W}/new`),
    expected: (has) => (has('k') ? 'ok' : 'no-permission'),
  },
  {
    operation: 'DELETE with mail in it',
    run: (bob) => bob.delete(W),
    expected: (has) => (has('x') ? (has('e') ? 'ok' : 'no-permission') : has('l') ? 'no-permission' : 'not-found'),
  },
  { operation: 'DELETE of an empty one', run: (bob) => bob.delete('shared/olga/Empty'), expected: need('x') },
  { operation: 'RENAME of it', run: (bob) => bob.rename(W, 'shared/olga/Open/Work'), expected: need('x') },
  {
    operation: 'RENAME to below it',
    run: (bob) => bob.rename('shared/olga/Open', `${W}/Open`),
    expected: (has) => (has('k') ? 'ok' : 'no-permission'),
  },
]

async function prepare(mail: SharedMail, rights: string): Promise<void> {
  for (const name of ['Work', 'Empty', 'Open']) await mail.olga.create(name)
  await put(mail.olga, 'Work', { bits: DELETED })
  for (const name of ['Work', 'Empty']) mail.share(name, `user=bob ${rights}`)
  mail.share('Open', 'user=bob lrkx')
}

for (const { operation, run, expected, purpose } of rows) {
  test(`${operation}: every set of rights`, async (t) => {
    for (const rights of rightSets()) {
      const mail = openSharedMail(t)
      await prepare(mail, rights)
      const bob = mail.open('bob', purpose === undefined ? {} : { purpose })
      if (purpose === undefined) await put(bob, 'INBOX')
      const before = [await flagsIn(mail.olga, 'Work'), (await mail.olga.list(['*'])).length]
      const result = await outcome(run(bob))
      assert.equal(
        result,
        expected((letter) => rights.includes(letter)),
        `rights ${JSON.stringify(rights)}`,
      )
      if (result === 'ok') continue
      assert.deepEqual(
        [await flagsIn(mail.olga, 'Work'), (await mail.olga.list(['*'])).length],
        before,
        `${rights}: refused, and changed nothing`,
      )
    }
  })
}

test('LIST: visible with l only, whatever else there is', async (t) => {
  for (const rights of rightSets()) {
    const mail = openSharedMail(t)
    await prepare(mail, rights)
    const names = (await mail.open('bob').list(['*'])).map(({ name }) => name)
    assert.equal(names.includes(W), rights.includes('l'), rights)
  }
})

const stores: [
  rights: string,
  mode: 'add' | 'remove' | 'replace',
  bits: number,
  keywords: readonly string[],
  result: string,
  why: string,
][] = [
  ['lrwst', 'replace', SEEN, ['kw2'], '\\Seen kw2', 'everything'],
  ['lr', 'replace', SEEN, [], '\\Flagged \\Deleted kw1', 'nothing at all'],
  ['lrs', 'replace', SEEN | ANSWERED, ['x'], '\\Flagged \\Deleted \\Seen kw1', 'only \\Seen'],
  ['lrt', 'replace', SEEN, [], '\\Flagged kw1', '\\Deleted goes, as it was not named'],
  ['lrw', 'replace', ANSWERED, ['kw2'], '\\Answered \\Deleted kw2', 'flags and keywords, not \\Deleted'],
  ['lrt', 'add', DELETED | ANSWERED, ['x'], '\\Flagged \\Deleted kw1', 'added as far as allowed'],
  ['lrs', 'remove', FLAGGED | DELETED, [], '\\Flagged \\Deleted kw1', 'nothing that is allowed'],
  ['lrw', 'remove', FLAGGED | DELETED, ['kw1'], '\\Deleted', 'removed as far as allowed'],
  ['lri', 'add', SEEN, [], '\\Flagged \\Deleted kw1', 'may be selected for change, but not this one'],
]

for (const [rights, mode, bits, keywords, result, why] of stores) {
  test(`STORE ${mode} with ${rights}: ${why}`, async (t) => {
    const mail = openSharedMail(t)
    await mail.olga.create('Work')
    await put(mail.olga, 'Work', { bits: FLAGGED | DELETED, keywords: ['kw1'] })
    mail.share('Work', `user=bob ${rights}`)
    const mailbox = await mail.open('bob').open(W, 'read-write')
    await mailbox.store([1], { mode, bits, keywords }, { silent: false })
    assert.deepEqual(await flagsIn(mail.olga, 'Work'), [`1 ${result}`])
  })
}

const permanent: [rights: string, readOnly: boolean, bits: number, keywords: string][] = [
  ['lrkxap', true, 0, 'none'],
  ['lrs', false, SEEN, 'none'],
  ['lrt', false, DELETED, 'none'],
  ['lri', false, 0, 'none'],
  ['lre', false, 0, 'none'],
  ['lrw', false, 19, 'new'],
  ['lrwst', false, 31, 'new'],
]

for (const [rights, readOnly, bits, keywords] of permanent) {
  test(`SELECT with ${rights} is ${readOnly ? 'read-only' : 'for change'}, and tells which flags last`, async (t) => {
    const mail = openSharedMail(t)
    await mail.olga.create('Work')
    mail.share('Work', `user=bob ${rights}`)
    const mailbox = await mail.open('bob').open(W, 'read-write')
    assert.equal(mailbox.readOnly, readOnly)
    assert.deepEqual(mailbox.permanent, { bits, keywords })
    assert.equal((await mail.open('bob').open(W, 'read-only')).readOnly, true)
  })
}

test('APPEND and COPY leave out flags that may not be set there, and UIDs that may not be read', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  mail.share('Work', 'user=bob lis')
  const bob = mail.open('bob')
  assert.deepEqual(await put(bob, W, { bits: SEEN | FLAGGED, keywords: ['kw'] }), [])
  await put(bob, 'INBOX', { bits: SEEN | ANSWERED, keywords: ['kw'], internalDateMs: 86_400_000 })
  await put(bob, 'INBOX', { bits: ANSWERED })
  const inbox = await bob.open('INBOX', 'read-write')
  const copied = await inbox.copy([1], W)
  assert.deepEqual([copied.source, copied.target], [[1], []])
  mail.share('Work', 'user=bob lri')
  assert.deepEqual((await inbox.move([2], W)).target, [3])
  assert.deepEqual(await flagsIn(mail.olga, 'Work'), ['1 \\Seen', '2 \\Seen', '3 '])
  assert.deepEqual(await flagsIn(bob, 'INBOX'), ['1 \\Answered \\Seen kw'])
  const work = await mail.olga.open('Work', 'read-only')
  assert.equal((await work.internalDates([2])).get(2), 86_400_000)
})

test('a selected mailbox obeys rights that change: what may not be read any more is refused, others are judged anew', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  await put(mail.olga, 'Work')
  mail.share('Work', 'user=bob lrs')
  const mailbox = await mail.open('bob').open(W, 'read-write')
  mail.share('Work', 'user=bob lrw')
  await mailbox.store([1], { mode: 'add', bits: SEEN | FLAGGED, keywords: [] }, { silent: false })
  assert.deepEqual(await flagsIn(mail.olga, 'Work'), ['1 \\Flagged'])
  mail.share('Work', 'user=bob l')
  assert.throws(() => mailbox.sync({ expunge: true, look: 'now' }), { code: 'no-permission' })
  assert.equal(await outcome(Promise.resolve(mailbox.openMessage(1))), 'no-permission')
  await new Promise((resolve) => setImmediate(resolve))
  assert.throws(() => mailbox.message(1), { code: 'no-permission' }, 'what is in memory is not told either')
})

test('LIST shows the way to what is visible, as far as the pattern does not show that itself', async (t) => {
  const mail = openSharedMail(t)
  for (const name of ['t', 't/hid', 't/hid/vis', 'solo', 'none']) await mail.olga.create(name)
  mail.share('t/hid/vis', 'user=bob lr')
  mail.share('solo', 'user=bob r')
  const bob = mail.open('bob')
  const list = async (...patterns: string[]) =>
    (await bob.list(patterns))
      .filter(({ name }) => name.startsWith('shared/olga/'))
      .map(({ name, selectable }) => `${selectable ? '' : '~'}${name.slice(12)}`)
  assert.deepEqual(await list('shared/olga/*'), ['t/hid/vis'])
  assert.deepEqual(await list('shared/olga/%'), ['~t', 't/hid/vis'])
  assert.deepEqual(await list('shared/olga/t/hid'), ['~t/hid', 't/hid/vis'])
  assert.deepEqual(await list('shared/olga/t', 'shared/olga/solo'), ['~t', 't/hid/vis'])
})

test('levels of a prefix are shown when something below them is', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  const names = async () => (await mail.open('bob').list(['*'])).map(({ name }) => name).toSorted()
  assert.deepEqual(await names(), ['INBOX'])
  mail.share('Work', 'user=bob l')
  assert.deepEqual(await names(), ['INBOX', 'shared', 'shared/olga', 'shared/olga/Work'])
})

test('INBOX is listed even to a master user without rights, and cannot be opened by him', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  const admin = mail.open('olga', { aclUser: 'admin' })
  assert.deepEqual(
    (await admin.list(['*'])).map(({ name }) => name),
    ['INBOX'],
  )
  assert.equal(await outcome(admin.open('INBOX', 'read-only')), 'not-found')
  assert.equal(await outcome(admin.create('x')), 'no-permission')
  mail.own('Work', 'user=admin lr')
  assert.equal(await outcome(admin.open('Work', 'read-only')), 'ok')
})

test('the owner needs no entries; entries may limit him', async (t) => {
  const mail = openSharedMail(t)
  const olga = mail.open('olga')
  await olga.create('Work')
  await put(olga, 'Work')
  mail.own('Work', 'owner lr')
  assert.equal(await outcome(put(olga, 'Work')), 'no-permission')
  assert.equal(await outcome(olga.delete('Work')), 'no-permission')
})

test('top-level mailboxes: the default object decides, for the owner too', async (t) => {
  const mail = openSharedMail(t)
  assert.equal(await outcome(mail.open('bob').create('Public/p')), 'no-permission')
  mail.publish('', 'user=bob klr')
  assert.equal(await outcome(mail.open('bob').create('Public/p')), 'ok')
  mail.own('', 'owner lrwstipexa')
  const olga = mail.open('olga')
  assert.equal(await outcome(olga.create('top')), 'no-permission')
  await mail.olga.create('old')
  assert.equal(await outcome(olga.create('old/below')), 'ok')
})

test('a new mailbox inherits the entries of the nearest one above, or the default', async (t) => {
  const mail = openSharedMail(t)
  mail.own('Par', 'user=bob klr\n-user=dave w')
  await mail.olga.create('Par')
  const olga = mail.open('olga')
  await olga.create('Par/a/b/c')
  const namespace = { prefix: '' } as Parameters<typeof mail.backend.object>[0]
  const object = mail.backend.object(namespace, 'Par/a/b/c')
  assert.ok(object.kind === 'entries')
  assert.equal(object.entries.length, 2)
  mail.own('Par', '')
  const kept = mail.backend.object(namespace, 'Par/a/b/c')
  assert.ok(kept.kind === 'entries' && kept.entries.length === 2, 'what changes above later is nothing to it')
  assert.deepEqual(mail.changed, ['Par/a/b/c'])
})

test('a broken ACL: unknown to others, an error for the owner, and LIST goes on', async (t) => {
  const mail = openSharedMail(t)
  for (const name of ['Bad', 'Good']) await mail.olga.create(name)
  mail.share('Bad', 'nonsense')
  mail.own('Bad', 'nonsense')
  mail.share('Good', 'user=bob lr')
  const bob = mail.open('bob')
  assert.equal(await outcome(bob.open('shared/olga/Bad', 'read-only')), 'not-found')
  assert.deepEqual(
    (await bob.list(['shared/olga/*']))
      .filter(({ name, selectable }) => selectable && name !== 'INBOX')
      .map(({ name }) => name),
    ['shared/olga/Good'],
  )
  const olga = mail.open('olga')
  assert.equal(await outcome(olga.open('Bad', 'read-only')), 'temporary')
  assert.ok((await olga.list(['*'])).some(({ name }) => name === 'Bad'))
})

test('acl_ignore_namespace: everything is allowed there', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  const bob = mail.open('bob', { ignored: ['shared/*'] })
  assert.equal(await outcome(put(bob, W)), 'ok')
  assert.equal(await outcome(bob.delete(W)), 'ok')
})

test('delivery into the own INBOX asks for no right; other mailboxes need p, also against the owner', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Junk')
  mail.own('INBOX', 'owner la')
  mail.own('Junk', 'owner lrwstie')
  const olga = mail.open('olga', { purpose: 'delivery' })
  assert.equal(await outcome(put(olga, 'INBOX', { bits: SEEN })), 'ok')
  assert.equal(await outcome(put(olga, 'Junk')), 'no-permission')
  mail.own('Junk', 'owner p')
  assert.equal(await outcome(put(olga, 'Junk')), 'ok')
})

test('renaming across namespaces, or below itself, is refused before any right is asked', async (t) => {
  const mail = openSharedMail(t)
  await mail.olga.create('Work')
  const bob = mail.open('bob')
  await assert.rejects(bob.rename(W, 'Mine'), /Renaming not supported across non-private namespaces/)
  await assert.rejects(bob.rename(W, `${W}/sub`), /Can't rename mailbox under its own child/)
})

test('subscriptions: those to a sharer of whom nothing is visible are not shown, and come back', async (t) => {
  const mail = openSharedMail(t)
  for (const name of ['Work', 'Other']) await mail.olga.create(name)
  mail.share('Work', 'user=bob lr')
  const bob = mail.open('bob')
  await bob.subscribe(W, true)
  assert.deepEqual(await bob.subscriptions(), [W])
  mail.share('Work', '')
  assert.deepEqual(await bob.subscriptions(), [])
  mail.share('Other', 'user=bob l')
  assert.deepEqual(await bob.subscriptions(), [W])
})
