import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { mailUser, OurProcess } from './ours.ts'

test('a Maildir that may not be changed is shown as it is, and nothing is', async (t) => {
  const dir = makeTempDir('read-only')
  const root = join(dir, 'Maildir')
  const parts = ['cur', 'new', 'tmp'].map((part) => join(root, part))
  for (const part of parts) mkdirSync(part, { recursive: true })
  t.after(() => {
    for (const path of [root, ...parts]) chmodSync(path, 0o755)
    removeTempDir(dir)
  })
  writeFileSync(join(root, 'cur', '1.M1P1.h:2,Sa'), 'Subject: one\n\n')
  writeFileSync(join(root, 'new', '2.M1P1.h'), 'Subject: two\n\n')
  writeFileSync(join(root, 'new', '3.M1P1.h'), 'Subject: without a UID\n\n')
  writeFileSync(
    join(root, 'dovecot-uidlist'),
    '3 V1700000000 N5 G0123456789abcdef0123456789abcdef\n3 :1.M1P1.h\n4 :2.M1P1.h\n',
  )
  writeFileSync(join(root, 'dovecot-keywords'), '0 work\n')
  for (const path of [root, ...parts]) chmodSync(path, 0o555)

  const ours = new OurProcess(root, mailUser())
  t.after(() => ours.kill())
  assert.deepEqual(await ours.call('mailbox', 'INBOX'), {
    uidValidity: 1_700_000_000,
    uidNext: 5,
    messages: [
      { uid: 3, flags: ['\\Seen', 'work'], subject: 'one' },
      { uid: 4, flags: [], subject: 'two' },
    ],
  })
  await assert.rejects(ours.call('append', 'INBOX', [{ subject: 'x', bits: 0, keywords: [] }]), /read-only/)
  await assert.rejects(ours.call('setFlags', 'INBOX', 3, 0, []), /read-only/)
  assert.deepEqual(readdirSync(root).sort(), ['cur', 'dovecot-keywords', 'dovecot-uidlist', 'new', 'tmp'])
})
