import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runPostern } from '../support/run-postern.ts'
import { runOurs, runTheirs } from '../support/run-doveadm.ts'
import { userIds } from '../support/user-ids.ts'
import { BothServers, deliveryConfig, noDeliveries, sayImap, sayPop } from './both-servers.ts'

/** What the plugin mail_log writes about changes of mail, beside Dovecot: IMAP, POP3, LMTP and doveadm; and other settings of mail processes. */

const EVENTS = 'delete undelete expunge save copy mailbox_create mailbox_delete mailbox_rename flag_change'

const MORE = `namespace inbox {
  inbox = yes
  separator = /
  mailbox Trash {
    autoexpunge_max_mails = 1
  }
}
mail_plugins = notify mail_log
mail_log_prefix = "%s(%u)<%r,%{pid}>: "
mail_access_groups = mail
maildir_broken_filename_sizes = yes
${['imap', 'lmtp', 'doveadm'].map(everything).join('')}`

/** POP3 has what is usual. */
function everything(protocol: string): string {
  return `protocol ${protocol} {
  plugin {
    mail_log_events = ${EVENTS}
    mail_log_fields = uid box msgid from subject size vsize flags
  }
}
`
}

const JOE = 'joe@example.org'
const ALICE = 'alice@example.org'
const [uid, gid] = userIds('nobody')
const MESSAGE = 'Subject: x\n\nbody\n'

/** Mail whose file names lie about its size. */
function fill(server: Started): void {
  const home = join(server.dir, 'mail', ALICE)
  const made = [home, join(home, 'Maildir'), ...['cur', 'new', 'tmp'].map((name) => join(home, 'Maildir', name))]
  for (const path of made) mkdirSync(path)
  for (const [at, sizes] of [',S=3', ',S=99999', ',S=17'].entries()) {
    const path = join(home, 'Maildir/cur', `180000000${at}.M${at}P1.host${sizes}:2,`)
    made.push(path)
    writeFileSync(path, MESSAGE)
  }
  for (const path of made) chownSync(path, uid, gid)
}

/** What ours is started with. */
function configOf({ dir }: Started): string {
  return `${dir}/dovecot.conf`
}

/** Lines of one user and service, from the log of a server, without what says when. */
function linesOf(server: Started, prefix: string, from: number): string[] {
  return server.logLines
    .slice(from)
    .filter((line) => line.includes(`${prefix}<`) && !line.includes('Disconnected'))
    .map((line) => line.slice(line.indexOf('Info: ')))
}

function append(mailbox: string, text: string): string {
  return `APPEND ${mailbox} {${Buffer.byteLength(text, 'latin1')}+}\r\n${text}`
}

function header(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\nbody\r\n`
}

const ONE = header(
  'From: Joe User <joe@example.org>',
  'Subject: =?utf-8?q?h=C3=A9llo?= w\x01orld',
  'Message-ID: <one@example.org>',
)

/** Headers that must not become more than a part of a line. */
const HEADERS = [
  header('From: x\xff\xe9 y', `Subject: ${'long '.repeat(60)}`, ' folded'),
  header('Subject: r\xc3\xa4w \xe2\x82\xac', 'Message-Id:', ' <folded@example.org>'),
  '\r\nno header\r\n',
  header(
    'Message-ID: =?utf-8?q?=3Cid@x=3E?=',
    `Subject: ${'\xc3\xa4'.repeat(50)}`,
    `From: ${'\xe2\x82\xac'.repeat(27)}`,
  ),
  header(`Message-ID: ${'a'.repeat(81)}`, `Subject: ${'a'.repeat(80)}`, 'From: \t x  ', '\ty', '  z   '),
  header('Message-ID: ab\xffd', 'Subject: =?iso-8859-1?q?a=0D=0Ab?= x', 'Subject: second', 'From: =?x?= \xff\xfe \xc3'),
]

const IMAP: readonly { readonly why: string; readonly lines: readonly string[] }[] = [
  {
    why: 'mailboxes',
    lines: [
      'SELECT INBOX',
      ...['Work', 'Wrk/Sub', '&ANw-ber', 'Dir/', 'abcdefghij'.repeat(8)].map((name) => `CREATE ${name}`),
      'CREATE Work',
      'RENAME Wrk Werk',
      'RENAME Nosuch Other',
      'DELETE Werk/Sub',
      'DELETE Dir',
      'DELETE Nosuch',
    ],
  },
  { why: 'headers', lines: HEADERS.flatMap((text) => append('Work', text)) },
  { why: 'flags of new ones', lines: ['APPEND Work (\\Seen $foo) {3+}\r\n\r\nb', append('&ANw-ber', ONE)] },
  {
    why: 'flags',
    lines: [
      append('INBOX', ONE),
      append('INBOX', ONE),
      'SELECT INBOX',
      'STORE 1 +FLAGS (\\Deleted)',
      'STORE 1 +FLAGS (\\Deleted)',
      'STORE 1:2 FLAGS (\\Flagged \\Deleted $kw \\Answered)',
      'STORE 1:2 -FLAGS (\\Deleted)',
      'STORE 1:2 -FLAGS (\\Deleted)',
      'STORE 1 FLAGS ()',
      'STORE 2 +FLAGS.SILENT ($other $kw)',
      'STORE 2 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)',
      'FETCH 2 BODY[]',
    ],
  },
  {
    why: 'copies, moves and expunges',
    lines: [
      'SELECT Work',
      'COPY 1:2 INBOX',
      'UID COPY 1:99 Nosuch',
      'STORE 1:2 +FLAGS (\\Deleted)',
      'EXPUNGE',
      'MOVE 1 INBOX',
      'UID MOVE 4 &ANw-ber',
      'MOVE 1 Work',
      'COPY 1 Work',
      'STORE 1:2 +FLAGS.SILENT (\\Deleted)',
      'UID EXPUNGE 1:6',
      'CLOSE',
      'DELETE &ANw-ber',
      'DELETE Work',
    ],
  },
  {
    why: 'what goes by itself',
    lines: ['CREATE Trash', append('Trash', ONE), append('Trash', ONE), append('Trash', ONE)],
  },
]

async function deliver(server: Started, users: readonly string[]): Promise<void> {
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0, name: 'lmtp' })
  await wire.line()
  for (const line of ['LHLO x', 'MAIL FROM:<a@example.org>', ...users.map((user) => `RCPT TO:<${user}>`), 'DATA']) {
    wire.send(line)
    await wire.linesUntil(/^\d{3} /)
  }
  wire.send(`${ONE}.`)
  for (const _ of users) await wire.line()
  wire.send('QUIT')
  await wire.line()
  wire.destroy()
}

/** Three messages, each with a line of mail_log and one of the delivery. */
const SAVED_LINES = 6

describe('changes of mail are logged in the words of Dovecot, and mail processes heed settings', {
  skip: noDeliveries,
}, () => {
  const both = new BothServers((place) => deliveryConfig(place, MORE))
  const ended = async (server: Started, prefix: string, from: number): Promise<string[]> => {
    await server.waitForLog((line) => line.includes(`${prefix}<`) && line.includes('Disconnected'), from)
    return linesOf(server, prefix, from)
  }

  for (const { why, lines } of IMAP) {
    test(`IMAP: ${why}`, async () => {
      const [theirs, ours] = await both.do(async (server) => {
        const from = server.logLines.length
        await sayImap(server, JOE, [...lines, 'LOGOUT'])
        return await ended(server, `imap(${JOE})`, from)
      })
      assert.ok(theirs.length > 0)
      assert.deepEqual(ours, theirs)
    })
  }

  test('LMTP, and POP3 without settings', async () => {
    const [theirs, ours] = await both.do(async (server) => {
      await deliver(server, ['jane', 'alice'])
      await deliver(server, ['jane'])
      const from = server.logLines.length
      await sayPop(server, ['USER jane', 'PASS pass', 'RETR 1', 'RETR 2', 'DELE 1', 'QUIT'])
      const popped = await ended(server, 'pop3(jane)', from)
      const linesOfSaved = (): string[] => ['jane', 'alice'].flatMap((user) => linesOf(server, `lmtp(${user})`, 0))
      await server.waitForLog(() => linesOfSaved().length >= SAVED_LINES)
      const saved = linesOfSaved()
      return [...saved, ...popped].map((line) => line.replace(/ size=\d+(, vsize=\d+)?/, ' size=?'))
    })
    assert.deepEqual(ours, theirs)
  })

  test('doveadm', async () => {
    const commands = [
      ['mailbox', 'create', '-u', 'bob', 'Dove'],
      ['copy', '-u', 'bob', 'Dove', 'mailbox', 'INBOX', 'all'],
      ['flags', 'add', '-u', 'bob', '\\Seen', 'mailbox', 'Dove', 'all'],
      ['move', '-u', 'bob', 'INBOX', 'mailbox', 'Dove', 'all'],
      ['expunge', '-u', 'bob', 'mailbox', 'INBOX', 'uid', '1'],
      ['mailbox', 'rename', '-u', 'bob', 'Dove', 'Pigeon'],
      ['mailbox', 'delete', '-u', 'bob', 'Pigeon'],
    ]
    const [theirs, ours] = await both.do(async (server) => {
      await sayImap(server, 'bob', [append('INBOX', ONE), append('INBOX', ONE), 'LOGOUT'])
      let said = ''
      const from = server.logLines.length
      for (const argv of commands)
        said += (
          await (both.isDovecot(server) ? runTheirs : runOurs)(
            both.isDovecot(server) ? server.dir : configOf(server),
            argv,
          )
        ).err
      if (!both.isDovecot(server)) await server.waitForLog(/doveadm\(bob\).*Mailbox deleted: Pigeon/, from)
      // As root ours works in a process of the server, which has the lines in its log.
      const lines = both.isDovecot(server) ? said.trim().split('\n') : linesOf(server, 'doveadm(bob)', 0)
      // Dovecot has \Recent with what doveadm moves, and not with what IMAP moves.
      return lines.map((line) => line.slice(line.indexOf('Info: ')).replace(/ ?\\Recent/, ''))
    })
    assert.deepEqual(ours, theirs)
    assert.equal(ours.length, 12)
  })

  test('copies of mail of another user are saves to us', async () => {
    await both.do(async (server) => {
      await sayImap(server, 'alice', [append('INBOX', ONE), 'LOGOUT'])
      const argv = ['copy', '-u', 'jane@example.org', 'INBOX', 'user', 'alice', 'mailbox', 'INBOX', 'all']
      if (both.isDovecot(server))
        assert.match((await runTheirs(server.dir, argv)).err, /Info: copy from INBOX: box=INBOX/)
      else {
        assert.deepEqual(await runOurs(configOf(server), argv), { status: 0, out: '', err: '' })
        await server.waitForLog(/doveadm\(jane@example.org\).*Info: save: box=INBOX, uid=1, msgid=<one@/)
      }
    })
  })

  test('doveadm without a server shows the lines to whoever runs it', async () => {
    const [theirs, ours] = await both.do(async (server) => {
      if (both.isDovecot(server)) return (await runTheirs(server.dir, ['mailbox', 'create', '-u', 'bob', 'Last'])).err
      const argv = ['doveadm', '-c', configOf(server), '-o', 'mail_debug=no', 'mailbox', 'create', '-u', 'bob', 'Last']
      return (await runPostern(argv)).err
    })
    assert.equal(ours, theirs)
  })

  test('lines begin, processes have groups and sizes in file names count as settings say', async () => {
    const [theirs, ours] = await both.do(async (server) => {
      fill(server)
      const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: 'imap' })
      await wire.line()
      const said: string[] = []
      for (const [at, command] of [
        `LOGIN ${ALICE} pass`,
        'STATUS INBOX (SIZE)',
        'SELECT INBOX',
        'FETCH 1:* (RFC822.SIZE)',
        'FETCH 1:* (BODY.PEEK[])',
        'FETCH 1:* (RFC822.SIZE)',
      ].entries()) {
        wire.send(`a${at} ${command}`)
        said.push(
          ...(await wire.linesUntil(new RegExp(`^a${at} `))).filter(
            (line) => line.startsWith('* ') && /FETCH|STATUS/.test(line),
          ),
        )
      }
      wire.send('a9 LOGOUT')
      const groups = (pid: string): string =>
        /^Groups:\s*(.*?)\s*$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
      const line = await server.waitForLog((text) => /imap\(alice@.*Disconnected/.test(text))
      const [, pid = ''] = /<127\.0\.0\.1,(\d+)>/.exec(line) ?? []
      const ownGroups = both.isDovecot(server) ? undefined : groups(pid)
      wire.destroy()
      return {
        said,
        line: line
          .slice(line.indexOf('imap('))
          .replace(pid, 'PID')
          .replace(/Logged out.*/, ''),
        ownGroups,
      }
    })
    assert.deepEqual(ours.said, theirs.said)
    assert.equal(ours.line, theirs.line)
    const mail = readFileSync('/etc/group', 'utf8').match(/^mail:[^:]*:(\d+)/m)?.[1] ?? ''
    assert.deepEqual(ours.ownGroups?.split(' ').sort(), [String(gid), mail].sort())
  })
})
