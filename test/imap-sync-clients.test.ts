import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { openPostern, type Theatre } from './imap-server/stages.ts'
import { skipWithout } from './peers/peers.ts'
import { PATIENCE_MS } from './support/deadline.ts'

const run = promisify(execFile)
const COUNT = 25

/** Programs that keep a Maildir and an IMAP account the same; `sync` leaves a mailbox INBOX and one Work in `dir`. */
const CLIENTS = [
  { name: 'mbsync', program: '/usr/bin/mbsync', sync: mbsync },
  { name: 'offlineimap', program: '/usr/bin/offlineimap', sync: offlineimap },
] as const

test('programs that keep a Maildir and a mailbox the same', {
  skip: skipWithout('dovecot-imapd'),
  concurrency: true,
}, async (t) => {
  const server = await openPostern([])
  t.after(() => server.close())
  await Promise.all(
    CLIENTS.map(({ name, program, sync }) => {
      const skip = existsSync(program) ? false : `${program} is not installed`
      return t.test(`${name} takes 50 messages both ways, flags and removals too`, { skip }, (one) =>
        syncBothWays(one, server, name, sync),
      )
    }),
  )
})

async function syncBothWays(t: test.TestContext, server: Theatre, name: string, sync: typeof mbsync): Promise<void> {
  const local = mkdtempSync(join(tmpdir(), `${name}-`))
  t.after(() => rmSync(local, { recursive: true, force: true }))
  server.prepare(name, {
    name,
    title: '',
    mailboxes: [{ name: 'INBOX', fixture: 'twenty-five' }],
    config: [],
    differences: [],
    modSeq: false,
    steps: [],
  })
  const mail = join(local, 'mail')
  writeLocal(join(mail, 'Work'))
  writeLocal(join(mail, 'INBOX'), 0)
  await sync(local, mail, server.port, name)
  assert.equal(files(join(mail, 'INBOX')).length, COUNT)
  assert.equal(files(join(server.root, name, '.Work')).length, COUNT)

  const [first = '', second = '', third = ''] = files(join(mail, 'INBOX')).toSorted()
  for (const [file, flags] of [
    [first, 'FS'],
    [second, 'RS'],
  ] as const) {
    const unflagged = file.replace(/:2,.*$/, '').replace('/new/', '/cur/')
    renameSync(file, `${unflagged}:2,${flags}`)
  }
  rmSync(third)
  await sync(local, mail, server.port, name)
  const there = files(join(server.root, name))
  assert.equal(there.length, COUNT - 1)
  assert.equal(there.filter((file) => file.endsWith(':2,FS')).length, 1)
  assert.equal(there.filter((file) => file.endsWith(':2,RS')).length, 1)
}

async function mbsync(dir: string, mail: string, port: number, user: string): Promise<void> {
  const config = join(dir, 'mbsyncrc')
  writeFileSync(
    config,
    `IMAPAccount server
Host 127.0.0.1
Port ${port}
User ${user}
Pass x
SSLType None
AuthMechs LOGIN

IMAPStore far
Account server

MaildirStore near
Path ${mail}/
Inbox ${mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX Work
Create Both
Expunge Both
SyncState *
`,
  )
  await run('/usr/bin/mbsync', ['-q', '-c', config, 'all'], { timeout: 2 * PATIENCE_MS })
}

async function offlineimap(dir: string, mail: string, port: number, user: string): Promise<void> {
  const config = join(dir, 'offlineimaprc')
  writeFileSync(
    config,
    `[general]
accounts = t
metadata = ${dir}/meta
ui = quiet
[Account t]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${mail}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = ${port}
remoteuser = ${user}
remotepass = x
ssl = no
starttls = no
auth_mechanisms = LOGIN
`,
  )
  await run('/usr/bin/offlineimap', ['-c', config, '-o'], { timeout: 2 * PATIENCE_MS })
}

/** A Maildir of our own, with messages that the server has not seen. */
function writeLocal(dir: string, count = COUNT): void {
  for (const sub of ['cur', 'new', 'tmp']) mkdirSync(join(dir, sub), { recursive: true })
  const parent = join(dir, '..')
  mkdirSync(parent, { recursive: true })
  const messages = Array.from({ length: count }, (_, i) => `From: joe@example.org\nSubject: local ${i}\n\nbody ${i}\n`)
  for (const [i, text] of messages.entries())
    writeFileSync(join(dir, 'cur', `${1_580_551_872 + i}.M${i}.host:2,S`), text)
}

function files(dir: string): readonly string[] {
  return ['cur', 'new'].flatMap((sub) => readdirSync(join(dir, sub)).map((file) => join(dir, sub, file)))
}
