import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryMail } from './testing/open-memory-store.ts'
import type { OwnMailStore } from './open-store.ts'

/** Three messages that nobody looked at. */
async function filled(): Promise<{ readonly mail: MemoryMail; readonly store: OwnMailStore }> {
  const mail = new MemoryMail()
  const store = mail.open()
  const appending = await store.beginAppend('INBOX')
  for (const text of ['a', 'b', 'c']) {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.write(Buffer.from(`Subject: ${text}\r\n\r\n`))
    await appending.end()
  }
  await appending.commit()
  return { mail, store }
}

test('HIGHESTMODSEQ rises, and does not fall', async () => {
  const { mail, store } = await filled()
  const before = (await store.status('INBOX')).highestModSeq
  await store.update('INBOX', { minHighestModSeq: before + 1000 })
  assert.equal((await store.status('INBOX')).highestModSeq, before + 1000)
  await store.update('INBOX', { minHighestModSeq: 1 })
  const mailbox = await store.open('INBOX', 'read-write')
  assert.equal(mailbox.highestModSeq, before + 1000)
  await mailbox.close()
  await mail.close()
})

test('messages below the first recent UID are not recent for the next session', async () => {
  const { mail, store } = await filled()
  await store.update('inbox', { minFirstRecentUid: 3 })
  const mailbox = await store.open('INBOX', 'read-write')
  assert.deepEqual(
    [1, 2, 3].map((uid) => mailbox.isRecent(uid)),
    [false, false, true],
  )
  await mailbox.close()
  await mail.close()
})

test('a mailbox must be there, and its format must have what is changed', async () => {
  const { mail, store } = await filled()
  await assert.rejects(store.update('Nosuch', { minHighestModSeq: 5 }), { code: 'not-found' })
  await assert.rejects(store.update('INBOX', { uidValidity: 5 }), { code: 'cannot' })
  await mail.close()
})
