import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { DELETED, SEEN } from './flags.ts'
import { FailingFormat } from './formats/failing.ts'
import { MemoryFormat } from './formats/memory.ts'
import { StoreRefusal } from './refusal.ts'
import type { Mailbox, MailStore } from './store.ts'
import { MemoryMail } from './testing/open-memory-store.ts'

interface Bench {
  readonly format: FailingFormat
  readonly mail: MemoryMail
  readonly store: MailStore
  readonly inbox: Mailbox
}

/** INBOX with three messages. */
async function setUp(t: TestContext): Promise<Bench> {
  const format = new FailingFormat(new MemoryFormat())
  const mail = new MemoryMail(undefined, format)
  t.after(() => mail.close())
  const store = mail.open()
  for (let count = 0; count < 3; count += 1) await append(store)
  await store.create('Target')
  return { format, mail, store, inbox: await store.open('INBOX', 'read-write') }
}

async function append(store: MailStore): Promise<void> {
  const appending = await store.beginAppend('INBOX')
  try {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.write(Buffer.from('x'))
    await appending.end()
    await appending.commit()
  } catch (error) {
    await appending.abort()
    throw error
  }
}

const seen = { mode: 'add', bits: SEEN, keywords: [] } as const

test('flags that could not be written are as before, and may be written later', async (t) => {
  const { format, inbox } = await setUp(t)
  const before = inbox.highestModSeq
  format.failNext('setFlags', new StoreRefusal('temporary', 'Timeout while waiting for lock'))
  await assert.rejects(inbox.store([1], seen, { silent: false }), { code: 'temporary' })
  assert.deepEqual(await inbox.sync({ expunge: true, look: 'now' }), NOTHING)
  assert.deepEqual([inbox.message(1).flags.bits, inbox.highestModSeq], [0, before])
  await inbox.store([1], seen, { silent: false })
  assert.deepEqual((await inbox.sync({ expunge: true, look: 'now' })).flags, [1])
})

test('a look that failed is repeated', async (t) => {
  const { format, inbox, mail } = await setUp(t)
  const other = new MemoryMail(mail)
  t.after(() => other.close())
  const theirs = await other.open().open('INBOX', 'read-write')
  await theirs.store([2], seen, { silent: true })
  format.failNext('sync')
  await assert.rejects(async () => inbox.sync({ expunge: true, look: 'now' }), { message: 'sync failed' })
  assert.deepEqual((await inbox.sync({ expunge: true, look: 'cached' })).flags, [2])
})

test('a copy is all or nothing', async (t) => {
  const { format, inbox, store } = await setUp(t)
  for (const operation of ['beginAppend', 'link', 'commit'] as const) {
    format.failNext(operation)
    await assert.rejects(inbox.move([1, 2], 'Target'), { message: `${operation} failed` })
    assert.equal((await store.status('Target')).messages, 0, operation)
  }
  assert.deepEqual(await inbox.sync({ expunge: true, look: 'now' }), NOTHING)
  assert.equal(format.count('abort'), 2)
  format.failNext('expunge')
  await assert.rejects(inbox.move([1, 2], 'Target'), { message: 'expunge failed' })
  assert.equal(inbox.count, 3, 'doubled is better than lost')
})

test('an append that failed leaves nothing, and the mailbox may be deleted and made again', async (t) => {
  const { format, inbox, store } = await setUp(t)
  for (const operation of ['begin', 'write', 'end', 'commit'] as const) {
    format.failNext(operation)
    await assert.rejects(append(store), { message: `${operation} failed` })
  }
  assert.deepEqual(await inbox.sync({ expunge: true, look: 'now' }), NOTHING)
  await append(store)
  assert.equal((await inbox.sync({ expunge: true, look: 'now' })).exists, 4)
})

test('messages that could not be removed stay', async (t) => {
  const { format, inbox } = await setUp(t)
  await inbox.store([1, 2], { ...seen, bits: DELETED }, { silent: true })
  format.failNext('expunge')
  await assert.rejects(inbox.expunge(), { message: 'expunge failed' })
  await inbox.expunge([2, 3])
  assert.deepEqual((await inbox.sync({ expunge: true, look: 'now' })).expungedUids, [2])
})

test('a mailbox that cannot be opened is tried again', async (t) => {
  const { format, store } = await setUp(t)
  for (const operation of ['open', 'sync'] as const) {
    format.failNext(operation)
    await assert.rejects(store.open('Target', 'read-write'), { message: `${operation} failed` })
  }
  assert.equal((await store.open('Target', 'read-write')).count, 0)
})

test('one operation at a time, however many are asked for', async (t) => {
  const { format, inbox } = await setUp(t)
  format.failNext('setFlags')
  const results = await Promise.allSettled([1, 2, 3].map((uid) => inbox.store([uid], seen, { silent: true })))
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
})

test('two who open one mailbox at once share it', async (t) => {
  const { format, store } = await setUp(t)
  const before = format.count('open')
  await Promise.all([1, 2, 3].map(() => store.open('Target', 'read-write')))
  assert.equal(format.count('open') - before, 1)
})

const NOTHING = {
  expunged: [],
  expungedUids: [],
  exists: undefined,
  recent: undefined,
  flags: [],
  newKeywords: false,
}
