import assert from 'node:assert/strict'
import { readFileSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { maildirPlace, TestMailbox } from '../../../../test/maildir/place.ts'
import { linkOrCopy } from './link-message.ts'
import { own } from './message-files.ts'

const refusing = (code: string) => (): void => {
  throw Object.assign(new Error(code), { code })
}

test('a message whose file has too many names is copied, with its time; one that is gone is refused', async (t) => {
  const { root, store } = maildirPlace(t)
  const mailbox = await TestMailbox.open(store)
  await mailbox.append('Subject: x\n\n', 0, [], Date.UTC(2020, 0, 1))
  await mailbox.sync()
  const source = { files: mailbox.format.files, record: mailbox.record(1) }
  const target = join(root, 'cur', 'copy')
  linkOrCopy(source, target, refusing('EMLINK'))
  assert.equal(readFileSync(target, 'latin1'), 'Subject: x\n\n')
  assert.equal(statSync(target).mtimeMs, Date.UTC(2020, 0, 1))
  assert.equal(statSync(target).nlink, 1)
  assert.throws(() => linkOrCopy(source, target), { code: 'EEXIST' })
  assert.throws(() => linkOrCopy(source, join(root, 'cur', 'other'), refusing('EIO')), { code: 'EIO' })
  const record = own(source.record)
  unlinkSync(join(root, record.isNew ? 'new' : 'cur', record.fileName))
  assert.throws(() => linkOrCopy(source, join(root, 'cur', 'other')), { code: 'expunged' })
})
