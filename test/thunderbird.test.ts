import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { describeMaildir, fileMessage, reflag } from './mail-clients/maildir.ts'
import { Thunderbird } from './mail-clients/thunderbird.ts'
import { MailHomes, PASSWORD, startLocalMail } from './peers/local-mail.ts'
import { skipWithout } from './peers/peers.ts'
import { PATIENCE_MS } from './support/deadline.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

/** Thunderbird on mail that is kept here: fifty messages to and fro, flags and folders, and what others do meanwhile. */

const USER = 'joe'
const INBOX = 30
const ARCHIVE = 20

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${String(index + 1).padStart(2, '0')}`)

/** Waits until the Maildir is so; says how it is when it never is. */
async function becomes(maildir: string, wanted: readonly string[]): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (performance.now() < latest && lookAt(maildir).join('\n') !== wanted.join('\n')) await pause(50)
  assert.deepEqual(lookAt(maildir), wanted)
}

/** Files that are renamed while they are read will be there at the next look. */
function lookAt(maildir: string): readonly string[] {
  try {
    return describeMaildir(maildir)
  } catch (error) {
    return [String(error)]
  }
}

test('Thunderbird reads, marks, moves, removes, and fetches new mail', {
  skip: skipWithout('thunderbird'),
  // A dozen waits, each with its own patience.
  timeout: 12 * PATIENCE_MS,
}, async (t) => {
  const homes = new MailHomes([USER])
  const dir = makeTempDir('thunderbird')
  t.after(() => {
    removeTempDir(homes.dir)
    removeTempDir(dir)
  })
  const inbox = homes.maildir(USER)
  const archive = join(inbox, '.Archive')
  for (const path of [inbox, archive]) {
    for (const part of ['', 'cur', 'new', 'tmp']) homes.give(join(path, part), (made) => mkdirSync(made))
  }
  const file = (path: string, subject: string, flags?: string): void =>
    homes.give(fileMessage(path, subject, flags), () => undefined)
  const [mine, old] = [numbered('inbox', INBOX), numbered('archive', ARCHIVE)]
  for (const subject of mine) file(inbox, subject)
  for (const subject of old) file(archive, subject, 'S')
  const server = await startLocalMail(homes)
  t.after(() => server.stop())
  const client = await Thunderbird.start(dir)
  t.after(() => client.stop())

  await client.addAccount(USER, PASSWORD, server.ports['imap'] ?? 0, ['INBOX', 'Archive'])
  assert.deepEqual(
    await client.read('INBOX', INBOX),
    mine.map((subject) => `${subject} []`),
  )
  assert.deepEqual(
    await client.read('Archive', ARCHIVE),
    old.map((subject) => `${subject} [S]`),
  )
  assert.equal(await client.download('INBOX'), INBOX)

  await client.mark('INBOX', mine.slice(0, 5), 'read')
  await client.mark('INBOX', mine.slice(3, 6), 'flagged')
  const flagsOf = (index: number): string => (index >= 3 && index < 6 ? 'F' : '') + (index < 5 ? 'S' : '')
  await becomes(
    inbox,
    mine.map((subject, index) => `${subject} [${flagsOf(index)}]`),
  )
  await client.createFolder('Made')
  await client.transfer('INBOX', mine.slice(10, 15), 'Made', true)
  await client.transfer('Archive', old.slice(0, 2), 'Made', false)
  await becomes(join(inbox, '.Made'), [
    ...old.slice(0, 2).map((subject) => `${subject} [S]`),
    ...mine.slice(10, 15).map((subject) => `${subject} []`),
  ])
  await client.remove('Archive', old.slice(18))
  await becomes(
    archive,
    old.slice(0, 18).map((subject) => `${subject} [S]`),
  )
  const left = mine.filter((_, index) => index < 10 || index >= 15)
  await becomes(
    inbox,
    left.map((subject) => `${subject} [${flagsOf(mine.indexOf(subject))}]`),
  )

  // Others change the mail meanwhile.
  await client.read('INBOX', left.length)
  file(inbox, 'late news')
  await client.getMessages(left.length + 1)
  reflag(inbox, 'late news', 'FS')
  const shown = await client.read('INBOX', left.length + 1)
  assert.ok(shown.includes('late news [FS]'), shown.join('\n'))
  assert.ok(existsSync(join(inbox, 'dovecot-uidlist')))
  t.diagnostic(`${server.logLines.filter((line) => line.includes('imap-login: Info: Login')).length} connections`)
})
