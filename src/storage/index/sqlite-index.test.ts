import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { InternedFlags } from '../flag-table.ts'
import { SEEN } from '../flags.ts'
import type { FormatRecord } from '../formats/format.ts'
import { summarise } from '../message/summarise.ts'
import { summariseHeader } from '../message/summarise-header.ts'
import { memoryLocation } from '../testing/open-memory-store.ts'
import { INDEX_FILE, IndexFiles, type IndexLimits } from './index-files.ts'
import type { MailboxIndex } from './mailbox-index.ts'

const flags = new InternedFlags()
const GUID = '0'.repeat(32)
const HEADER = Buffer.from('Subject: x\r\nFrom: joe@example.org\r\n\r\n')
const header = summariseHeader(HEADER, true) ?? assert.fail()

class Home {
  readonly path: string
  readonly lines: string[] = []
  now = 1000
  readonly #t: TestContext

  constructor(t: TestContext) {
    const dir = makeTempDir('index')
    t.after(() => removeTempDir(dir))
    this.path = join(dir, 'mail')
    mkdirSync(this.path, { mode: 0o700 })
    this.#t = t
  }

  /** Another process. */
  files(limits?: IndexLimits): IndexFiles {
    const files = new IndexFiles(() => this.now, limits)
    this.#t.after(() => files.close())
    return files
  }

  open(files = this.files(), { guid = GUID, uidValidity = 1 } = {}): MailboxIndex {
    return files.open({
      location: memoryLocation(this.path),
      storage: 'INBOX',
      guid,
      uidValidity,
      log: (level, text) => this.lines.push(`${level}: ${text}`),
    })
  }

  get file(): string {
    return join(this.path, INDEX_FILE)
  }
}

function records(...uids: number[]): FormatRecord[] {
  return uids.map((uid) => ({ uid, flags: flags.flags(0, []), modSeq: 0, expunged: false }))
}

function change(index: MailboxIndex, changed: FormatRecord[], expunged: FormatRecord[] = []): number {
  return index.record({ changed, expunged, uidNext: 100 }).after
}

test('of many new messages those that another process recorded keep its MODSEQ', (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const uids = Array.from({ length: 40 }, (_, at) => at + 1)
  const theirs = records(...uids.slice(0, 30))
  const before = change(one, theirs)
  for (const record of theirs) assert.equal(record.modSeq, before)
  const mine = records(...uids)
  for (const record of mine) if (record.uid % 2 === 0) record.flags = flags.flags(SEEN, [])
  const after = change(two, mine)
  assert.ok(after > before)
  for (const { uid, modSeq } of mine) assert.equal(modSeq, uid % 2 === 1 && uid <= 30 ? before : after, `UID ${uid}`)
  const told = one.changedSince(before).map(({ uid, modSeq, flags: text }) => `${uid} ${modSeq} ${text}`)
  const wanted = mine.filter(({ modSeq }) => modSeq === after)
  assert.deepEqual(
    told,
    wanted.map(({ uid, modSeq, flags: { text } }) => `${uid} ${modSeq} ${text}`),
  )
})

const MANY = 2500

test('many messages of a new mailbox have their MODSEQ at once, and rows a little later', async (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const mine = records(...Array.from({ length: MANY }, (_, at) => at + 1))
  const [first, second, third] = mine
  assert.ok(first && second && third)
  const { before, after } = one.recordNew(mine, MANY + 1)
  assert.ok(after > before)
  assert.deepEqual(new Set(mine.map(({ modSeq }) => modSeq)), new Set([after]))
  assert.equal(two.highestModSeq(), after)
  assert.deepEqual(two.changedSince(0), [])
  first.flags = flags.flags(SEEN, [])
  const changed = change(one, [first], [second])
  second.expunged = true
  one.addSummary({ uid: 3, key: 'k' }, header)
  while (two.headers([{ uid: 3, key: 'k' }]).size === 0 || two.changedSince(0).length < MANY - 1) await setTimeout(5)
  const rows = new Map(two.changedSince(0).map(({ uid, modSeq }) => [uid, modSeq]))
  assert.deepEqual([rows.get(1), rows.get(2), rows.get(3), rows.get(MANY)], [changed, undefined, after, after])
  assert.deepEqual(two.vanishedSince(after), [[2, 2]])
  assert.deepEqual(home.open().load(), {
    isNew: false,
    highestModSeq: changed,
    uidNext: Math.max(MANY + 1, 100),
    recentFrom: 0,
  })
})

test('of two processes that record a new mailbox at once both know of all messages', (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const uids = Array.from({ length: MANY }, (_, at) => at + 1)
  const [mine, theirs] = [records(...uids), records(...uids)]
  const first = one.recordNew(mine, MANY + 1)
  const second = two.recordNew(theirs, MANY + 1)
  assert.equal(second.before, first.after)
  one.close()
  two.close()
  const again = records(...uids)
  const index = home.open()
  assert.equal(index.load().highestModSeq, second.after)
  assert.deepEqual(index.recordNew(again, MANY + 1), { before: second.after, after: second.after })
  assert.deepEqual(new Set(again.map(({ modSeq }) => modSeq)), new Set([first.after]))
})

test('two processes give one change one MODSEQ, and different changes different ones', (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const [mine, theirs] = [records(1, 2, 3), records(1, 2, 3)]
  one.record({ changed: mine, expunged: [], everything: true, uidNext: 4 })
  two.record({ changed: theirs, expunged: [], everything: true, uidNext: 4 })
  assert.deepEqual(mine, theirs)
  const [first] = mine
  const [same] = theirs
  assert.ok(first && same)
  first.flags = same.flags = flags.flags(SEEN, ['work'])
  const after = change(one, [first])
  assert.ok(after > (mine[1]?.modSeq ?? 0))
  assert.deepEqual(two.record({ changed: [same], expunged: [], uidNext: 4 }), { before: after, after })
  assert.equal(same.modSeq, after)
  assert.equal(two.highestModSeq(), after)
})

test('what happened while nobody looked is found at opening', (t) => {
  const home = new Home(t)
  const files = home.files()
  const before = home.open(files).record({ changed: records(1, 2, 3, 5), expunged: [], everything: true, uidNext: 6 })
  const again = home.open(files)
  const there = records(1, 5, 6)
  again.record({ changed: there, expunged: [], everything: true, uidNext: 7 })
  assert.deepEqual(
    there.map(({ modSeq }) => modSeq > before.after),
    [false, false, true],
  )
  assert.deepEqual(again.vanishedSince(before.after), [[2, 3]])
  assert.deepEqual(again.vanishedSince(again.highestModSeq()), [])
  assert.equal(again.vanishedSince(1), undefined, 'older than the index')
})

test('another UIDVALIDITY is another mailbox', (t) => {
  const home = new Home(t)
  const files = home.files()
  home.open(files).record({ changed: records(1, 2), expunged: [], everything: true, uidNext: 3 })
  const other = home.open(files, { uidValidity: 2 })
  assert.equal(other.load().uidNext, 0)
  const there = records(1)
  other.record({ changed: there, expunged: [], everything: true, uidNext: 2 })
  assert.deepEqual(other.vanishedSince(other.highestModSeq() - 1), [])
})

test('MODSEQs go up when the file is deleted under its users', (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const mine = records(1, 2)
  const before = one.record({ changed: mine, expunged: [], everything: true, uidNext: 3 }).after
  rmSync(home.file)
  const [first] = mine
  assert.ok(first)
  first.flags = flags.flags(SEEN, [])
  assert.ok(change(one, [first]) > before)
  assert.ok(existsSync(home.file))
  assert.equal(one.vanishedSince(before - 1), undefined)
  const theirs = records(1)
  const [same] = theirs
  assert.ok(same)
  same.flags = first.flags
  change(two, theirs)
  assert.equal(same.modSeq, first.modSeq, 'the other process uses the new file, too')
})

test('a broken file is moved aside, made anew, and spoken of once', (t) => {
  const home = new Home(t)
  const files = home.files()
  const before = home.open(files).record({ changed: records(1), expunged: [], everything: true, uidNext: 2 }).after
  files.close()
  writeFileSync(home.file, Buffer.alloc(8192, 'garbage '))
  home.now = 2000
  const index = home.open(files)
  const there = records(1)
  assert.ok(index.record({ changed: there, expunged: [], everything: true, uidNext: 2 }).after > before)
  assert.equal(home.lines.length, 1)
  assert.match(home.lines[0] ?? '', /^error: Index .*postern\.index is broken \(.*\): moved to .*\.broken, made anew$/)
  assert.equal(readFileSync(`${home.file}.broken`).length, 8192)
})

test('an older version of the file is thrown away', (t) => {
  const home = new Home(t)
  const old = new DatabaseSync(home.file)
  old.exec('CREATE TABLE mailbox (other TEXT); PRAGMA user_version = 77')
  old.close()
  const index = home.open()
  assert.ok(change(index, records(1)) > 0)
  assert.deepEqual(home.lines, [])
})

test('without a place to write memory has to do', (t) => {
  const home = new Home(t)
  rmSync(home.path, { recursive: true })
  writeFileSync(home.path, 'no directory')
  const index = home.open()
  const there = records(1, 2)
  const { after } = index.record({ changed: there, expunged: [], everything: true, uidNext: 3 })
  change(index, [], there.slice(0, 1))
  assert.deepEqual(index.vanishedSince(after), [[1, 1]])
  assert.equal(home.lines.length, 1)
  assert.match(home.lines[0] ?? '', /cannot be used, memory has to do/)
})

test('another process that keeps the file locked does not stop a session', (t) => {
  const home = new Home(t)
  const index = home.open()
  change(index, records(1))
  const other = new DatabaseSync(home.file)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const there = records(2)
  assert.ok(change(index, there) > 1000)
  assert.match(home.lines[0] ?? '', /database is locked/)
})

test('summaries belong to a key, and go with their message', (t) => {
  const home = new Home(t)
  const index = home.open()
  const summary = summarise(Buffer.from('Subject: x\r\n\r\nbody\r\n'))
  change(index, records(1, 2, 300))
  for (const uid of [1, 2, 300]) index.addSummary({ uid, key: `k${uid}` }, summary)
  const found = index.summaries([
    { uid: 1, key: 'k1' },
    { uid: 2, key: 'another' },
    { uid: 300, key: 'k300' },
    { uid: 301, key: 'k301' },
  ])
  assert.deepEqual([...found.keys()], [1, 300])
  assert.equal(found.get(1)?.envelope, summary.envelope)
  change(index, [], records(1))
  assert.equal(index.summaries([{ uid: 1, key: 'k1' }]).size, 0)
})

test('summaries are known at once, and to others once they are written', async (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const asked = [1, 2].map((uid) => ({ uid, key: `k${uid}` }))
  change(one, records(1, 2))
  one.addSummary({ uid: 1, key: 'k1' }, header)
  one.addSummary({ uid: 2, key: 'k2' }, summarise(HEADER))
  assert.deepEqual([...one.headers(asked).keys()], [1, 2])
  assert.deepEqual([...one.summaries(asked).keys()], [2], 'of the other only the header is known')
  while (two.headers(asked).size < 2) await setTimeout(5)
  const [told] = two.headers(asked).values()
  assert.equal(told?.envelope, summarise(HEADER).envelope)
  assert.deepEqual([...two.summaries(asked).keys()], [2])
})

test('a whole summary takes the place of that of a header, never the other way round', (t) => {
  const home = new Home(t)
  const of = { uid: 1, key: 'k' }
  const written = (add: (index: MailboxIndex) => void): boolean => {
    const [index, other] = [home.open(), home.open()]
    add(index)
    index.close()
    const [summary] = other.headers([of]).values()
    assert.equal(summary?.envelope, summarise(HEADER).envelope)
    return summary.headerOnly
  }
  change(home.open(), records(1))
  assert.equal(
    written((index) => index.addSummary(of, header)),
    true,
  )
  assert.equal(
    written((index) => index.addSummary(of, summarise(HEADER))),
    false,
  )
  assert.equal(
    written((index) => index.addSummary(of, header)),
    false,
  )
})

test('nothing is written of a message that went away meanwhile', (t) => {
  const home = new Home(t)
  const [one, two] = [home.open(), home.open()]
  const [first, second] = records(1, 2)
  assert.ok(first && second)
  change(one, [first, second])
  for (const uid of [1, 2]) one.addSummary({ uid, key: 'k' }, header)
  change(one, [], [first])
  change(two, [], records(2))
  assert.deepEqual([...one.headers([{ uid: 1, key: 'k' }]).keys()], [])
  one.close()
  const file = new DatabaseSync(home.file)
  t.after(() => file.close())
  assert.equal(file.prepare('SELECT count(*) AS rows FROM summary').get()?.['rows'], 0)
})

test('files are closed when nobody uses them, and open again by themselves', (t) => {
  const home = new Home(t)
  const files = home.files({ openFiles: 1, idleMs: 60_000 })
  const index = home.open(files)
  change(index, records(1))
  const elsewhere = files.open({
    location: memoryLocation(join(home.path, 'other')),
    storage: 'INBOX',
    guid: GUID,
    uidValidity: 1,
    log: () => undefined,
  })
  change(elsewhere, records(1))
  assert.equal(existsSync(`${home.file}-wal`), false, 'closed')
  assert.ok(change(index, records(2)) > 0)
})

test('only those who may read the mail may read its index', (t) => {
  const home = new Home(t)
  change(home.open(), records(1))
  assert.equal(statSync(home.file).mode & 0o777, 0o600)
})
