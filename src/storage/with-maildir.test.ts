// The store on real files: what a session may reach, and what outlives a process.
import assert from 'node:assert/strict'
import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { FLAGGED } from './flags.ts'
import { FailingFormat } from './formats/failing.ts'
import type { MailLocation } from './formats/format.ts'
import { openMaildirFormat } from './formats/maildir/index.ts'
import { INDEX_FILE, IndexFiles } from './index/index-files.ts'
import { SharedMailboxes } from './mailbox/shared-mailboxes.ts'
import { openStore, type StoreOptions } from './open-store.ts'
import type { MailStore } from './store.ts'
import { memoryLocation, memoryNamespace, memorySettings } from './testing/open-memory-store.ts'
import { World, worldStep } from './testing/view-world.ts'

class Server {
  readonly format = new FailingFormat(openMaildirFormat())
  readonly mailboxes = new SharedMailboxes()
  readonly indexes = new IndexFiles()
  readonly lines: string[] = []

  open(user: string, location: MailLocation, options: Partial<StoreOptions> = {}): MailStore {
    return openStore({
      user,
      namespaces: [memoryNamespace({ location })],
      settings: { ...memorySettings, mail_fsync: 'never' },
      context: {
        formats: new Map([['maildir', this.format]]),
        mailboxes: this.mailboxes,
        indexes: this.indexes,
        hostname: 'host.example.org',
        now: () => Date.now(),
      },
      log: (level, text) => this.lines.push(`${level}: ${text}`),
      ...options,
    })
  }

  async close(): Promise<void> {
    await this.mailboxes.close()
    this.indexes.close()
  }
}

function tempDir(t: TestContext): string {
  const dir = makeTempDir('store')
  t.after(() => removeTempDir(dir))
  return dir
}

function maildir(
  path: string,
  layout: 'maildir++' | 'fs' = 'maildir++',
  facts: Partial<MailLocation> = {},
): MailLocation {
  return { ...memoryLocation(path), format: 'maildir', layout, ...facts }
}

function start(t: TestContext): Server {
  const server = new Server()
  t.after(() => server.close())
  return server
}

async function append(store: MailStore, mailbox: string, count = 1): Promise<void> {
  const appending = await store.beginAppend(mailbox)
  for (let index = 0; index < count; index += 1) {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.write(Buffer.from(`Subject: ${index}\n\nbody\n`))
    await appending.end()
  }
  await appending.commit()
}

/** Every path below a directory, and what is in the files. */
function everything(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const full = join(entry.parentPath, entry.name)
      return entry.isFile() ? `${full}: ${readFileSync(full).toString('latin1')}` : full
    })
    .sort()
}

const HOSTILE = [
  '..',
  '../jane',
  '../jane/Maildir',
  '../jane/Maildir/.Secret',
  '..jane',
  '.',
  './INBOX',
  '/',
  '//',
  'a/../../jane',
  'a//b',
  'a/',
  '~',
  '~jane',
  '~jane/Maildir',
  '~/../jane',
  'INBOX/..',
  'INBOX/../../jane',
  'a\0b',
  'a/\0',
  '\u2024\u2024/jane',
  '%2e%2e/jane',
  '..\\jane',
  'cur',
  'cur/../..',
  'new/x',
  'tmp',
  'DOVECOT-TRASHED',
  '../../etc/passwd',
  `${'../'.repeat(40)}etc/passwd`,
  'x'.repeat(300),
  `${'a/'.repeat(3000)}b`,
  '\ud800',
  '&',
  '&AGE-',
  'postern.index',
  'dovecot-uidlist',
  'subscriptions',
]

for (const layout of ['maildir++', 'fs'] as const) {
  test(`no mailbox name leads to the mail of others, LAYOUT=${layout}`, async (t) => {
    const dir = tempDir(t)
    const server = start(t)
    const jane = server.open('jane', maildir(`${dir}/jane/Maildir`, layout))
    await jane.create('Secret')
    await append(jane, 'Secret')
    await append(jane, 'INBOX')
    const joe = server.open('joe', maildir(`${dir}/joe/Maildir`, layout, { controlPath: `${dir}/joe/control` }))
    await append(joe, 'INBOX')
    const before = everything(`${dir}/jane`)
    for (const name of HOSTILE) await tryEverything(joe, name)
    assert.deepEqual(everything(`${dir}/jane`), before)
    assert.deepEqual(readdirSync(dir).sort(), ['jane', 'joe'])
    assert.deepEqual(readdirSync(`${dir}/joe`).sort(), ['Maildir', 'control'])
    const inbox = await joe.open('INBOX', 'read-write')
    assert.equal(inbox.count, 1, 'and it still works')
  })
}

/** Asks for everything a client may ask for, and takes no for an answer. */
async function tryEverything(store: MailStore, name: string): Promise<void> {
  const attempts: (() => Promise<unknown>)[] = [
    () => store.open(name, 'read-write').then((box) => box.close()),
    () => store.status(name),
    () => append(store, name),
    () => store.rename(name, 'taken'),
    () => store.delete(name),
    () => store.create(name),
    () => store.create(name, { directory: true }),
    () => store.open(name, 'read-write').then((box) => box.close()),
    () => append(store, name),
    () => store.subscribe(name, true),
    () => store.subscribe(name, false),
    () => store.list([name, `${name}/*`]),
    async () => {
      const inbox = await store.open('INBOX', 'read-write')
      try {
        await inbox.copy([1], name)
      } finally {
        await inbox.close()
      }
    },
    () => store.rename('INBOX', name),
    () => store.delete(name),
  ]
  for (const attempt of attempts) {
    try {
      await attempt()
    } catch (error) {
      assert.equal((error as Error).name, 'StoreRefusal', `${JSON.stringify(name)}: ${String(error)}`)
    }
  }
}

test('deleting a mailbox that is a link of the administrator leaves what it leads to', async (t) => {
  const dir = tempDir(t)
  const server = start(t)
  const jane = server.open('jane', maildir(`${dir}/jane`))
  await jane.create('Team')
  await append(jane, 'Team')
  const joe = server.open('joe', maildir(`${dir}/joe`))
  await joe.create('x')
  symlinkSync(`${dir}/jane/.Team`, `${dir}/joe/.Team`)
  assert.equal((await joe.status('Team')).messages, 1)
  await joe.delete('Team')
  assert.equal((await jane.status('Team')).messages, 1)
})

test('MODSEQs, expunges and summaries outlive the process', async (t) => {
  const dir = tempDir(t)
  const location = maildir(`${dir}/Maildir`, 'maildir++', { indexPath: `${dir}/index/joe` })
  const first = start(t)
  const one = first.open('joe', location)
  await append(one, 'INBOX', 4)
  const before = await one.open('INBOX', 'read-write')
  assert.equal(before.recent, 4)
  await before.store([2], { mode: 'add', bits: FLAGGED, keywords: ['work'] }, { silent: true })
  const told = before.highestModSeq
  await before.move([3], 'INBOX')
  await before.sync({ expunge: true, look: 'now' })
  for await (const summaries of before.summaries([1, 2, 4, 5])) assert.equal(summaries.size, 4)
  const modSeqs = [1, 2, 3, 4].map((sequence) => before.message(sequence).modSeq)
  await first.close()
  assert.ok(statSync(`${dir}/index/joe/${INDEX_FILE}`).size > 0)

  const second = start(t)
  const two = second.open('joe', location)
  const after = await two.open('INBOX', 'read-write')
  assert.deepEqual(
    [1, 2, 3, 4].map((sequence) => after.message(sequence).modSeq),
    modSeqs,
  )
  assert.deepEqual([after.highestModSeq, after.recent], [before.highestModSeq, 0])
  assert.deepEqual(await after.vanishedSince(told), [[3, 3]])
  const opened = second.format.count('openMessage')
  for await (const summaries of after.summaries([1, 2, 4, 5])) assert.equal(summaries.size, 4)
  assert.equal(second.format.count('openMessage'), opened, 'without reading a message')
  await second.close()

  rmSync(`${dir}/index`, { recursive: true })
  const third = start(t)
  const again = await third.open('joe', location).open('INBOX', 'read-write')
  assert.ok(again.highestModSeq > after.highestModSeq, 'an index that was lost does not take MODSEQs back')
  assert.deepEqual(await again.vanishedSince(told), [[3, 3]], 'whatever is not there may have been')
  assert.equal(again.message(2).flags.text, '\\Flagged work')
})

test('whoever sees flags that others set sees their MODSEQ, also while the disk is looked at', async (t) => {
  const dir = tempDir(t)
  // Syncing the uidlist takes turns of the event loop.
  const joe = start(t).open('joe', maildir(dir), { settings: { ...memorySettings, mail_fsync: 'always' } })
  await append(joe, 'INBOX', 2)
  const inbox = await joe.open('INBOX', 'read-write')
  const [before, message] = [inbox.message(1).modSeq, inbox.message(1)]
  const base = inbox.identity(1)?.fileName ?? ''
  const name = readdirSync(`${dir}/cur`).find((each) => each.startsWith(`${base}:`)) ?? ''
  renameSync(`${dir}/cur/${name}`, `${dir}/cur/${name}F`)
  writeFileSync(`${dir}/new/1700000001.M1P1.elsewhere`, 'Subject: new\n\n')
  let looking = true
  const looked = Promise.resolve(inbox.sync({ expunge: true, look: 'now' })).finally(() => {
    looking = false
  })
  let turns = 0
  for (; looking; turns += 1) {
    for (let tick = 0; tick < 20; tick += 1) {
      await Promise.resolve()
      assert.equal(message.modSeq > before, message.flags.text === '\\Flagged')
    }
    await setImmediate()
  }
  assert.deepEqual((await looked).flags, [1])
  assert.equal(message.flags.text, '\\Flagged')
  assert.ok(turns > 1)
})

test('a delivery does not read the mailbox, and wakes those who look at it', async (t) => {
  const dir = tempDir(t)
  const server = start(t)
  const joe = server.open('joe', maildir(dir))
  await append(joe, 'INBOX', 3)
  assert.equal(server.format.count('sync'), 0)
  const inbox = await joe.open('INBOX', 'read-write')
  assert.deepEqual([inbox.count, inbox.recent], [3, 3])
  let woken = 0
  const stop = inbox.onChange(() => {
    woken += 1
  })
  await append(server.open('joe', maildir(dir)), 'INBOX', 2)
  stop()
  assert.ok(woken > 0)
  assert.equal((await inbox.sync({ expunge: true, look: 'cached' })).exists, 5)
})

test('a message is new to the next session, also when it has flags and was counted for the quota meanwhile', async (t) => {
  const dir = tempDir(t)
  const server = start(t)
  const counting = server.open('joe', maildir(dir))
  const quota = {
    roots: () => Promise.resolve([]),
    check: async () => {
      await counting.status('INBOX')
    },
    changed: () => undefined,
  }
  for (const options of [{}, { quota }]) {
    const store = server.open('joe', maildir(dir), options)
    const appending = await store.beginAppend('INBOX')
    await appending.begin({ bits: FLAGGED, keywords: ['work'] })
    await appending.write(Buffer.from('x'))
    await appending.end()
    await appending.commit()
    const inbox = await store.open('INBOX', 'read-write')
    assert.equal(inbox.recent, 1)
    await inbox.close()
    await server.mailboxes.close()
  }
})

test('a mailbox that another process deletes and makes anew is another one', async (t) => {
  const dir = tempDir(t)
  const [here, there] = [start(t), start(t)]
  const [joe, other] = [here, there].map((server) => server.open('joe', maildir(dir)))
  assert.ok(joe && other)
  await joe.create('Work')
  await append(joe, 'Work')
  const old = await joe.open('Work', 'read-write')
  await other.delete('Work')
  await assert.rejects(async () => old.sync({ expunge: true, look: 'now' }), { code: 'not-found' })
  await assert.rejects(joe.open('Work', 'read-write'), { code: 'not-found' })
  await other.create('Work')
  const fresh = await joe.open('Work', 'read-write')
  assert.deepEqual([fresh.count, fresh.uidValidity === old.uidValidity], [0, false])
  await assert.rejects(async () => old.sync({ expunge: true, look: 'now' }), { code: 'not-found' })
  await append(other, 'Work', 2)
  assert.equal((await fresh.sync({ expunge: true, look: 'now' })).exists, 2)
})

test('the status of a mailbox that did not change is known without opening it', async (t) => {
  const dir = tempDir(t)
  const server = start(t)
  const joe = server.open('joe', maildir(dir))
  await joe.create('Work')
  await append(joe, 'Work', 2)
  const status = await joe.status('Work')
  await server.close()
  const settled = (): void => {
    for (const part of ['cur', 'new', 'dovecot-uidlist'])
      utimesSync(`${dir}/.Work/${part}`, 1_700_000_000, 1_700_000_000)
  }
  settled()
  const counted = await askAgain(t, dir)
  assert.deepEqual(counted, { status, opens: 1 }, 'signed')
  assert.deepEqual(await askAgain(t, dir), { status, opens: 0 })
  writeFileSync(`${dir}/.Work/new/1700000001.M1P1.elsewhere`, 'Subject: new\n\n')
  const changed = await askAgain(t, dir)
  assert.deepEqual([changed.status.messages, changed.opens], [3, 1])
  settled()
  await askAgain(t, dir)
  const server2 = start(t)
  const box = await server2.open('joe', maildir(dir)).open('Work', 'read-write')
  assert.equal(box.recent, changed.status.recent)
  await server2.close()
  assert.equal((await askAgain(t, dir)).status.recent, 0, 'nobody else is told of it')
})

/** STATUS in a new process. */
async function askAgain(
  t: TestContext,
  dir: string,
): Promise<{ status: Awaited<ReturnType<MailStore['status']>>; opens: number }> {
  const server = start(t)
  const status = await server.open('joe', maildir(dir)).status('Work')
  const opens = server.format.count('open')
  await server.close()
  return { status, opens }
}

test('two processes on one Maildir tell their sessions everything', async (t) => {
  const steps = fc.array(worldStep, { minLength: 5, maxLength: 25, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async (doings) => {
      const dir = makeTempDir('store')
      const [here, there] = [new Server(), new Server()]
      t.after(() => removeTempDir(dir))
      const world = new World([here, there].map((server) => server.open('joe', maildir(`${dir}/Maildir`))))
      for (let number = 0; number < 2; number += 1) await world.client(number)
      for (const [, run] of doings) await run(world)
      await world.end()
      await Promise.all([here.close(), there.close()])
      assert.deepEqual([...here.lines, ...there.lines], [])
    }),
    { numRuns: 8 },
  )
})
