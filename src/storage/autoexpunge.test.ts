import assert from 'node:assert/strict'
import test from 'node:test'
import type { MailboxSpec } from './namespace.ts'
import { mailboxBlock, MemoryMail, memoryNamespace } from './testing/open-memory-store.ts'

const DAY = 24 * 3_600_000

/** Which of a mailbox's messages, saved so many days ago, are there after a session. */
async function left(name: string, block: MailboxSpec, daysAgo: readonly number[]): Promise<readonly number[]> {
  const mail = new MemoryMail()
  const store = mail.open('joe', { namespaces: [memoryNamespace({ mailboxes: [block] })] })
  await store.create(name)
  const appending = await store.beginAppend(name)
  for (const days of daysAgo) {
    await appending.begin({ bits: 0, keywords: [], internalDateMs: Date.now() - days * DAY })
    await appending.end()
  }
  await appending.commit()
  const other = mail.open()
  const watching = await other.open(name, 'read-only')
  await store.close()
  await watching.sync({ expunge: true, look: 'cached' })
  const uids = Array.from({ length: watching.count }, (_, index) => watching.message(index + 1).uid)
  await other.close()
  await mail.close()
  assert.deepEqual(mail.log, [])
  return uids
}

test('old and surplus messages go when a session ends', async () => {
  const days = (count: number): number => count * DAY
  const rows: { why: string; box?: string; block: MailboxSpec; daysAgo: number[]; left: number[] }[] = [
    { why: 'nothing is said', block: mailboxBlock('Trash'), daysAgo: [100, 1], left: [1, 2] },
    { why: 'by age', block: mailboxBlock('Trash', { autoexpungeMs: days(30) }), daysAgo: [50, 31, 1], left: [3] },
    {
      why: 'in order, until one may stay',
      block: mailboxBlock('Trash', { autoexpungeMs: days(30) }),
      daysAgo: [50, 1, 31],
      left: [2, 3],
    },
    { why: 'by number', block: mailboxBlock('Trash', { autoexpungeMaxMails: 2 }), daysAgo: [1, 2, 3], left: [2, 3] },
    {
      why: 'by both',
      block: mailboxBlock('Trash', { autoexpungeMs: days(30), autoexpungeMaxMails: 3 }),
      daysAgo: [1, 40, 40, 2],
      left: [4],
    },
    {
      why: 'by pattern',
      box: 'Spam/2026',
      block: mailboxBlock('Spam/*', { autoexpungeMs: days(1) }),
      daysAgo: [2, 0],
      left: [2],
    },
  ]
  for (const { why, box = 'Trash', block, daysAgo, left: expected } of rows) {
    assert.deepEqual(await left(box, block, daysAgo), expected, why)
  }
})

test('a mailbox that is not there is not made for it', async () => {
  const mail = new MemoryMail()
  const block = mailboxBlock('Trash', { auto: 'create', autoexpungeMs: DAY })
  const store = mail.open('joe', { namespaces: [memoryNamespace({ mailboxes: [block] })] })
  await store.close()
  const names = (await mail.open().list(['*'])).map(({ name }) => name)
  assert.deepEqual([names, mail.log], [['INBOX'], []])
  await mail.close()
})
