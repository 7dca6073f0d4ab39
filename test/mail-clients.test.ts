import assert from 'node:assert/strict'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import Pop3Command from 'node-pop3'
import {
  describeMaildir,
  fileMessage,
  makeMaildir,
  readMaildir,
  readMaildirs,
  reflag,
  unfile,
} from './mail-clients/maildir.ts'
import { startRoundcube } from './mail-clients/roundcube.ts'
import { Webmail } from './mail-clients/webmail.ts'
import * as programs from './mail-clients/programs.ts'
import { MailHomes, PASSWORD, startLocalMail } from './peers/local-mail.ts'
import { skipWithout } from './peers/peers.ts'
import type { Started } from './peers/started.ts'
import { PATIENCE_MS } from './support/deadline.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'
import { userIds } from './support/user-ids.ts'

/** The clients that people run, on mail that is kept here: fifty messages to and fro, and what is on the disk then. */

const CLIENTS = [
  'mbsync',
  'offlineimap',
  'mutt',
  'fetchmail',
  'getmail',
  'imapflow',
  'node-pop3',
  'curl',
  'roundcube',
] as const
type Client = (typeof CLIENTS)[number]
const INBOX = 30
const ARCHIVE = 20

let homes: MailHomes
let server: Started
let dir = ''

before(async () => {
  dir = makeTempDir('clients')
  homes = new MailHomes(CLIENTS)
  for (const client of CLIENTS) fillMailboxes(client)
  server = await startLocalMail(homes, 'postern_workers = 2\n')
})

after(async () => {
  await server.stop()
  removeTempDir(homes.dir)
  removeTempDir(dir)
})

/** Thirty messages in INBOX, every third of them flagged and read, and twenty in Archive. */
function fillMailboxes(user: Client): void {
  const root = homes.maildir(user)
  const archive = join(root, '.Archive')
  for (const box of [root, archive]) {
    for (const part of ['', 'cur', 'new', 'tmp']) homes.give(join(box, part), (path) => mkdirSync(path))
  }
  for (let number = 1; number <= INBOX; number++)
    homes.give(fileMessage(root, `in ${number}`, number % 3 === 0 ? 'FS' : undefined), () => undefined)
  for (let number = 1; number <= ARCHIVE; number++)
    homes.give(fileMessage(archive, `old ${number}`, 'S'), () => undefined)
}

function placeOf(client: Client): programs.ClientPlace {
  const home = join(dir, client)
  mkdirSync(home)
  return { home, user: client, imapPort: server.ports['imap'] ?? 0, popPort: server.ports['pop3'] ?? 0 }
}

function openImapFlow(user: Client): ImapFlow {
  const port = server.ports['imap'] ?? 0
  return new ImapFlow({ host: '127.0.0.1', port, secure: false, auth: { user, pass: PASSWORD }, logger: false })
}

/** Works with imapflow on a mailbox. */
async function inMailbox(user: Client, mailbox: string, work: (client: ImapFlow) => Promise<unknown>): Promise<void> {
  const client = openImapFlow(user)
  await client.connect()
  try {
    const lock = await client.getMailboxLock(mailbox)
    try {
      await work(client)
    } finally {
      lock.release()
    }
  } finally {
    await client.logout()
  }
}

function subjects(box: string): string[] {
  return readMaildir(box)
    .map(({ subject }) => subject)
    .toSorted()
}

function numbered(word: string, count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${index + from}`).toSorted()
}

describe('real clients of mail that is kept here', { concurrency: true }, () => {
  for (const [name, open] of [
    ['mbsync', programs.mbsync],
    ['offlineimap', programs.offlineimap],
  ] as const) {
    test(`${name} copies fifty messages here, fifty there, and what became of them on both sides`, {
      skip: skipWithout(name),
    }, async () => {
      const client = open(placeOf(name))
      const [far, archive] = [homes.maildir(name), join(homes.maildir(name), '.Archive')]
      const agree = (stage: string): void => {
        assert.deepEqual(describeMaildir(client.local('INBOX')), describeMaildir(far), `${stage}: INBOX`)
        assert.deepEqual(describeMaildir(client.local('Archive')), describeMaildir(archive), `${stage}: Archive`)
      }
      await client.sync()
      agree('first')
      assert.equal(subjects(client.local('INBOX')).length, INBOX)

      for (const subject of numbered('mine', 50)) fileMessage(client.local('INBOX'), subject, 'S')
      makeMaildir(client.local('New'))
      fileMessage(client.local('New'), 'in a new mailbox', 'F')
      reflag(client.local('INBOX'), 'in 1', 'RS')
      unfile(client.local('INBOX'), 'in 3')
      reflag(client.local('Archive'), 'old 7', 'FS')
      await inMailbox(name, 'INBOX', async (imap) => {
        await imap.messageFlagsAdd({ subject: 'in 2' }, ['\\Flagged', '$Label1'])
        await imap.messageMove({ header: { 'Message-ID': '<in-6@example.org>' } }, 'Archive')
      })
      await client.sync()
      await client.sync()
      agree('second')
      const inbox = describeMaildir(far)
      assert.deepEqual(
        ['in 1 [RS]', 'in 2 [F]', 'in 3 [FS]', 'in 6 [FS]', 'mine 50 [S]'].map((line) => inbox.includes(line)),
        [true, true, false, false, true],
        inbox.join('\n'),
      )
      assert.equal(inbox.length, INBOX + 50 - 2)
      assert.ok(describeMaildir(archive).includes('in 6 [FS]'))
      assert.deepEqual(readMaildirs(far).get('.New'), ['in a new mailbox [F]'])
    })
  }

  test('mutt flags, moves to a new mailbox, deletes, and writes all of it back', {
    skip: skipWithout('mutt'),
  }, async () => {
    const tag = (pattern: string, deed: string): string => `<tag-pattern>${pattern}<enter><tag-prefix>${deed}`
    await programs.mutt(
      placeOf('mutt'),
      `${tag('~s in.1[0-9] !~F', '<flag-message><untag-pattern>.<enter>')}` +
        `${tag('~s in.2[0-9]', '<save-message>=Saved<enter><untag-pattern>.<enter>')}` +
        `${tag('~s in.30', '<delete-message>')}<sync-mailbox><quit>`,
    )
    const boxes = readMaildirs(homes.maildir('mutt'))
    const inbox = boxes.get('') ?? []
    assert.equal(inbox.length, INBOX - 11, inbox.join('\n'))
    assert.equal(inbox.filter((line) => /^in 1\d \[.*F.*\]$/.test(line)).length, 10, inbox.join('\n'))
    assert.deepEqual(
      boxes.get('.Saved')?.map((line) => line.split(' [')[0]),
      numbered('in', 10, 20),
    )
  })

  test('fetchmail leaves over POP3, and then takes over IMAP, everything', {
    skip: skipWithout('fetchmail'),
  }, async () => {
    const place = placeOf('fetchmail')
    const kept = await programs.fetchmail(place, 'POP3', 'keep fetchall')
    assert.deepEqual(subjects(kept), numbered('in', INBOX))
    assert.deepEqual(subjects(homes.maildir('fetchmail')), numbered('in', INBOX))
    const taken = await programs.fetchmail(place, 'IMAP', 'nokeep fetchall folder INBOX,Archive')
    assert.deepEqual(subjects(taken), [...numbered('in', INBOX), ...numbered('old', ARCHIVE)])
    assert.deepEqual(readMaildirs(homes.maildir('fetchmail')).get(''), [])
    assert.deepEqual(readMaildirs(homes.maildir('fetchmail')).get('.Archive'), [])
  })

  test('getmail takes everything over POP3, and then over IMAP what came since', {
    skip: skipWithout('getmail'),
  }, async () => {
    const place = placeOf('getmail')
    const distinct = (box: string): string[] => [...new Set(subjects(box))]
    const isRoot = process.getuid?.() === 0
    const [uid, gid] = userIds('mail')
    const ids = isRoot ? { uid, gid } : {}
    const give = (path: string): void => (isRoot ? chownSync(path, uid, gid) : undefined)
    assert.deepEqual(distinct(await programs.getmail(place, 'POP3', ids, give)), numbered('in', INBOX))
    const inbox = homes.maildir('getmail')
    assert.deepEqual(subjects(inbox), [])
    for (const subject of numbered('later', 50)) homes.give(fileMessage(inbox, subject), () => undefined)
    assert.deepEqual(distinct(await programs.getmail(place, 'IMAP', ids, give)), numbered('later', 50))
    assert.deepEqual(subjects(inbox), [])
  })

  test('imapflow appends fifty messages, is told of them by another session, flags, moves, copies and renames', async () => {
    const watcher = openImapFlow('imapflow')
    await watcher.connect()
    await watcher.mailboxOpen('INBOX')
    const heard = new Promise<void>((resolve) =>
      watcher.on('exists', ({ count }: { count: number }) => {
        if (count === INBOX + 50) resolve()
      }),
    )
    const idling = watcher.idle().catch(() => undefined)
    await inMailbox('imapflow', 'INBOX', async (client) => {
      for (const subject of numbered('sent', 50)) {
        const text = `Subject: ${subject}\r\n\r\nHello.\r\n`
        const done = await client.append('INBOX', text, ['\\Seen', 'Work'])
        assert.ok(done !== false && done.uid !== undefined)
      }
      // Before some of them are gone again.
      await heard
      await client.mailboxCreate('Projects.2026 Ä')
      await client.messageCopy('1:5', 'Projects.2026 Ä')
      await client.messageMove({ subject: 'sent 1' }, 'Archive')
      await client.messageFlagsAdd({ subject: 'sent 2' }, ['\\Answered'])
      await client.messageFlagsRemove({ subject: 'in 3' }, ['\\Flagged'])
      await client.messageDelete({ subject: 'sent 50' })
      await client.mailboxRename('Projects.2026 Ä', 'Projects.Ä')
      const unseen = await client.search({ seen: false })
      assert.equal(unseen === false ? -1 : unseen?.length, 20)
    })
    await watcher.logout()
    await idling
    const boxes = readMaildirs(homes.maildir('imapflow'))
    const inbox = boxes.get('') ?? []
    // SUBJECT looks for a part of it: "sent 1" and "sent 10" to "sent 19" went.
    assert.equal(inbox.filter((line) => line.startsWith('sent 1')).length, 0)
    assert.equal(boxes.get('.Archive')?.length, ARCHIVE + 11)
    assert.ok(inbox.includes('sent 2 [RS]') && inbox.includes('in 3 [S]'), inbox.join('\n'))
    assert.ok(!inbox.includes('sent 50 [S]'))
    assert.equal(boxes.get('.Projects.&AMQ-')?.length, 5)
  })

  test('node-pop3 lists, reads and deletes', async () => {
    const pop = (): Pop3Command =>
      new Pop3Command({
        host: '127.0.0.1',
        port: server.ports['pop3'] ?? 0,
        user: 'node-pop3',
        password: PASSWORD,
        timeout: PATIENCE_MS,
      })
    const client = pop()
    const ids = await client.UIDL()
    assert.equal(ids.length, INBOX)
    for (let number = 1; number <= INBOX; number++) assert.match(await client.RETR(number), /^Subject: in \d+\r$/m)
    for (const number of [1, 2, 30]) await client.command('DELE', number)
    await client.QUIT()
    const again = pop()
    const left = await again.UIDL()
    assert.deepEqual(
      left.map(([, id]) => id),
      ids.slice(2, 29).map(([, id]) => id),
    )
    await again.QUIT()
    assert.equal(readMaildir(homes.maildir('node-pop3')).length, INBOX - 3)
  })

  test('Roundcube in Chromium lists, reads, flags and moves', {
    skip: skipWithout('roundcube') || skipWithout('chromium'),
  }, async (t) => {
    const root = homes.maildir('roundcube')
    homes.give(join(root, 'subscriptions'), (path) => writeFileSync(path, 'Archive\n'))
    const roundcube = await startRoundcube(server.ports['imap'] ?? 0)
    t.after(() => roundcube.stop())
    const webmail = await Webmail.login(roundcube.ports['http'] ?? 0, 'roundcube')
    t.after(() => webmail.close())
    assert.deepEqual((await webmail.subjects()).toSorted(), numbered('in', INBOX))
    assert.deepEqual(await webmail.mailboxes(), ['Inbox', 'Archive'])
    assert.match(await webmail.read('in 7'), /This is in 7\./)
    await webmail.command('mark', 'flagged')
    await eventually(
      () => describeMaildir(root).includes('in 7 [FS]'),
      () => describeMaildir(root).join('\n'),
    )
    await webmail.command('move', 'Archive')
    const archive = join(root, '.Archive')
    await eventually(
      () => describeMaildir(archive).includes('in 7 [FS]'),
      () => describeMaildir(archive).join('\n'),
    )
    await eventually(
      () => readMaildir(root).length === INBOX - 1,
      () => describeMaildir(root).join('\n'),
    )
  })

  test('curl appends, searches, flags, reads parts, expunges, and reads over POP3', {
    skip: skipWithout('curl'),
  }, async () => {
    const place = placeOf('curl')
    const curl = async (url: string, ...args: string[]): Promise<string> =>
      await programs.runClient(place, 'curl', ['-sS', '-m', '60', '-u', `curl:${PASSWORD}`, url, ...args])
    const imap = `imap://127.0.0.1:${place.imapPort}`
    const pop = `pop3://127.0.0.1:${place.popPort}`
    const mail = fileMessage(makeBox(place.home), 'by curl')
    // What lies in new has no UID before somebody looks.
    await curl(`${imap}/`, '-X', 'STATUS INBOX (MESSAGES)')
    await curl(`${imap}/INBOX`, '-T', mail)
    assert.match(await curl(`${imap}/INBOX?SUBJECT%20%22by%20curl%22`), /^\* SEARCH 31\r?$/m)
    assert.match(await curl(`${imap}/INBOX;MAILINDEX=31`), /^Subject: by curl\r?$/m)
    assert.equal(await curl(`${imap}/INBOX;MAILINDEX=31;SECTION=TEXT`), 'This is by curl.\r\n')
    assert.match(await curl(`${imap}/INBOX;UID=31;SECTION=HEADER.FIELDS%20(SUBJECT)`), /^Subject: by curl\r?$/m)
    await curl(`${imap}/INBOX`, '-X', 'STORE 1:10 +FLAGS.SILENT (\\Deleted)')
    await curl(`${imap}/INBOX`, '-X', 'EXPUNGE')
    assert.equal((await curl(`${pop}/`)).trim().split('\n').length, INBOX + 1 - 10)
    assert.match(await curl(`${pop}/21`), /^Subject: by curl\r?$/m)
    await curl(`${pop}/21`, '-X', 'DELE', '-I')
    const inbox = describeMaildir(homes.maildir('curl'))
    assert.equal(inbox.length, INBOX - 10, inbox.join('\n'))
    assert.ok(!inbox.some((line) => line.startsWith('by curl')))
  })
})

function makeBox(home: string): string {
  const box = join(home, 'outbox')
  makeMaildir(box)
  return box
}

async function eventually(holds: () => boolean, complaint: () => string): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (!holds()) {
    assert.ok(performance.now() < latest, complaint())
    await pause(50)
  }
}
