// \Seen of one's own in mail that others use too, on real files.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { ANSWERED, DELETED, FLAGGED, SEEN } from '../flags.ts'
import { openMaildirFormat } from '../formats/maildir/index.ts'
import { IndexFiles } from '../index/index-files.ts'
import { SharedMailboxes } from '../mailbox/shared-mailboxes.ts'
import { openStore } from '../open-store.ts'
import type { Mailbox, MailStore, ViewChanges } from '../store.ts'
import { memoryLocation, memoryNamespace, memorySettings } from '../testing/open-memory-store.ts'
import { World, worldStep } from '../testing/view-world.ts'
import { PRIVATE_FILE } from './private-schema.ts'

/** A process that opens the same mail for olga, who owns it, and for others, each with marks of his own. */
class Server {
  readonly mailboxes = new SharedMailboxes()
  readonly indexes = new IndexFiles()
  readonly lines: string[] = []
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** `owner`: whose mail it is. */
  readonly open = (user: string, owner = 'olga'): MailStore => {
    const location = {
      ...memoryLocation(join(this.#dir, owner)),
      format: 'maildir',
      layout: 'maildir++',
      indexPrivatePath: user === owner ? undefined : join(this.#dir, user),
    }
    return openStore({
      user,
      namespaces: [memoryNamespace({ location })],
      settings: { ...memorySettings, mail_fsync: 'never' },
      context: {
        formats: new Map([['maildir', openMaildirFormat()]]),
        mailboxes: this.mailboxes,
        indexes: this.indexes,
        hostname: 'host.example.org',
        now: () => Date.now(),
      },
      log: (level, text) => this.lines.push(`${level}: ${text}`),
    })
  }

  async close(): Promise<void> {
    await this.mailboxes.close()
    this.indexes.close()
  }
}

function begin(t: TestContext): { readonly dir: string; readonly server: () => Server } {
  const dir = makeTempDir('private-seen')
  const servers: Server[] = []
  t.after(async () => {
    await Promise.all(servers.map((server) => server.close()))
    removeTempDir(dir)
  })
  return {
    dir,
    server() {
      const server = new Server(dir)
      servers.push(server)
      return server
    },
  }
}

async function append(store: MailStore, name: string, ...flags: readonly number[]): Promise<void> {
  const appending = await store.beginAppend(name)
  for (const bits of flags) {
    await appending.begin({ bits, keywords: [] })
    await appending.write(Buffer.from('Subject: t\n\nx\n'))
    await appending.end()
  }
  await appending.commit()
}

function flagsIn(mailbox: Mailbox): string[] {
  return Array.from({ length: mailbox.count }, (_, at) => mailbox.message(at + 1).flags.text)
}

async function sync(mailbox: Mailbox, look: 'now' | 'cached' = 'now'): Promise<ViewChanges> {
  return await mailbox.sync({ expunge: true, look })
}

const MARK = { mode: 'add', bits: SEEN, keywords: [] } as const
const LOUD = { silent: false } as const

test('everybody has his own \\Seen, and all other flags together', async (t) => {
  const { dir, server } = begin(t)
  const { open } = server()
  const [olga, bob, dave] = [open('olga'), open('bob'), open('dave')]
  await append(olga, 'INBOX', 0, SEEN | FLAGGED, 0)
  const [hers, his, others] = await openAll([olga, bob, dave])
  assert.deepEqual(flagsIn(his), ['', '\\Flagged', ''])
  await his.store([1, 2], { mode: 'add', bits: SEEN | ANSWERED, keywords: ['kw'] }, LOUD)
  for (const view of [hers, his, others]) await sync(view)
  assert.deepEqual(flagsIn(hers), ['\\Answered kw', '\\Answered \\Flagged \\Seen kw', ''])
  assert.deepEqual(flagsIn(his), ['\\Answered \\Seen kw', '\\Answered \\Flagged \\Seen kw', ''])
  assert.deepEqual(flagsIn(others), ['\\Answered kw', '\\Answered \\Flagged kw', ''])
  await his.store([2], { mode: 'replace', bits: DELETED, keywords: [] }, LOUD)
  await hers.store([3], MARK, LOUD)
  for (const view of [hers, his]) await sync(view)
  assert.deepEqual(flagsIn(hers), ['\\Answered kw', '\\Deleted \\Seen', '\\Seen'])
  assert.deepEqual(flagsIn(his), ['\\Answered \\Seen kw', '\\Deleted', ''])
  const seen = readdirSync(join(dir, 'olga/cur')).filter((name) => /:2,.*S/.test(name))
  assert.equal(seen.length, 2, "what bob has seen is not in olga's files")
})

test("the user's other sessions are told, nobody else is, and MODSEQs rise", async (t) => {
  const { open } = begin(t).server()
  const [olga, bob] = [open('olga'), open('bob')]
  await append(olga, 'INBOX', 0, 0, 0)
  const [hers, one, other] = await openAll([olga, bob, bob])
  const before = one.highestModSeq
  let heard = 0
  t.after(other.onChange(() => (heard += 1)))
  await one.store([1], MARK, LOUD)
  await one.store([3], MARK, { silent: true })
  await one.store([1, 3], MARK, LOUD)
  assert.equal(heard, 2, 'what is marked already does not change')
  assert.deepEqual((await sync(one)).flags, [1], 'a silent change is not told to who made it')
  assert.deepEqual((await sync(other, 'cached')).flags, [1, 3])
  assert.deepEqual((await sync(hers)).flags, [])
  const modSeqs = [1, 2, 3].map((number) => one.message(number).modSeq)
  assert.ok(modSeqs[0]! > before && modSeqs[2]! > modSeqs[0]! && modSeqs[1]! <= before, modSeqs.join())
  assert.equal(one.highestModSeq, modSeqs[2])
  assert.ok(hers.message(1).modSeq <= before && hers.highestModSeq >= one.highestModSeq)
  await hers.store([2], { mode: 'add', bits: FLAGGED, keywords: [] }, LOUD)
  assert.ok(hers.message(2).modSeq > one.highestModSeq, 'what comes later has a larger MODSEQ')
})

test('STORE UNCHANGEDSINCE leaves alone what was marked since', async (t) => {
  const { open } = begin(t).server()
  const bob = open('bob')
  await append(open('olga'), 'INBOX', 0, 0)
  const [one, other] = await openAll([bob, bob])
  const unchangedSince = one.highestModSeq
  await other.store([1], MARK, LOUD)
  const change = { mode: 'replace', bits: FLAGGED, keywords: [] } as const
  assert.deepEqual(await one.store([1, 2], change, { silent: true, unchangedSince }), { modified: [1] })
  assert.deepEqual(flagsIn(one), ['\\Seen', '\\Flagged'])
})

test('marks outlive the process, and another process learns of them', async (t) => {
  const { server } = begin(t)
  const [here, there] = [server(), server()]
  await append(here.open('olga'), 'INBOX', 0, 0)
  const [one, other] = await openAll([here.open('bob'), there.open('bob')])
  await one.store([2], MARK, LOUD)
  assert.deepEqual((await sync(other)).flags, [2])
  assert.equal(other.highestModSeq, one.message(2).modSeq)
  await other.store([1], MARK, LOUD)
  await other.store([2], { ...MARK, mode: 'remove' }, LOUD)
  assert.deepEqual((await sync(one)).flags, [1, 2])
  assert.deepEqual(flagsIn(one), ['\\Seen', ''])
  await Promise.all([here.close(), there.close()])
  const [later] = await openAll([server().open('bob')])
  assert.deepEqual(flagsIn(later), ['\\Seen', ''])
})

test('who opens a mailbox sees at once what another process marked, also where a session has it open already', async (t) => {
  const { server } = begin(t)
  const [here, there] = [server(), server()]
  await append(here.open('olga'), 'INBOX', 0)
  const [one] = await openAll([here.open('bob'), there.open('bob')])
  await one.store([1], MARK, LOUD)
  const [late] = await openAll([there.open('bob')])
  assert.deepEqual(flagsIn(late), ['\\Seen'])
  const { modSeq } = one.message(1)
  assert.deepEqual([late.message(1).modSeq, late.highestModSeq], [modSeq, modSeq])
})

test('messages bring what the user has seen along, in and out', async (t) => {
  const { dir, server } = begin(t)
  const { open } = server()
  const [olga, bob] = [open('olga'), open('bob')]
  await append(olga, 'INBOX', SEEN, 0)
  await olga.create('Archive')
  const [his] = await openAll([bob])
  await his.store([2], MARK, LOUD)
  await his.copy([1, 2], 'Archive')
  await append(bob, 'Archive', SEEN | FLAGGED)
  const [box] = await openAll([bob], 'Archive')
  assert.deepEqual(flagsIn(box), ['', '\\Seen', '\\Flagged \\Seen'])
  assert.deepEqual((await his.move([2], 'Archive')).target, [4])
  await sync(box)
  assert.equal(box.message(4).flags.text, '\\Seen')
  const [hers] = await openAll([olga], 'Archive')
  assert.deepEqual(flagsIn(hers), ['', '', '\\Flagged', ''])
  assert.equal(readdirSync(join(dir, 'olga/.Archive/cur')).filter((name) => name.endsWith('S')).length, 0)
})

test('STATUS counts what the user has not seen', async (t) => {
  const { server } = begin(t)
  const { open } = server()
  const [olga, bob, dave] = [open('olga'), open('bob'), open('dave')]
  await append(olga, 'INBOX', SEEN, 0, 0)
  const unseen = async (): Promise<string> => {
    const counts = await Promise.all([olga, bob, dave].map(async (store) => (await store.status('INBOX')).unseen))
    return counts.join()
  }
  assert.equal(await unseen(), '2,3,3')
  const [his] = await openAll([bob])
  await his.store([1, 2], MARK, LOUD)
  assert.equal(await unseen(), '2,1,3')
  assert.equal(await unseen(), '2,1,3', 'from what is kept')
  await append(olga, 'INBOX', 0)
  assert.equal(await unseen(), '3,2,4')
  await his.remove([2])
  assert.equal(await unseen(), '2,2,3')
  await his.store([1], { ...MARK, mode: 'remove' }, LOUD)
  await his.close()
  assert.equal(await unseen(), '2,3,3')
})

test('a renamed mailbox keeps its marks, one that is made anew has none', async (t) => {
  const { open } = begin(t).server()
  const [olga, bob] = [open('olga'), open('bob')]
  await olga.create('Work')
  await append(olga, 'Work', 0)
  const [before] = await openAll([bob], 'Work')
  await before.store([1], MARK, LOUD)
  await olga.rename('Work', 'Play')
  const [renamed] = await openAll([bob], 'Play')
  assert.deepEqual(flagsIn(renamed), ['\\Seen'])
  await olga.delete('Play')
  await olga.create('Play')
  await append(olga, 'Play', 0)
  const [anew] = await openAll([bob], 'Play')
  assert.deepEqual(flagsIn(anew), [''])
})

test('marks of messages that are gone go too', async (t) => {
  const { dir, server } = begin(t)
  const first = server()
  const [olga, bob] = [first.open('olga'), first.open('bob')]
  await append(olga, 'INBOX', 0, 0, 0)
  const [hers, his] = await openAll([olga, bob])
  await his.store([1, 2, 3], MARK, LOUD)
  await hers.remove([1])
  await sync(his)
  assert.deepEqual(rowsIn(dir), [2, 3])
  await his.close()
  await hers.remove([2])
  await first.close()
  await openAll([server().open('bob')])
  assert.deepEqual(rowsIn(dir), [3], 'nobody looked when the second one went')
})

test('a directory that cannot be written, and a file of another version, leave the marks in memory', async (t) => {
  for (const spoil of [spoilDirectory, spoilVersion]) {
    const { dir, server } = begin(t)
    spoil(dir)
    const { open, lines } = server()
    await append(open('olga'), 'INBOX', 0, 0)
    const [his, other] = await openAll([open('bob'), open('bob')])
    await his.store([1], MARK, LOUD)
    assert.deepEqual((await sync(other)).flags, [1])
    assert.deepEqual(
      [flagsIn(his), flagsIn(other)],
      [
        ['\\Seen', ''],
        ['\\Seen', ''],
      ],
    )
    assert.ok(his.highestModSeq <= his.message(1).modSeq)
    assert.match(lines.join('\n'), /^error: INDEXPVT: \\Seen is kept in memory until the mailbox is closed: .+$/)
  }
})

test('a broken file is moved aside and made anew', async (t) => {
  const { dir, server } = begin(t)
  mkdirSync(join(dir, 'bob'))
  writeFileSync(join(dir, 'bob', PRIVATE_FILE), 'no database, but longer than the header of one would be: '.repeat(100))
  const { open, lines } = server()
  await append(open('olga'), 'INBOX', 0)
  const [his] = await openAll([open('bob')])
  await his.store([1], MARK, LOUD)
  assert.deepEqual(rowsIn(dir), [1])
  assert.equal(existsSync(join(dir, 'bob', `${PRIVATE_FILE}.broken`)), true)
  assert.equal(lines.length, 1, lines.join('\n'))
})

test('whoever comes from Dovecot has seen what he has seen there, once', async (t) => {
  const { dir, server } = begin(t)
  const first = server()
  const olga = first.open('olga')
  await olga.create('Work')
  await append(olga, 'Work', 0, SEEN, 0, 0)
  const { uidValidity } = await olga.status('Work')
  const put = (user: string, text: Buffer): void => {
    mkdirSync(join(dir, user, '.Work'), { recursive: true })
    writeFileSync(join(dir, user, '.Work/dovecot.index.pvt.log'), text)
  }
  put('bob', dovecotLog(uidValidity, [1, 2, 9]))
  put('dave', dovecotLog(uidValidity + 1, [1]))
  put('ann', Buffer.from('damaged'))
  const bob = first.open('bob')
  assert.equal((await bob.status('Work')).unseen, 2)
  const view = await bob.open('Work', 'read-write')
  t.after(() => view.close())
  assert.deepEqual(flagsIn(view), ['\\Seen', '\\Seen', '', ''])
  assert.ok(view.message(1).modSeq > view.message(3).modSeq && view.message(1).modSeq <= view.highestModSeq)
  await view.store([1], { mode: 'remove', bits: SEEN, keywords: [] }, LOUD)
  for (const user of ['dave', 'ann']) assert.equal((await first.open(user).status('Work')).unseen, 4, user)
  const second = server()
  assert.equal((await second.open('bob').status('Work')).unseen, 3, 'what he did since is not undone')
  const texts = [...first.lines, ...second.lines].map((line) => line.replace(dir, ''))
  assert.deepEqual(texts.slice(0, 1), ['info: INDEXPVT: took \\Seen of 2 messages from Dovecot'])
  assert.match(
    texts[1] ?? '',
    /^warning: INDEXPVT: cannot use all of \/ann\/\.Work\/dovecot\.index\.pvt\.log: the header ends early$/,
  )
})

/** A log as Dovecot writes it: messages 1 to 9, and those that were seen. */
function dovecotLog(uidValidity: number, seen: readonly number[]): Buffer {
  const word = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer)
  const change = (type: number, data: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80 | (2 + data.length / 4)]), word(type), data])
  const header = Buffer.concat([Buffer.from([1, 3, 40, 0]), word(7, 1, 0, 0, 0, 0, 0, 1, 0)])
  const messages = Array.from({ length: 9 }, (_, at) => [at + 1, 0]).flat()
  const marks = seen.flatMap((uid) => [uid, uid, 0x08])
  return Buffer.concat([
    header,
    change(0x10_00_00_20, word(0x00_04_00_18, uidValidity)),
    change(0x10_00_00_02, word(...messages)),
    change(0x04, word(...marks)),
  ])
}

test('every view of marks of his own is explained by the changes it was told of, in two processes', async (t) => {
  const { dir, server } = begin(t)
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.array(worldStep, { minLength: 1, maxLength: 20, size: 'max' }), async (doings) => {
      number += 1
      const [here, there] = [server(), server()]
      const world = new World([here, there].map(({ open }) => open(`bob${number}`, `olga${number}`)))
      for (let at = 0; at < 2; at += 1) await world.client(at)
      for (const [, run] of doings) await run(world)
      await world.end()
      await Promise.all([here.close(), there.close()])
      for (const name of [`bob${number}`, `olga${number}`]) rmSync(join(dir, name), { recursive: true, force: true })
    }),
    { numRuns: 12 },
  )
})

/** As many views as there are stores. */
async function openAll<T extends readonly MailStore[] | []>(
  stores: T,
  name = 'INBOX',
): Promise<{ -readonly [at in keyof T]: Mailbox }> {
  const views: Mailbox[] = []
  for (const store of stores) views.push(await store.open(name, 'read-write'))
  return views as { -readonly [at in keyof T]: Mailbox }
}

/** UIDs that bob's file knows. */
function rowsIn(dir: string): readonly number[] {
  const db = new DatabaseSync(join(dir, 'bob', PRIVATE_FILE), { readOnly: true })
  try {
    return db
      .prepare('SELECT uid FROM seen ORDER BY uid')
      .all()
      .map(({ uid }) => Number(uid))
  } finally {
    db.close()
  }
}

/** In the way of the directory lies a file. */
function spoilDirectory(dir: string): void {
  writeFileSync(join(dir, 'bob'), '')
}

function spoilVersion(dir: string): void {
  mkdirSync(join(dir, 'bob'))
  const db = new DatabaseSync(join(dir, 'bob', PRIVATE_FILE))
  db.exec('PRAGMA user_version = 99')
  db.close()
}
