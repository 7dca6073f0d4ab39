import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { DELETED, FLAGGED, SEEN } from '../flags.ts'
import type { MailStore } from '../store.ts'
import { MemoryMail } from '../testing/open-memory-store.ts'
import { Client, type Step, World, worldStep } from '../testing/view-world.ts'
import { JOURNAL_ENTRIES } from './change-journal.ts'

test('every view is explained by the changes it was told of', async () => {
  const steps = fc.array(worldStep, { minLength: 1, maxLength: 30, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async (doings) => {
      const here = new MemoryMail()
      const there = new MemoryMail(here)
      const world = new World([here.open(), there.open()])
      for (let number = 0; number < 2; number += 1) await world.client(number)
      for (const [, run] of doings) await run(world)
      await world.end()
      await Promise.all([here.close(), there.close()])
    }),
    { numRuns: 300 },
  )
})

test('two sessions in any order of four steps are explained, too', async () => {
  const all = sequences(STEPS, 4)
  for (const doings of all) {
    const mail = new MemoryMail()
    const store = mail.open()
    await appendMany(store, 2)
    const world = new World([store])
    await world.client(0)
    await world.client(1)
    for (const doing of doings) await doing(world)
    await world.end()
    await mail.close()
  }
  assert.equal(all.length, STEPS.length ** 4)
})

const flagged = { mode: 'add', bits: DELETED | FLAGGED, keywords: [] } as const

/** What matters between two sessions: news, flags, expunges, and syncs of either kind. */
const STEPS: readonly Step[] = [
  async (world) => {
    await appendMany(world.store(0), 1)
  },
  async (world) => (await world.client(0)).store([1, 3], flagged, true),
  async (world) => (await world.client(1)).store([1, 2], { ...flagged, mode: 'replace' }, false),
  async (world) => (await world.client(1)).view.expunge(),
  async (world) => {
    await (await world.client(0)).sync(false)
  },
  async (world) => {
    await (await world.client(0)).sync(true, 'cached')
  },
]

function sequences<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  if (length === 0) return [[]]
  return sequences(items, length - 1).flatMap((before) => items.map((item) => [...before, item]))
}

async function appendMany(store: MailStore, count: number): Promise<void> {
  const appending = await store.beginAppend('INBOX')
  for (let index = 0; index < count; index += 1) {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.end()
  }
  await appending.commit()
}

test('a view that lags far behind is told of every change all the same', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const store = mail.open()
  await appendMany(store, 100)
  const sleeper = new Client(await store.open('INBOX', 'read-write'))
  const busy = await store.open('INBOX', 'read-write')
  const all = sleeper.known.map(({ uid }) => uid)
  for (let round = 0; round * 50 < JOURNAL_ENTRIES * 3; round += 1) {
    const mode = round % 2 === 0 ? 'add' : 'remove'
    await busy.store(all.slice(0, 50), { mode, bits: SEEN, keywords: [] }, { silent: true })
    await busy.sync({ expunge: true, look: 'cached' })
  }
  await busy.store([99], { mode: 'add', bits: FLAGGED, keywords: [] }, { silent: true })
  const { flags } = await sleeper.sync(true)
  assert.deepEqual([flags.length, flags.at(-1)], [51, 99])
})

test('while expunges are held back HIGHESTMODSEQ does not vouch for them', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const store = mail.open()
  await appendMany(store, 3)
  const [one, two] = [await store.open('INBOX', 'read-write'), await store.open('INBOX', 'read-write')]
  const before = one.highestModSeq
  await two.store([2], { mode: 'add', bits: DELETED, keywords: [] }, { silent: true })
  await two.expunge()
  await one.sync({ expunge: false, look: 'now' })
  assert.ok(one.highestModSeq > before)
  assert.deepEqual(await one.vanishedSince(one.highestModSeq), [[2, 2]])
  await one.sync({ expunge: true, look: 'now' })
  assert.deepEqual(await one.vanishedSince(one.highestModSeq), [])
})

test('a message that is marked as gone before that is reported keeps its number until then', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const store = mail.open()
  await appendMany(store, 3)
  const view = await store.open('INBOX', 'read-write')
  await view.store([3], { mode: 'add', bits: DELETED, keywords: [] }, { silent: true })
  await view.expunge([3])
  // A look that is under way found out, and did not end.
  const marked = view.message(1) as { expunged: boolean }
  marked.expunged = true
  assert.deepEqual((await view.sync({ expunge: true, look: 'cached' })).expunged, [3])
  assert.deepEqual([view.count, view.sequenceOf(2)], [2, 2])
})

test('a change is told at once to whoever waits, and to nobody else', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const store = mail.open()
  await appendMany(store, 1)
  const [one, two] = [await store.open('INBOX', 'read-write'), await store.open('INBOX', 'read-write')]
  let calls = 0
  const stop = one.onChange(() => {
    calls += 1
  })
  await two.store([1], { mode: 'add', bits: SEEN, keywords: [] }, { silent: true })
  assert.equal(calls, 1)
  stop()
  await two.store([1], { mode: 'remove', bits: SEEN, keywords: [] }, { silent: true })
  assert.equal(calls, 1)
})

test('mail that another process delivers wakes whoever waits', async (t) => {
  const mail = new MemoryMail()
  const other = new MemoryMail(mail)
  t.after(() => Promise.all([mail.close(), other.close()]))
  const view = await mail.open().open('INBOX', 'read-write')
  const woken = Promise.withResolvers<void>()
  const stop = view.onChange(() => woken.resolve())
  await appendMany(other.open(), 1)
  await woken.promise
  stop()
  assert.equal((await view.sync({ expunge: true, look: 'cached' })).exists, 1)
})

test('a mailbox that goes away takes its views with it', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const store = mail.open()
  await store.create('box')
  const view = await store.open('box', 'read-write')
  await store.delete('box')
  await assert.rejects(async () => view.sync({ expunge: true, look: 'now' }), { code: 'not-found' })
  await store.create('box')
  const fresh = await store.open('box', 'read-write')
  assert.notEqual(fresh.uidValidity, view.uidValidity)
  await view.close()
})
