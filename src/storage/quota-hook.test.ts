import assert from 'node:assert/strict'
import test from 'node:test'
import { DELETED } from './flags.ts'
import type { QuotaAmount, QuotaHook } from './quota-hook.ts'
import { StoreRefusal } from './refusal.ts'
import { MemoryMail } from './testing/open-memory-store.ts'

class Limited implements QuotaHook {
  used = 0
  messages = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  roots(): ReturnType<QuotaHook['roots']> {
    return Promise.resolve([{ name: 'User', resources: [{ name: 'STORAGE', usage: this.used, limit: this.limit }] }])
  }

  check(_mailbox: string, { sizeBytes }: QuotaAmount, movedFrom?: string): Promise<void> {
    if (movedFrom !== undefined || this.used + sizeBytes <= this.limit) return Promise.resolve()
    return Promise.reject(new StoreRefusal('over-quota', 'Quota exceeded (mailbox for user is full)'))
  }

  changed(_mailbox: string, { messages, sizeBytes }: QuotaAmount): void {
    this.messages += messages
    this.used += sizeBytes
  }
}

test('what is added and removed counts, what does not fit is refused before anything is kept', async (t) => {
  const mail = new MemoryMail()
  t.after(() => mail.close())
  const quota = new Limited(25)
  const store = mail.open('joe', { quota })
  const append = async (sizeBytes: number, announced: boolean): Promise<void> => {
    const appending = await store.beginAppend('INBOX')
    try {
      await appending.begin({ bits: DELETED, keywords: [], ...(announced && { sizeBytes }) })
      await appending.write(Buffer.alloc(sizeBytes, 'x'))
      await appending.end()
      await appending.commit()
    } catch (error) {
      await appending.abort()
      throw error
    }
  }
  await append(10, true)
  await append(10, false)
  for (const announced of [true, false]) await assert.rejects(append(10, announced), { code: 'over-quota' })
  assert.deepEqual([quota.messages, quota.used, (await store.status('INBOX')).messages], [2, 20, 2])
  await store.create('Other')
  const inbox = await store.open('INBOX', 'read-write')
  await assert.rejects(inbox.copy([1], 'Other'), { code: 'over-quota' })
  await inbox.move([1], 'Other')
  assert.deepEqual([quota.messages, quota.used], [2, 20])
  await inbox.expunge()
  assert.deepEqual([quota.messages, quota.used], [1, 10])
  assert.equal((await store.quotaRoots('Other'))[0]?.name, 'User')
})
