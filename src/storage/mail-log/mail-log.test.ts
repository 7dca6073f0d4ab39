import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DELETED } from '../flags.ts'
import type { MailStore } from '../store.ts'
import { MemoryMail } from '../testing/open-memory-store.ts'
import { MailLog } from './mail-log.ts'
import { readMailLogSettings } from './mail-log-settings.ts'
import { withMailLog } from './with-mail-log.ts'

const noComplaints = (text: string): void => assert.fail(text)

test('the settings are those of the plugin, and words that mean nothing are told', () => {
  const usual = readMailLogSettings(new Map(), noComplaints)
  assert.deepEqual([...usual.events], 'delete undelete expunge save copy mailbox_delete mailbox_rename'.split(' '))
  assert.deepEqual([...usual.fields], ['uid', 'box', 'msgid', 'size'])
  assert.equal(usual.cachedOnly, false)
  const complaints: string[] = []
  const chosen = readMailLogSettings(
    new Map([
      ['mail_log_events', 'save, EXPUNGE  nosuch'],
      ['mail_log_fields', 'uid subjct'],
      ['mail_log_cached_only', 'yes'],
    ]),
    (text) => complaints.push(text),
  )
  assert.deepEqual([...chosen.events], ['save', 'expunge'])
  assert.deepEqual([...chosen.fields], ['uid'])
  assert.equal(chosen.cachedOnly, true)
  assert.deepEqual(complaints, [
    "Unknown field in mail_log_events: 'nosuch'",
    "Unknown field in mail_log_fields: 'subjct'",
  ])
})

/** A store over mail in memory, and what it logs. */
function loggedStore(plugin: Readonly<Record<string, string>>): {
  store: MailStore
  mail: MemoryMail
  lines: string[]
} {
  const mail = new MemoryMail()
  const lines: string[] = []
  const log = new MailLog(readMailLogSettings(new Map(Object.entries(plugin)), noComplaints), (line) =>
    lines.push(line),
  )
  return { store: withMailLog(mail.open('joe', { notice: log }), log), mail, lines }
}

async function save(store: MailStore, mailbox: string, ...texts: readonly string[]): Promise<void> {
  const appending = await store.beginAppend(mailbox)
  for (const text of texts) {
    await appending.begin({ bits: 0, keywords: [] })
    // In pieces: the header ends between two of them.
    for (const piece of text.split(/(?<=\n)/)) await appending.write(Buffer.from(piece))
    await appending.end()
  }
  await appending.commit()
}

test('what is refused, undone or changes nothing is not logged', async () => {
  const { store, mail, lines } = loggedStore({ mail_log_fields: 'uid box' })
  await assert.rejects(store.delete('Nosuch'))
  await assert.rejects(store.rename('Nosuch', 'Other'))
  const appending = await store.beginAppend('INBOX')
  await appending.begin({ bits: 0, keywords: [] })
  await appending.end()
  await appending.abort()
  await save(store, 'inbox', 'A: b\r\n\r\n')
  const mailbox = await store.open('INBOX', 'read-write')
  await mailbox.store([1], { mode: 'remove', bits: DELETED, keywords: [] }, { silent: false })
  await mailbox.expunge()
  await assert.rejects(mailbox.copy([1], 'Nosuch'))
  await mailbox.remove([7])
  assert.deepEqual(lines, ['save: box=INBOX, uid=1'])
  await mail.close()
})

test('with mail_log_cached_only no message is read, and what is cached is told', async () => {
  const { store, mail, lines } = loggedStore({ mail_log_fields: 'uid subject', mail_log_cached_only: 'yes' })
  await save(store, 'INBOX', 'Subject: one\r\n\r\n', 'Subject: two\r\n\r\n')
  const mailbox = await store.open('INBOX', 'read-write')
  for await (const _ of mailbox.summaries([2]));
  await mailbox.remove([1, 2])
  assert.deepEqual(lines, [
    'save: uid=1, subject=one',
    'save: uid=2, subject=two',
    'expunge: uid=1, subject=',
    'expunge: uid=2, subject=two',
  ])
  await mail.close()
})

test('messages that are not cached are read for the log', async () => {
  const { store, mail, lines } = loggedStore({ mail_log_fields: 'uid subject vsize', mail_log_events: 'expunge' })
  await save(store, 'INBOX', 'Subject: one\r\n\r\nbody\r\n')
  const mailbox = await store.open('INBOX', 'read-write')
  await mailbox.remove([1])
  assert.deepEqual(lines, ['expunge: uid=1, vsize=22, subject=one'])
  await mail.close()
})
