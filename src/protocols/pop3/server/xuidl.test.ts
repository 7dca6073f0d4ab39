import assert from 'node:assert/strict'
import test from 'node:test'
import { MemoryMail } from '../../../storage/testing/open-memory-store.ts'
import { xuidlsOf } from './xuidl.ts'

test('X-UIDL headers are found in headers only, the first one, unfolded', async () => {
  const rows: readonly (readonly [why: string, message: string, id: string | undefined])[] = [
    ['as it is', 'X-UIDL: one\r\n\r\nbody', 'one'],
    ['any case', 'Subject: x\nx-uIdL:two\n\nbody', 'two'],
    ['folded', 'X-UIDL: a\r\n b\r\n\tc\r\n\r\nbody', 'a b\tc'],
    ['the first', 'X-UIDL: a\r\nX-UIDL: b\r\n\r\nbody', 'a'],
    ['empty', 'X-UIDL:\r\n\r\nbody', ''],
    ['in the body', 'Subject: x\r\n\r\nX-UIDL: a\r\n', undefined],
    ['none', 'Subject: x\r\n\r\n', undefined],
  ]
  const mail = new MemoryMail()
  const store = mail.open()
  const appending = await store.beginAppend('INBOX')
  for (const [, message] of rows) {
    await appending.begin({ bits: 0, keywords: [] })
    await appending.write(Buffer.from(message))
    await appending.end()
  }
  const { uids } = await appending.commit()
  const mailbox = await store.open('INBOX', 'read-only')
  const found = await xuidlsOf(mailbox, [...uids, 999])
  for (const [index, [why, , id]] of rows.entries()) assert.equal(found.get(uids[index] ?? 0), id, why)
  await mail.close()
})
