import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { MailLocation } from '../../storage/formats/format.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { lockPop3Session } from './pop3-session-lock.ts'

const complain = (_: string, text: string): void => assert.fail(text)

test('one POP3 session of a user keeps others out, in a file that Dovecot knows', async (t) => {
  const dir = makeTempDir('pop3-lock')
  t.after(() => removeTempDir(dir))
  // The directory of the index is made when it is not there.
  const location = { path: dir, indexPath: `${dir}/index/joe` } as MailLocation
  const file = `${dir}/index/joe/dovecot-pop3-session.lock`
  const unlock = await lockPop3Session(location, complain)
  assert.match(readFileSync(file, 'latin1'), new RegExp(`^${process.pid}:`))
  await assert.rejects(lockPop3Session(location, complain, 20), {
    code: 'in-use',
    message: 'Mailbox is locked by another POP3 session.',
  })
  const waiting = lockPop3Session(location, complain)
  unlock()
  const unlockAgain = await waiting
  unlockAgain()
  assert.ok(!existsSync(file))
})

test('a lock that somebody takes away is told', async (t) => {
  const dir = makeTempDir('pop3-lock')
  t.after(() => removeTempDir(dir))
  const lines: string[] = []
  const location = { path: dir } as MailLocation
  const unlock = await lockPop3Session(location, (_, text) => lines.push(text))
  writeFileSync(`${dir}/other`, '')
  renameSync(`${dir}/other`, `${dir}/dovecot-pop3-session.lock`)
  unlock()
  assert.deepEqual(lines, [`Our dotlock file ${dir}/dovecot-pop3-session.lock was overridden`])
})
