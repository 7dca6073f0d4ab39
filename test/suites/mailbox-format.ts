// What every mailbox format owes. A format's test calls `mailboxFormatSuite` with a way to open itself over an empty place.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { InternedFlags } from '../../src/storage/flag-table.ts'
import { ANSWERED, FLAGGED, SEEN } from '../../src/storage/flags.ts'
import type {
  FormatContext,
  FormatMailbox,
  FormatRecord,
  FormatStore,
  MailFormat,
  MailLocation,
} from '../../src/storage/formats/format.ts'
import { type RefusalCode, StoreRefusal } from '../../src/storage/refusal.ts'
import { READ_CHUNK_BYTES } from '../../src/storage/store.ts'

export interface FormatUnderTest {
  readonly format: MailFormat
  /** Nothing is there yet. */
  readonly location: MailLocation
}

export interface FormatFixture {
  readonly name: string
  readonly skip?: false | string
  /** Duties that the format cannot have, each with the reason. */
  readonly skips?: ReadonlyMap<DutyTitle, string>
  readonly open: (t: TestContext) => FormatUnderTest | Promise<FormatUnderTest>
}

const duties = [
  ['makes, lists and deletes mailboxes', makesMailboxes],
  ['keeps names of every kind', keepsNames],
  ['renames mailboxes with what is below them', renamesMailboxes],
  ['does not rename INBOX, as Dovecot does not', keepsInbox],
  ['keeps subscriptions in order, also of mailboxes that are not there', keepsSubscriptions],
  ['gives messages back as they came', keepsMessages],
  ['reports every message once, and as recent once', reportsOnce],
  ['shows nothing of a transaction before its commit, and nothing after abort', keepsTransactions],
  ['shares flags that others set', sharesFlags],
  ['never gives a UID twice', neverReusesUids],
  ['notices messages that others removed', noticesExpunges],
  ['takes messages over from another mailbox', linksMessages],
  ['reads large messages in pieces', readsPieces],
  ['calls when others change something', watches],
  ['is the same mailbox when opened again', reopens],
  ['a mailbox made anew is another one', remakes],
  ['says cheaply that nothing changed', saysUnchanged],
] as const satisfies readonly (readonly [string, (place: Place) => Promise<void>])[]

export type DutyTitle = (typeof duties)[number][0]

export function mailboxFormatSuite({ name, skip = false, skips, open }: FormatFixture): void {
  describe(`mailbox format ${name}`, { skip }, () => {
    for (const [title, run] of duties) {
      test(title, { skip: skips?.get(title) ?? false }, async (t) => run(new Place(await open(t), t)))
    }
  })
}

/** One location as several programs see it. */
class Place {
  readonly store: FormatStore
  readonly #under: FormatUnderTest
  readonly #t: TestContext

  constructor(under: FormatUnderTest, t: TestContext) {
    this.#under = under
    this.#t = t
    this.store = this.another()
  }

  another(): FormatStore {
    return this.#under.format.open(this.#under.location, context)
  }

  /** Opens a mailbox as a program of its own would; INBOX is made when it is missing. */
  async open(name = 'INBOX', store = this.another()): Promise<Opened> {
    if (name === 'INBOX') await ensure(store, name)
    const mailbox = await store.open(name, new InternedFlags())
    this.#t.after(() => mailbox.close())
    return new Opened(mailbox)
  }
}

/** An open mailbox, and the records it reported. */
class Opened {
  readonly mailbox: FormatMailbox
  readonly records = new Map<number, FormatRecord>()

  constructor(mailbox: FormatMailbox) {
    this.mailbox = mailbox
  }

  async sync(): ReturnType<FormatMailbox['sync']> {
    const changes = await this.mailbox.sync()
    for (const record of changes.added) {
      assert.ok(!this.records.has(record.uid), `UID ${record.uid} was added twice`)
      this.records.set(record.uid, record)
    }
    for (const { uid } of changes.expunged) assert.ok(this.records.delete(uid), `UID ${uid} was never there`)
    for (const { record, flags } of changes.flags) record.flags = flags
    return changes
  }

  get uids(): readonly number[] {
    return [...this.records.keys()]
  }

  record(uid: number): FormatRecord {
    const record = this.records.get(uid)
    assert.ok(record, `no message with UID ${uid}`)
    return record
  }

  async append(text = 'Subject: x\r\n\r\nbody\r\n', bits = 0, keywords: readonly string[] = []): Promise<number> {
    const appending = await this.mailbox.beginAppend()
    await appending.begin({ bits, keywords })
    await appending.write(Buffer.from(text))
    await appending.end()
    const { uids } = await appending.commit()
    assert.equal(uids.length, 1)
    return uids[0] ?? 0
  }

  async text(uid: number): Promise<string> {
    const message = await this.mailbox.openMessage(this.record(uid))
    const bytes = await message.read(0, message.sizeBytes)
    message.close()
    return bytes.toString('latin1').replaceAll('\r\n', '\n')
  }

  async setFlags(uid: number, bits: number, keywords: readonly string[], table: InternedFlags): Promise<void> {
    const record = this.record(uid)
    const flags = table.flags(bits, keywords)
    const gone = await this.mailbox.setFlags([{ record, flags }])
    assert.deepEqual(gone, [])
    record.flags = flags
  }
}

const context: FormatContext = {
  user: 'joe',
  hostname: 'host.example.org',
  separator: '/',
  settings: {
    maildir_copy_with_hardlinks: true,
    mail_save_crlf: false,
    mail_fsync: 'never',
    mail_max_lock_timeout: 0,
  },
  now: () => Date.now(),
  log: () => undefined,
}

async function ensure(store: FormatStore, name: string): Promise<void> {
  try {
    await store.create(name, {})
  } catch (error) {
    if (!(error instanceof StoreRefusal && error.code === 'exists')) throw error
  }
}

async function refuses(work: () => unknown, code: RefusalCode): Promise<void> {
  await assert.rejects(
    async () => {
      await work()
    },
    (error) => error instanceof StoreRefusal && error.code === code,
  )
}

async function makesMailboxes({ store }: Place): Promise<void> {
  await ensure(store, 'INBOX')
  await store.create('Work/2026/Q1', {})
  await refuses(() => store.create('Work/2026/Q1', {}), 'exists')
  const listed = new Map((await store.list()).map((entry) => [entry.name, entry.selectable]))
  assert.equal(listed.get('INBOX'), true)
  assert.equal(listed.get('Work/2026/Q1'), true)
  assert.notEqual(listed.get('Work/2026'), true, 'what is above it is no mailbox')
  await store.create('Work', {})
  await store.delete('Work/2026/Q1')
  await refuses(() => store.open('Work/2026/Q1', new InternedFlags()), 'not-found')
  await refuses(() => store.delete('Work/2026/Q1'), 'not-found')
  assert.ok((await store.list()).some(({ name }) => name === 'Work'))
}

async function keepsNames({ store }: Place): Promise<void> {
  const names = ['Übung', 'a b', 'a&b', '%x', '*', '\u{1f00d}', '日本/語', 'a/B', 'x'.repeat(100), '-', 'cur2']
  for (const name of names) await store.create(name, {})
  const listed = new Set((await store.list()).filter(({ selectable }) => selectable).map(({ name }) => name))
  for (const name of names) assert.ok(listed.has(name), name)
  const paths = new Set(names.map((name) => store.directories(name).mail))
  assert.equal(paths.size, names.length)
}

async function renamesMailboxes(place: Place): Promise<void> {
  const { store } = place
  await store.create('a', {})
  await store.create('a/b/c', {})
  await store.create('ab', {})
  const uid: number = await (await place.open('a/b/c')).append('Subject: moved\r\n\r\n')
  await store.rename('a', 'z/y')
  const names = (await store.list()).filter(({ selectable }) => selectable).map(({ name }) => name)
  for (const name of ['z/y', 'z/y/b/c', 'ab']) assert.ok(names.includes(name), name)
  for (const name of ['a', 'a/b/c']) assert.ok(!names.includes(name), name)
  const moved = await place.open('z/y/b/c')
  await moved.sync()
  assert.equal(await moved.text(uid), 'Subject: moved\n\n')
  await refuses(() => store.rename('nope', 'other'), 'not-found')
  await refuses(() => store.rename('ab', 'z/y'), 'exists')
}

async function keepsInbox(place: Place): Promise<void> {
  const inbox = await place.open()
  await inbox.append()
  await refuses(() => place.store.rename('INBOX', 'old'), 'cannot')
  await inbox.sync()
  assert.deepEqual(inbox.uids, [1])
}

async function keepsSubscriptions({ store }: Place): Promise<void> {
  for (const name of ['b', 'a/ü', 'c']) await store.subscribe(name, true)
  await store.subscribe('b', true)
  assert.deepEqual(await store.subscriptions(), ['b', 'a/ü', 'c'])
  await store.subscribe('a/ü', false)
  await store.subscribe('nope', false)
  assert.deepEqual(await store.subscriptions(), ['b', 'c'])
}

async function keepsMessages(place: Place): Promise<void> {
  const inbox = await place.open()
  const internalDateMs = Date.UTC(2020, 1, 29, 12, 30, 15)
  const appending = await inbox.mailbox.beginAppend()
  const texts = ['Subject: a\r\n\r\nb\r\n', '', 'no newline at the end', 'Subject: \xfc\r\n\r\n\0\x80\r\n']
  for (const text of texts) {
    await appending.begin({ bits: SEEN | FLAGGED, keywords: ['$Forwarded', 'work'], internalDateMs })
    const bytes = Buffer.from(text, 'latin1')
    await appending.write(bytes.subarray(0, 3))
    await appending.write(bytes.subarray(3))
    await appending.end()
  }
  const { uids, uidValidity } = await appending.commit()
  assert.deepEqual(uids, [1, 2, 3, 4])
  const other = await place.open()
  await other.sync()
  assert.equal(other.mailbox.uidValidity, uidValidity)
  assert.equal(other.mailbox.uidNext, 5)
  for (const [index, text] of texts.entries()) {
    const uid: number = uids[index] ?? 0
    assert.equal(await other.text(uid), text.replaceAll('\r\n', '\n'))
    assert.equal(await other.mailbox.internalDate(other.record(uid)), internalDateMs)
    assert.equal(other.record(uid).flags.text, '\\Flagged \\Seen $Forwarded work')
    assert.equal(other.record(uid).flags, other.record(1).flags, 'equal flags are one object')
  }
  assert.deepEqual([...other.mailbox.keywords].sort(), ['$Forwarded', 'work'])
  assert.equal(new Set(uids.map((uid) => other.mailbox.keyOf(other.record(uid)))).size, 4)
}

async function reportsOnce(place: Place): Promise<void> {
  const inbox = await place.open()
  await inbox.sync()
  await inbox.append()
  const second = await inbox.sync()
  assert.deepEqual(
    second.added.map(({ uid }) => uid),
    [1],
  )
  assert.deepEqual(second.recent, [1])
  const third = await inbox.sync()
  assert.deepEqual([third.added, third.flags, third.expunged, third.recent], [[], [], [], []])
  const other = await place.open()
  assert.deepEqual((await other.sync()).recent, [], 'it was recent to the first')
  await other.append()
  assert.deepEqual((await inbox.sync()).added.length, 1)
}

async function keepsTransactions(place: Place): Promise<void> {
  const [inbox, other] = [await place.open(), await place.open()]
  const appending = await inbox.mailbox.beginAppend()
  for (let count = 0; count < 3; count += 1) {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.write(Buffer.from('x'))
    await appending.end()
  }
  await other.sync()
  assert.deepEqual(other.uids, [])
  await appending.commit()
  await appending.abort()
  await other.sync()
  assert.equal(other.uids.length, 3)
  const dropped = await inbox.mailbox.beginAppend()
  await dropped.begin({ bits: 0, keywords: [] })
  await dropped.write(Buffer.from('half'))
  await dropped.abort()
  await other.sync()
  assert.equal(other.uids.length, 3)
}

async function sharesFlags(place: Place): Promise<void> {
  const table = new InternedFlags()
  const store = place.another()
  await ensure(store, 'INBOX')
  const mailbox = await store.open('INBOX', table)
  const inbox = new Opened(mailbox)
  await inbox.append()
  await inbox.append()
  await inbox.sync()
  const other = await place.open()
  await other.sync()
  await inbox.setFlags(1, ANSWERED | SEEN, ['work'], table)
  assert.deepEqual((await inbox.sync()).flags, [], 'its own change is no news')
  const changes = await other.sync()
  assert.deepEqual(
    changes.flags.map(({ record, flags }) => [record.uid, flags.text]),
    [[1, '\\Answered \\Seen work']],
  )
  await inbox.setFlags(1, 0, [], table)
  await other.sync()
  assert.equal(other.record(1).flags.text, '')
  await mailbox.close()
}

async function neverReusesUids(place: Place): Promise<void> {
  const inbox = await place.open()
  for (let count = 0; count < 3; count += 1) await inbox.append()
  await inbox.sync()
  const gone = await inbox.mailbox.expunge([inbox.record(3), inbox.record(2)])
  assert.deepEqual(
    gone.map(({ uid }) => uid).sort((a, b) => a - b),
    [2, 3],
  )
  const other = await place.open()
  await other.sync()
  assert.deepEqual(other.uids, [1])
  assert.equal(await other.append(), 4)
}

async function noticesExpunges(place: Place): Promise<void> {
  const [inbox, other] = [await place.open(), await place.open()]
  for (let count = 0; count < 4; count += 1) await inbox.append()
  await inbox.sync()
  await other.sync()
  const [first, second, third] = [1, 2, 3].map((uid) => inbox.record(uid))
  assert.ok(first && second && third)
  await other.mailbox.expunge([1, 2, 3].map((uid) => other.record(uid)))
  await refuses(() => inbox.mailbox.openMessage(first), 'expunged')
  const flags = new InternedFlags().flags(SEEN, [])
  const gone = [
    ...(await inbox.mailbox.setFlags([{ record: second, flags }])),
    ...(await inbox.mailbox.expunge([third])),
    ...(await inbox.mailbox.sync()).expunged,
  ]
  assert.deepEqual(
    [...new Set(gone)].map(({ uid }) => uid).sort((a, b) => a - b),
    [1, 2, 3],
    'each is told of, by whatever found out',
  )
}

async function linksMessages(place: Place): Promise<void> {
  await place.store.create('target', {})
  const [inbox, target] = [await place.open(), await place.open('target')]
  await inbox.append('Subject: linked\r\n\r\n', SEEN, ['work'])
  await inbox.sync()
  await target.append('Subject: other\r\n\r\n', 0, ['other'])
  const appending = await target.mailbox.beginAppend()
  const { bits, keywords } = inbox.record(1).flags
  const linked = await appending.link(inbox.mailbox, inbox.record(1), { bits, keywords })
  assert.equal(linked, true)
  assert.deepEqual((await appending.commit()).uids, [2])
  await inbox.mailbox.expunge([inbox.record(1)])
  await target.sync()
  assert.equal(await target.text(2), 'Subject: linked\n\n')
  assert.equal(target.record(2).flags.text, '\\Seen work')
}

async function readsPieces(place: Place): Promise<void> {
  const inbox = await place.open()
  const body = Buffer.alloc(READ_CHUNK_BYTES + 1000, 'abcdefg\n')
  const appending = await inbox.mailbox.beginAppend()
  await appending.begin({ bits: 0, keywords: [] })
  for (let at = 0; at < body.length; at += 65_536) await appending.write(body.subarray(at, at + 65_536))
  await appending.end()
  await appending.commit()
  await inbox.sync()
  const message = await inbox.mailbox.openMessage(inbox.record(1))
  assert.equal(message.sizeBytes, body.length)
  assert.deepEqual(await message.read(8, 16), Buffer.from('abcdefg\n'))
  assert.deepEqual(await message.read(READ_CHUNK_BYTES, body.length), body.subarray(READ_CHUNK_BYTES))
  message.close()
}

async function watches(place: Place): Promise<void> {
  const [inbox, other] = [await place.open(), await place.open()]
  await inbox.sync()
  const called = Promise.withResolvers<void>()
  const stop = inbox.mailbox.watch(() => called.resolve())
  await other.append()
  await called.promise
  stop()
  assert.equal((await inbox.sync()).added.length, 1)
}

async function reopens(place: Place): Promise<void> {
  const first = await place.open()
  for (let count = 0; count < 50; count += 1) await first.append(`Subject: ${count}\r\n\r\n`, count % 32)
  await first.sync()
  await first.mailbox.close()
  const again = await place.open()
  await again.sync()
  assert.deepEqual(again.uids, first.uids)
  assert.equal(again.mailbox.uidValidity, first.mailbox.uidValidity)
  assert.equal(again.mailbox.guid, first.mailbox.guid)
  assert.match(again.mailbox.guid, /^[0-9a-f]{32}$/)
  for (const uid of again.uids) {
    assert.equal(again.record(uid).flags.text, first.record(uid).flags.text)
    assert.equal(again.mailbox.keyOf(again.record(uid)), first.mailbox.keyOf(first.record(uid)))
  }
}

async function remakes(place: Place): Promise<void> {
  await place.store.create('box', {})
  const first = await place.open('box')
  await first.append()
  await place.store.delete('box')
  await place.store.create('box', {})
  const second = await place.open('box')
  await second.sync()
  assert.deepEqual(second.uids, [])
  assert.notEqual(second.mailbox.uidValidity, first.mailbox.uidValidity)
  assert.notEqual(second.mailbox.guid, first.mailbox.guid)
}

async function saysUnchanged(place: Place): Promise<void> {
  const [inbox, other] = [await place.open(), await place.open()]
  await inbox.sync()
  await other.append()
  assert.equal(await inbox.mailbox.changed(), true)
  await inbox.sync()
  assert.equal((await inbox.mailbox.sync()).added.length, 0)
}
