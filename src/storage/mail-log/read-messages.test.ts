import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreRefusal } from '../refusal.ts'
import type { Mailbox } from '../store.ts'
import { readMailLogSettings } from './mail-log-settings.ts'
import { MAX_READ, readMessages } from './read-messages.ts'

const NAMES: Readonly<Record<string, unknown>> = {
  identity: (uid: number) => ({ fileName: `1.${uid}.host,S=10,W=12`, guid: '', pop3Uidl: undefined }),
  // oxlint-disable-next-line no-empty-function
  async *summaries() {},
}

/** A mailbox of which nothing is cached but names of files. */
function mailboxWith(methods: Readonly<Record<string, unknown>>): Mailbox {
  return { ...NAMES, ...methods } as unknown as Mailbox
}

const settings = readMailLogSettings(new Map([['mail_log_fields', 'msgid size vsize']]), assert.fail)

test('a command for very many messages is logged with what is known of them', async () => {
  const openMessage = (): never => assert.fail('a message was read')
  const uids = Array.from({ length: MAX_READ + 1 }, (_, at) => at + 1)
  const messages = await readMessages(mailboxWith({ openMessage }), uids, settings)
  assert.deepEqual(messages.get(MAX_READ + 1), {
    texts: { msgid: '', from: '', subject: '' },
    storedBytes: 10,
    virtualBytes: 12,
  })
})

test('a message that is gone has an empty line, and one that cannot be read is a fault', async () => {
  const gone = mailboxWith({ openMessage: () => Promise.reject(new StoreRefusal('expunged', 'gone')) })
  assert.equal((await readMessages(gone, [1], settings)).get(1)?.texts.msgid, '')
  const broken = mailboxWith({ openMessage: () => Promise.reject(new Error('EIO')) })
  await assert.rejects(readMessages(broken, [1], settings), /EIO/)
})
