import assert from 'node:assert/strict'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { maildirPlace, TestMailbox, type MaildirPlace } from '../../../../test/maildir/place.ts'
import { DELETED, FLAGGED, SEEN } from '../../flags.ts'
import type { FormatAppending, FormatMailbox } from '../format.ts'
import { own } from './message-files.ts'
import type { Syncing } from './disk.ts'

interface Opened extends MaildirPlace {
  readonly mailbox: TestMailbox
}

async function openPlace(
  t: TestContext,
  ...options: Parameters<typeof maildirPlace> extends [unknown, ...infer Rest] ? Rest : never
): Promise<Opened> {
  const place = maildirPlace(t, ...options)
  return { ...place, mailbox: await TestMailbox.open(place.store) }
}

function deliver(root: string, name: string, text = `Subject: ${name}\n\n`): void {
  writeFileSync(join(root, 'new', name), text)
}

function files(root: string, directory: string): string[] {
  return readdirSync(join(root, directory)).sort()
}

test('mail that others put into new is moved to cur, in the order in which it came', async (t) => {
  const { mailbox, root } = await openPlace(t)
  deliver(root, '20.M2P1.h')
  deliver(root, '20.M1P1.h')
  deliver(root, '3.M9P1.h:2,S')
  const changes = await mailbox.sync()
  assert.deepEqual(
    changes.added.map(({ uid, flags }) => [uid, flags.text, mailbox.text(uid).split('\n')[0]]),
    [
      [1, '\\Seen', 'Subject: 3.M9P1.h:2,S'],
      [2, '', 'Subject: 20.M1P1.h'],
      [3, '', 'Subject: 20.M2P1.h'],
    ],
  )
  assert.deepEqual(changes.recent, [1, 2, 3])
  assert.deepEqual(files(root, 'new'), [])
  assert.deepEqual(files(root, 'cur'), ['20.M1P1.h:2,', '20.M2P1.h:2,', '3.M9P1.h:2,S'])
})

test('new mail stays in new, and recent, for who does not claim it', async (t) => {
  const { mailbox, root } = await openPlace(t)
  deliver(root, '1.M1P1.h')
  assert.deepEqual((await mailbox.sync({ keepNew: true })).recent, [1])
  assert.deepEqual(files(root, 'new'), ['1.M1P1.h'])
  assert.deepEqual((await mailbox.sync({ keepNew: true })).recent, [])
  const claimed = await mailbox.sync()
  assert.deepEqual([claimed.added, claimed.recent], [[], [1]])
  assert.deepEqual(files(root, 'cur'), ['1.M1P1.h:2,'])
})

test('a message in new whose flags change moves to cur', async (t) => {
  const { mailbox, root } = await openPlace(t)
  deliver(root, '1.M1P1.h')
  await mailbox.sync({ keepNew: true })
  await mailbox.setFlags(1, SEEN)
  assert.deepEqual([files(root, 'new'), files(root, 'cur')], [[], ['1.M1P1.h:2,S']])
})

test('what is no message is left alone', async (t) => {
  const { mailbox, root } = await openPlace(t)
  writeFileSync(join(root, 'cur', '.nfs0001'), '')
  writeFileSync(join(root, 'cur', 'two\nlines'), '')
  writeFileSync(join(root, 'cur', 'no info at all'), 'Subject: x\n\n')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/cur/`), Buffer.from('caf\xe9:2,F', 'latin1')]), 'Subject: y\n\n')
  assert.deepEqual(await mailbox.lines(), ['1 \\Flagged Subject: y', '2  Subject: x'])
  await mailbox.setFlags(1, SEEN)
  await mailbox.setFlags(2, SEEN)
  assert.deepEqual(await mailbox.lines(), ['1 \\Seen Subject: y', '2 \\Seen Subject: x'])
  assert.ok(files(root, 'cur').includes('no info at all:2,S'))
})

test('a message is found when another program renamed its file just now', async (t) => {
  const rows: { why: string; act: (mailbox: TestMailbox) => unknown; left: string[] }[] = [
    { why: 'reading', act: (mailbox) => mailbox.text(1), left: ['1.M1P1.h:2,FP'] },
    { why: 'its date', act: (mailbox) => mailbox.format.internalDate(mailbox.record(1)), left: ['1.M1P1.h:2,FP'] },
    { why: 'flags: theirs are kept', act: (mailbox) => mailbox.setFlags(1, SEEN), left: ['1.M1P1.h:2,FPS'] },
    { why: 'expunge', act: (mailbox) => mailbox.format.expunge([mailbox.record(1)]), left: [] },
  ]
  for (const { why, act, left } of rows) {
    const { mailbox, root } = await openPlace(t)
    writeFileSync(join(root, 'cur', '1.M1P1.h:2,'), 'Subject: x\n\n')
    await mailbox.sync()
    renameSync(join(root, 'cur', '1.M1P1.h:2,'), join(root, 'cur', '1.M1P1.h:2,FP'))
    await act(mailbox)
    assert.deepEqual(files(root, 'cur'), left, why)
    await mailbox.sync()
    if (left.length > 0) assert.equal(mailbox.record(1).flags.bits & FLAGGED, FLAGGED, `${why}: it is told`)
  }
})

test('on a full disk new mail waits, and what is there can be read, flagged and removed', async (t) => {
  const { mailbox, root, complaints, full } = await openOnFullDisk(t)
  deliver(root, '5.M5P5.h')
  full.now = true
  await mailbox.sync()
  assert.match(complaints.join(), /^error: Maildir .*: new mail has to wait: Error: ENOSPC/)
  await mailbox.setFlags(1, SEEN)
  await assert.rejects(mailbox.setFlags(1, SEEN, ['new']), { code: 'over-quota' })
  assert.equal((await mailbox.format.expunge([mailbox.record(2)])).length, 1)
  mailbox.records.delete(2)
  full.now = false
  assert.deepEqual(await mailbox.lines(), ['1 \\Seen Subject: one', '3  Subject: 5.M5P5.h'])
  assert.deepEqual(mailbox.format.keywords, [], 'nothing is left of the keyword that could not be written')
  await mailbox.setFlags(1, SEEN, ['new'])
  assert.equal(readFileSync(`${root}/dovecot-keywords`, 'latin1'), '0 new\n')
})

async function openOnFullDisk(t: TestContext): Promise<Opened & { readonly full: { now: boolean } }> {
  const full = { now: false }
  const sync = async (): Promise<void> => {
    if (full.now) throw Object.assign(new Error('ENOSPC: no space left on device, fsync'), { code: 'ENOSPC' })
  }
  const place = await openPlace(t, {
    settings: { mail_fsync: 'always' },
    syncing: { file: sync, data: sync, directory: () => Promise.resolve() },
  })
  for (const name of ['one', 'two']) await place.mailbox.append(`Subject: ${name}\n\n`)
  await place.mailbox.sync()
  return { ...place, full }
}

test('a message that somebody removed is said to be gone, once', async (t) => {
  const { mailbox, root } = await openPlace(t)
  for (const number of [1, 2, 3]) writeFileSync(join(root, 'cur', `${number}.M1P1.h:2,`), 'Subject: x\n\n')
  await mailbox.sync()
  for (const number of [1, 2, 3]) unlinkSync(join(root, 'cur', `${number}.M1P1.h:2,`))
  const told = [
    ...(await mailbox.setFlags(1, SEEN)),
    ...(await mailbox.format.expunge([mailbox.record(2)])),
    ...(await mailbox.sync()).expunged,
  ]
  assert.deepEqual(
    told.map(({ uid }) => uid),
    [1, 2, 3],
  )
  assert.deepEqual((await mailbox.sync()).expunged, [])
})

test('a large Maildir that nobody served yet gets its uidlist at once, and new mail is moved as ever', async (t) => {
  const { root, store } = maildirPlace(t)
  const uidlist = join(root, 'dovecot-uidlist')
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(root, part), { recursive: true })
  const count = 2000
  for (let number = count; number > 0; number--)
    writeFileSync(join(root, 'cur', `${number}.M1P1.a-host-with-a-name-of-some-length:2,S`), `Subject: ${number}\n\n`)
  const first = await TestMailbox.open(store)
  assert.equal(readFileSync(uidlist, 'latin1').trim().split('\n').length, count + 1)
  const { added, recent } = await first.sync()
  assert.equal(added.length, count)
  assert.equal(recent.length, count)
  for (const uid of [1, 700, count]) assert.equal(first.text(uid), `Subject: ${uid}\n\n`)
  deliver(root, '9999.M1P1.h')
  assert.equal((await first.sync()).added.length, 1)
  assert.deepEqual(files(root, 'new'), [])

  unlinkSync(uidlist)
  deliver(root, '10000.M1P1.h')
  const again = await TestMailbox.open(store)
  assert.equal((await again.sync()).added.length, count + 2)
  assert.deepEqual(files(root, 'new'), [])
})

test('two files of one name are two messages', async (t) => {
  const { mailbox, root, complaints } = await openPlace(t)
  writeFileSync(join(root, 'cur', '1.M1P1.h:2,F'), 'Subject: one\n\n')
  writeFileSync(join(root, 'cur', '1.M1P1.h:2,S'), 'Subject: two\n\n')
  await mailbox.sync()
  await mailbox.sync()
  const texts = [1, 2].map((uid) => String(mailbox.text(uid).split('\n')[0]))
  assert.deepEqual(texts.sort(), ['Subject: one', 'Subject: two'])
  assert.match(complaints.join('\n'), /^warning: Fixed a duplicate: .*cur\/1\.M1P1\.h:2,[FS] -> /)
})

test('files of one name are found among many, whether their name has a UID or not', async (t) => {
  const { mailbox, root, store } = await openPlace(t)
  const write = (name: string): void => writeFileSync(join(root, 'cur', name), `Subject: ${name}\n\n`)
  const first = ['1.M1P1.h:2,', '01.M1P1.h:2,', '1.M1P1.h:2,S', '01.M1P1.h:2,S', '2.M1P1.h:2,']
  for (const name of first) write(name)
  await mailbox.sync()
  await mailbox.sync()
  const known = readdirSync(join(root, 'cur'))
  assert.equal(known.length, first.length)
  const again = known.map((name) => `${name.slice(0, name.indexOf(':'))}:2,FT`)
  for (const name of again) write(name)
  const later = await TestMailbox.open(store)
  await later.sync()
  await later.sync()
  const texts = (await later.lines()).map((_, at) => later.text(at + 1).trim())
  assert.deepEqual(texts.sort(), [...first, ...again].map((name) => `Subject: ${name}`).sort())
})

test('two links of one file are one message', async (t) => {
  const { mailbox, root, complaints } = await openPlace(t)
  writeFileSync(join(root, 'cur', '1.M1P1.h:2,S'), 'Subject: one\n\n')
  linkSync(join(root, 'cur', '1.M1P1.h:2,S'), join(root, 'cur', '1.M1P1.h:2,FS'))
  await mailbox.sync()
  assert.equal((await mailbox.lines()).length, 1)
  assert.deepEqual(complaints, [])
})

test('a transaction that cannot be finished leaves no trace', async (t) => {
  const { mailbox, root, store } = await openPlace(t)
  const other = await TestMailbox.open(store, 'Other')
  await other.append('Subject: linked\n\n')
  await other.sync()
  const appending = await mailbox.format.beginAppend()
  await appending.begin({ bits: SEEN, keywords: [] })
  await appending.write(Buffer.from('Subject: x\r\n'))
  await appending.end()
  assert.equal(await appending.link(other.format, other.record(1), { bits: 0, keywords: [] }), true)
  await appending.begin({ bits: 0, keywords: [] })
  await appending.write(Buffer.alloc(600_000, 'y'))
  assert.equal(files(root, 'tmp').length, 3)
  await appending.abort()
  for (const directory of ['tmp', 'new', 'cur']) assert.deepEqual(files(root, directory), [], directory)
})

test('an append that fails while it is moved takes everything back', async (t) => {
  const { mailbox, root } = await openPlace(t)
  await mailbox.append('Subject: first\n\n', SEEN)
  await mailbox.sync()
  const appending = await mailbox.format.beginAppend()
  for (const bits of [SEEN, 0]) {
    await appending.begin({ bits, keywords: [] })
    await appending.write(Buffer.from('Subject: x\n\n'))
    await appending.end()
  }
  renameSync(join(root, 'new'), join(root, 'away'))
  writeFileSync(join(root, 'new'), 'in the way')
  await assert.rejects(appending.commit())
  unlinkSync(join(root, 'new'))
  renameSync(join(root, 'away'), join(root, 'new'))
  await appending.abort()
  assert.deepEqual(await mailbox.lines(), ['1 \\Seen Subject: first'])
  assert.deepEqual(files(root, 'tmp'), [])
  assert.equal(await mailbox.append('Subject: next\n\n'), 2, 'no UID was lost')
})

test('a copy is a hard link of its name, and gets another where that is taken', async (t) => {
  const { mailbox, root, store } = await openPlace(t)
  const uid = await mailbox.append('Subject: x\n\n', SEEN, ['work'], Date.UTC(2020, 0, 1))
  await mailbox.sync()
  const target = await TestMailbox.open(store, 'Target')
  const copyTo = async (to: FormatMailbox): Promise<void> => {
    const appending = await to.beginAppend()
    assert.equal(await appending.link(mailbox.format, mailbox.record(uid), mailbox.record(uid).flags), true)
    await appending.commit()
  }
  await copyTo(target.format)
  await copyTo(mailbox.format)
  await target.sync()
  await mailbox.sync()
  const [source, copy, here] = [mailbox.record(1), target.record(1), mailbox.record(2)]
  assert.equal(target.format.keyOf(copy), mailbox.format.keyOf(source))
  assert.notEqual(mailbox.format.keyOf(here), mailbox.format.keyOf(source))
  assert.equal(mailbox.format.identity(here).guid, mailbox.format.identity(source).guid, 'it is the same message')
  assert.equal(mailbox.format.sizeOf(here), mailbox.format.sizeOf(source))
  assert.equal(target.format.internalDate(copy), Date.UTC(2020, 0, 1))
  assert.equal(statSync(join(root, '.Target', 'cur', files(join(root, '.Target'), 'cur')[0] ?? '')).nlink, 3)
  assert.deepEqual(copy.flags.keywords, ['work'])
})

test('of several messages that are linked all come, in order, or none', async (t) => {
  const { mailbox, root, store } = await openPlace(t)
  for (const bits of [SEEN, 0, SEEN, 0]) await mailbox.append(`Subject: ${bits}\n\n`, bits)
  await mailbox.sync()
  const target = await TestMailbox.open(store, 'Target')
  const begin = async (): Promise<FormatAppending> => {
    const appending = await target.format.beginAppend()
    for (const uid of [1, 2, 3, 4]) {
      const record = mailbox.record(uid)
      assert.equal(await appending.link(mailbox.format, record, record.flags), true)
    }
    return appending
  }
  const doomed = await begin()
  const last = own(mailbox.record(4))
  const path = join(root, last.isNew ? 'new' : 'cur', last.fileName)
  renameSync(path, join(root, 'away'))
  await assert.rejects(doomed.commit(), { code: 'expunged' })
  await doomed.abort()
  for (const directory of ['tmp', 'new', 'cur'])
    assert.deepEqual(files(join(root, '.Target'), directory), [], directory)
  renameSync(join(root, 'away'), path)
  assert.deepEqual((await (await begin()).commit()).uids, [1, 2, 3, 4])
  await target.sync()
  assert.deepEqual(await target.lines(), await mailbox.lines())
})

test('without maildir_copy_with_hardlinks, and from another format, bytes are copied', async (t) => {
  const { mailbox } = await openPlace(t, { settings: { maildir_copy_with_hardlinks: false } })
  await mailbox.append('Subject: x\n\n')
  await mailbox.sync()
  const appending = await mailbox.format.beginAppend()
  assert.equal(await appending.link(mailbox.format, mailbox.record(1), { bits: 0, keywords: [] }), undefined)
  const linking = await (await openPlace(t)).mailbox.format.beginAppend()
  assert.equal(await linking.link({} as FormatMailbox, mailbox.record(1), { bits: 0, keywords: [] }), undefined)
})

test('what is promised is synced to the disk first, unless mail_fsync says never', async (t) => {
  for (const [mail_fsync, wanted] of [
    ['optimized', ['file tmp', 'directory cur', 'data uidlist', 'file keywords']],
    ['always', ['file tmp', 'directory cur', 'data uidlist', 'file keywords']],
    ['never', []],
  ] as const) {
    const synced: string[] = []
    const root = { path: '' }
    const syncing = recordingSyncing(synced, root)
    const place = await openPlace(t, { settings: { mail_fsync }, syncing })
    root.path = place.root
    synced.length = 0
    await place.mailbox.append('Subject: x\n\n', SEEN, ['kw'])
    assert.deepEqual(synced.sort(), [...wanted].sort(), mail_fsync)
  }
})

/** Names what is synced by the files that are open then. */
function recordingSyncing(synced: string[], root: { readonly path: string }): Syncing {
  const note = (what: string, fd: number): Promise<void> => {
    const name = ['tmp', 'cur', 'new'].find((directory) => holds(join(root.path, directory), fd))
    const { ino } = statSync(`/proc/self/fd/${fd}`)
    const inRoot =
      root.path === '' ? undefined : readdirSync(root.path).find((one) => statSync(join(root.path, one)).ino === ino)
    synced.push(`${what} ${name ?? inRoot?.replace(/^dovecot-/, '').replace('.lock', '') ?? '?'}`)
    return Promise.resolve()
  }
  return {
    file: (fd) => note('file', fd),
    data: (fd) => note('data', fd),
    directory: (path) => {
      synced.push(`directory ${path.slice(path.lastIndexOf('/') + 1)}`)
      return Promise.resolve()
    },
  }
}

function holds(directory: string, fd: number): boolean {
  if (!existsSync(directory)) return false
  const { ino } = statSync(`/proc/self/fd/${fd}`)
  return readdirSync(directory).some((name) => statSync(join(directory, name)).ino === ino)
}

test('what lies in tmp for 36 hours is removed, and nothing younger', async (t) => {
  const now = { ms: Date.now() }
  const { root, store } = await openPlace(t, { now: () => now.ms })
  writeFileSync(join(root, 'tmp', 'old'), '')
  await TestMailbox.open(store)
  assert.deepEqual(files(root, 'tmp'), ['old'])
  now.ms += 36 * 3_600_000 + 1000
  utimesSync(join(root, 'tmp', 'old'), 1, 1)
  writeFileSync(join(root, 'tmp', 'young'), '')
  utimesSync(join(root, 'tmp', 'young'), now.ms / 1000, now.ms / 1000)
  await TestMailbox.open(store)
  assert.deepEqual(files(root, 'tmp'), ['young'])
})

test('directories that are missing are made when a mailbox is opened', async (t) => {
  const place = maildirPlace(t)
  mkdirSync(join(place.root, '.Bare'), { recursive: true })
  const mailbox = await TestMailbox.open(place.store, 'Bare')
  assert.deepEqual(await mailbox.lines(), [])
  assert.deepEqual(readdirSync(join(place.root, '.Bare')).sort(), ['cur', 'dovecot-uidlist', 'new', 'tmp'])
})

test('a mailbox that is deleted meanwhile is not found', async (t) => {
  const { store } = await openPlace(t)
  const mailbox = await TestMailbox.open(store, 'Gone')
  await mailbox.append('Subject: x\n\n')
  await mailbox.sync()
  await store.delete('Gone')
  await assert.rejects(mailbox.sync(), { code: 'not-found' })
  await assert.rejects(mailbox.append('Subject: y\n\n'), { code: 'not-found' })
})

test('flags that two change at the same time are both there', async (t) => {
  const { mailbox, store } = await openPlace(t)
  await mailbox.append('Subject: x\n\n', FLAGGED, ['old'])
  await mailbox.sync()
  const other = await TestMailbox.open(store)
  await other.sync()
  await mailbox.setFlags(1, FLAGGED | SEEN, ['old', 'mine'])
  await other.setFlags(1, DELETED, ['theirs'])
  for (const one of [mailbox, other]) {
    await one.sync()
    const { bits, keywords } = one.record(1).flags
    assert.deepEqual([bits, [...keywords].sort()], [SEEN | DELETED, ['mine', 'theirs']])
  }
})

test('a wrong size in a name does not hide bytes', async (t) => {
  const { mailbox, root } = await openPlace(t)
  const text = `Subject: x\n\n${'y'.repeat(300_000)}`
  writeFileSync(join(root, 'cur', '1.M1P1.h,S=5,W=6:2,'), 'Subject: small\n\n')
  writeFileSync(join(root, 'cur', '2.M1P1.h,S=5,W=6:2,'), text)
  writeFileSync(join(root, 'cur', '3.M1P1.h,S=900000:2,'), 'Subject: short\n\n')
  await mailbox.sync()
  const sizes = await Promise.all([1, 2, 3].map(async (uid) => await mailbox.format.openMessage(mailbox.record(uid))))
  assert.deepEqual(
    sizes.map(({ sizeBytes }) => sizeBytes),
    [16, text.length, 16],
  )
  const large = sizes[1]
  assert.equal(String(await large?.read(text.length - 3, text.length + 10)), 'yyy')
  for (const message of sizes) message.close()
})

test('a large message that is closed while it is read is read to the end of the chunk', async (t) => {
  const { mailbox, root } = await openPlace(t)
  writeFileSync(join(root, 'cur', '1.M1P1.h:2,'), Buffer.alloc(2_000_000, 'x'))
  await mailbox.sync()
  const message = await mailbox.format.openMessage(mailbox.record(1))
  const reading = message.read(0, 1_000_000)
  message.close()
  message.close()
  assert.equal((await reading).length, 1_000_000)
})
