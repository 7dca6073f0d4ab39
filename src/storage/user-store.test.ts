import assert from 'node:assert/strict'
import test from 'node:test'
import { DELETED, FLAGGED, SEEN } from './flags.ts'
import { StoreRefusal } from './refusal.ts'
import type { MailStore } from './store.ts'
import { MemoryMail } from './testing/open-memory-store.ts'

const MESSAGE = Buffer.from('Subject: hello\r\n\r\nbody\r\n')

async function append(store: MailStore, mailbox: string, bits = 0, keywords: readonly string[] = []): Promise<number> {
  const appending = await store.beginAppend(mailbox)
  await appending.begin({ bits, keywords })
  await appending.write(MESSAGE)
  await appending.end()
  const { uids } = await appending.commit()
  return uids[0] ?? 0
}

test('two sessions see what the other does, each when it syncs', async () => {
  const mail = new MemoryMail()
  const store = mail.open()
  for (let count = 0; count < 3; count += 1) await append(store, 'INBOX')
  const one = await store.open('INBOX', 'read-write')
  const two = await store.open('INBOX', 'read-write')
  assert.equal(one.count, 3)
  assert.deepEqual([one.recent, two.recent], [3, 0], 'the first session takes what is recent')
  await two.store([1, 3], { mode: 'add', bits: DELETED, keywords: ['work'] }, { silent: false })
  const flags = await one.sync({ expunge: false, look: 'now' })
  assert.deepEqual([flags.flags, flags.newKeywords], [[1, 3], true])
  assert.equal(one.message(1).flags.text, '\\Deleted work')
  await two.expunge()
  const held = await one.sync({ expunge: false, look: 'now' })
  assert.deepEqual([held.expunged, one.count], [[], 3])
  const told = await one.sync({ expunge: true, look: 'now' })
  assert.deepEqual([told.expunged, told.expungedUids, told.exists, one.count], [[3, 1], [1, 3], undefined, 1])
  const own = await two.sync({ expunge: true, look: 'now' })
  assert.deepEqual([own.flags, own.expunged], [[], [3, 1]])
  await mail.close()
})

test('another process sees flags, mail and expunges, with the same MODSEQs', async () => {
  const here = new MemoryMail()
  const there = new MemoryMail(here)
  const [store, other] = [here.open(), there.open()]
  await append(store, 'INBOX')
  const [one, two] = [await store.open('INBOX', 'read-write'), await other.open('INBOX', 'read-write')]
  await one.store([1], { mode: 'add', bits: SEEN, keywords: [] }, { silent: true })
  assert.deepEqual((await one.sync({ expunge: true, look: 'now' })).flags, [], 'silent')
  assert.deepEqual((await two.sync({ expunge: true, look: 'now' })).flags, [1])
  assert.equal(one.message(1).modSeq, two.message(1).modSeq)
  await append(other, 'INBOX', FLAGGED)
  assert.equal((await one.sync({ expunge: true, look: 'now' })).exists, 2)
  assert.equal(one.highestModSeq, one.message(2).modSeq)
  await Promise.all([here.close(), there.close()])
})

test('copying keeps flags, keywords and dates; moving takes the source away', async () => {
  const mail = new MemoryMail()
  const store = mail.open()
  await store.create('Work/2026')
  await append(store, 'INBOX', SEEN, ['$Forwarded'])
  await append(store, 'INBOX')
  const inbox = await store.open('INBOX', 'read-write')
  assert.deepEqual(await inbox.copy([1, 2, 99], 'Work/2026'), { uidValidity: 2, source: [1, 2], target: [1, 2] })
  await inbox.move([2], 'Work/2026')
  assert.deepEqual((await inbox.sync({ expunge: true, look: 'cached' })).expunged, [2])
  const work = await store.open('Work/2026', 'read-only')
  assert.deepEqual(
    [1, 2, 3].map((n) => work.message(n).flags.text),
    ['\\Seen $Forwarded', '', ''],
  )
  for await (const summaries of work.summaries([1, 3])) assert.deepEqual([...summaries.keys()], [1, 3])
  assert.equal((await store.status('Work/2026')).messages, 3)
  await assert.rejects(inbox.copy([1], 'Nope'), new StoreRefusal('not-found', "Mailbox doesn't exist: Nope"))
  await assert.rejects(work.store([1], { mode: 'add', bits: SEEN, keywords: [] }, { silent: true }), StoreRefusal)
  await mail.close()
})
