import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { MailStore } from '../../storage/store.ts'
import { MemoryMail } from '../../storage/testing/open-memory-store.ts'
import { quotaRootsOf } from './quota-root.ts'
import { UserQuota } from './user-quota.ts'

function limited(
  t: TestContext,
  plugin: Readonly<Record<string, string>>,
): { store: MailStore; quota: UserQuota; complaints: string[] } {
  const mail = new MemoryMail()
  const complaints: string[] = []
  const settings = new Map(Object.entries(plugin))
  const roots = quotaRootsOf(settings, (text) => void complaints.push(text))
  const plain = mail.open()
  const quota = new UserQuota({ roots, store: plain, plugin: settings, isDelivery: true, now: Date.now })
  const store = mail.open('joe', { quota })
  t.after(async () => {
    await store.close()
    await plain.close()
    await mail.close()
  })
  return { store, quota, complaints }
}

async function append(store: MailStore, name: string, sizeBytes: number): Promise<string> {
  const appending = await store.beginAppend(name)
  try {
    await appending.begin({ bits: 0, keywords: [], sizeBytes })
    await appending.write(Buffer.alloc(sizeBytes, 'x\r\n'))
    await appending.end()
    await appending.commit()
    return 'ok'
  } catch (error) {
    await appending.abort()
    return error instanceof Error ? error.message : String(error)
  }
}

const FULL = 'Quota exceeded (mailbox for user is full)'

test('mail fits until it does not, the last may pass by the grace', async (t) => {
  const { store } = limited(t, { quota: 'count:User quota', quota_rule: '*:storage=10K' })
  assert.equal(await append(store, 'INBOX', 9000), 'ok')
  assert.equal(await append(store, 'INBOX', 9000), FULL)
  assert.equal(await append(store, 'INBOX', 2000), 'ok')
  assert.equal(await append(store, 'INBOX', 1), FULL)
  const [root] = await store.quotaRoots('INBOX')
  assert.deepEqual(root, { name: 'User quota', resources: [{ name: 'STORAGE', usage: 11, limit: 10 }] })
})

test('messages are counted, ignored mailboxes are not', async (t) => {
  const { store } = limited(t, { quota: 'count:User quota', quota_rule: '*:messages=2', quota_rule2: 'Trash:ignore' })
  await store.create('Trash')
  for (const name of ['Trash', 'Trash', 'Trash', 'INBOX', 'INBOX']) assert.equal(await append(store, name, 10), 'ok')
  assert.equal(await append(store, 'INBOX', 10), FULL)
  assert.equal(await append(store, 'Trash', 10), 'ok')
})

test('a copy counts like a new message', async (t) => {
  const { store } = limited(t, { quota: 'count:User quota', quota_rule: '*:messages=1' })
  await store.create('Work')
  assert.equal(await append(store, 'INBOX', 10), 'ok')
  const mailbox = await store.open('INBOX', 'read-write')
  await mailbox.sync({ expunge: true, look: 'now' })
  await assert.rejects(mailbox.copy([mailbox.message(1).uid], 'Work'), { code: 'over-quota', message: FULL })
  await mailbox.close()
})

test('the message, and the largest mail, may be chosen', async (t) => {
  const { store } = limited(t, {
    quota: 'count:User quota',
    quota_rule: '*:bytes=10',
    quota_grace: '0%',
    quota_exceeded_message: 'Full, see http://example.org/',
    quota_max_mail_size: '1k',
  })
  assert.equal(await append(store, 'INBOX', 11), 'Full, see http://example.org/')
  assert.match(await append(store, 'INBOX', 1025), /^Mail size is larger/)
})

test('a root may only count, or not be shown', async (t) => {
  const { store, quota } = limited(t, { quota: 'count:User::noenforcing:hidden', quota_rule: '*:bytes=10' })
  assert.equal(await append(store, 'INBOX', 100), 'ok')
  assert.deepEqual(await store.quotaRoots('INBOX'), [])
  assert.equal((await quota.usage())[0]?.storage.used, 100)
})

test('several roots, and those that cannot be', (t) => {
  const { complaints } = limited(t, {
    quota: 'count:User quota',
    quota2: 'dict:Domain:%d:file:/x',
    quota_rule: 'nonsense',
  })
  assert.deepEqual(complaints, [
    "Invalid rule definition 'nonsense': Missing limits",
    "Couldn't initialize quota root Domain: Unknown quota backend: dict",
  ])
})
