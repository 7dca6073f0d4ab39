import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { BothServers, noDeliveries } from './delivery/both-servers.ts'
import type { Place } from './peers/config-text.ts'
import type { Started } from './peers/started.ts'
import { runLda } from './support/run-lda.ts'
import { runPostern } from './support/run-postern.ts'
import { connectRaw } from './support/raw-client.ts'
import { userIds } from './support/user-ids.ts'

/** Deliveries and quotas, said and kept as Dovecot says and keeps them: the same dialogues with both. */

const [uid, gid] = userIds('nobody')

/** A user and what limits the mail. */
const USERS: readonly (readonly [user: string, ...rules: string[]])[] = [
  ['joe', '*:storage=100K', 'Trash:storage=+10K', 'Junk:ignore'],
  ['jane', '*:storage=1M:messages=3'],
  ['bob', '*:bytes=3000'],
  ['full', '*:bytes=10'],
  ['free', '*:storage=0'],
  ['odd', '*:bytes=1025'],
  ['small', '*:storage=2M:messages=100'],
  ['grace', '*:bytes=530'],
  ['deliver'],
  ['alice@example.org'],
]

function configFor({ dir, port }: Place): string {
  const users = USERS.map(([user, first, ...more]) => {
    const rules = more.map((rule, index) => ` userdb_quota_rule${index + 2}=${rule}`)
    return `${user}:{PLAIN}pass::::::${first === undefined ? '' : `userdb_quota_rule=${first}`}${rules.join('')}\n`
  })
  writeFileSync(join(dir, 'users'), users.join(''))
  mkdirSync(join(dir, 'mail'))
  chownSync(join(dir, 'mail'), uid, gid)
  return `protocols = imap lmtp
hostname = mx.test
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 0
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lmtp_rcpt_check_quota = yes
lda_mailbox_autocreate = yes
lda_mailbox_autosubscribe = yes
mail_location = maildir:~/Maildir
mail_plugins = quota
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${dir}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${dir}/users
  default_fields = uid=${uid} gid=${gid} home=${dir}/mail/%u
}
namespace inbox {
  inbox = yes
  separator = /
}
protocol imap {
  mail_plugins = quota imap_quota
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${port('lmtp')}
  }
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_max_mail_size = 200K
}
`
}

interface Dialogue {
  readonly why: string
  readonly user: string
  /** Commands of IMAP; an APPEND is written `APPEND MAILBOX BYTES`. */
  readonly commands: readonly string[]
}

const IMAP: readonly Dialogue[] = [
  {
    why: 'what is used and allowed, of storage and of messages',
    user: 'jane',
    commands: [
      'GETQUOTAROOT INBOX',
      'APPEND INBOX 100',
      'APPEND INBOX 1024',
      'GETQUOTA "User quota"',
      'GETQUOTA nosuch',
      'GETQUOTAROOT nosuch',
      'SETQUOTA "User quota" (STORAGE 512)',
      'APPEND INBOX 100',
      'APPEND INBOX 100',
      'GETQUOTAROOT INBOX',
      'CREATE Work',
      'SELECT INBOX',
      'COPY 1 Work',
      'MOVE 1 Work',
      'GETQUOTAROOT Work',
    ],
  },
  {
    why: 'the last message may pass the limit a little',
    user: 'bob',
    commands: [
      'APPEND INBOX 2000',
      'APPEND INBOX 1200',
      'APPEND INBOX 1500',
      'APPEND INBOX 900',
      'GETQUOTAROOT INBOX',
      'APPEND INBOX 300',
      'SELECT INBOX',
      'COPY 1 INBOX',
      'STORE 1 +FLAGS.SILENT (\\Deleted)',
      'EXPUNGE',
      'GETQUOTAROOT INBOX',
      'APPEND INBOX 500',
    ],
  },
  { why: 'more than everything', user: 'full', commands: ['APPEND INBOX 100', 'GETQUOTAROOT INBOX'] },
  { why: 'no limit', user: 'free', commands: ['GETQUOTAROOT INBOX', 'APPEND INBOX 5000', 'GETQUOTAROOT INBOX'] },
  {
    why: 'parts of a kilobyte',
    user: 'odd',
    commands: ['APPEND INBOX 1000', 'GETQUOTAROOT INBOX', 'APPEND INBOX 30', 'GETQUOTAROOT INBOX'],
  },
  {
    why: 'mailboxes with limits of their own',
    user: 'joe',
    commands: [
      'CREATE Trash',
      'CREATE Junk',
      'APPEND INBOX 90000',
      'APPEND INBOX 12000',
      'APPEND INBOX 30000',
      'GETQUOTAROOT INBOX',
      'APPEND INBOX 10000',
      'APPEND Trash 8000',
      'APPEND Trash 20000',
      'APPEND Junk 50000',
      'GETQUOTAROOT Trash',
      'GETQUOTAROOT Junk',
    ],
  },
  { why: 'one message that is too large', user: 'small', commands: ['APPEND INBOX 204801', 'APPEND INBOX 204800'] },
]

/** Lines of LMTP; a message stands for itself. */
const LMTP: readonly { readonly why: string; readonly lines: readonly string[] }[] = [
  { why: 'a user', lines: mailTo(['deliver']) },
  { why: 'a detail that is no mailbox yet', lines: mailTo(['deliver+Box']) },
  { why: 'and again', lines: mailTo(['deliver+Box']) },
  { why: 'a detail that cannot be a mailbox', lines: mailTo(['deliver+a//b']) },
  { why: 'an address', lines: mailTo(['alice@example.org']) },
  { why: 'several, one of them full', lines: mailTo(['deliver', 'full', 'alice@example.org']) },
  { why: 'somebody who is full', lines: mailTo(['full']) },
  { why: 'somebody who was full before', lines: ['MAIL FROM:<sender@example.org>', 'RCPT TO:<bob>', 'RSET'] },
  {
    why: 'the last message may pass the limit a little',
    lines: [...mailTo(['grace']), ...mailTo(['grace']), ...mailTo(['grace'])],
  },
  {
    why: 'a message that is too large',
    lines: ['MAIL FROM:<sender@example.org>', 'RCPT TO:<deliver>', 'DATA', 'LARGE'],
  },
  { why: 'nobody', lines: ['MAIL FROM:<sender@example.org>', 'RCPT TO:<nobody>', 'RSET'] },
  { why: 'no sender', lines: ['MAIL FROM:<>', 'RCPT TO:<deliver>', 'DATA', 'MESSAGE 1'] },
  { why: 'chunks', lines: ['MAIL FROM:<sender@example.org>', 'RCPT TO:<deliver>', 'BDAT'] },
]

function mailTo(recipients: readonly string[]): readonly string[] {
  const to = recipients.map((user) => `RCPT TO:<${user}>`)
  return ['MAIL FROM:<sender@example.org>', ...to, 'DATA', `MESSAGE ${recipients.length}`]
}

const MESSAGE = 'Subject: hi\r\nMessage-ID: <m@example.org>\r\n\r\n.body\r\n'

async function playImap(server: Started, { user, commands }: Dialogue): Promise<readonly string[]> {
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: 'imap' })
  await wire.line()
  const said: string[] = []
  for (const [index, command] of [`LOGIN ${user} pass`, ...commands].entries()) {
    const tag = `a${index}`
    const [, mailbox, size] = /^APPEND (\S+) (\d+)$/.exec(command) ?? []
    if (size === undefined) wire.send(`${tag} ${command}`)
    else {
      wire.send(`${tag} APPEND ${mailbox} {${size}+}`)
      const head = 'Subject: x\r\n\r\n'
      wire.send(head + 'x'.repeat(Number(size) - head.length))
    }
    const lines = await wire.linesUntil(new RegExp(`^${tag} `))
    if (index > 0) said.push(`> ${command}`, ...lines.filter((text) => !text.includes('HIGHESTMODSEQ')).map(comparable))
  }
  wire.destroy()
  return said
}

async function playLmtp(server: Started, lines: readonly string[]): Promise<readonly string[]> {
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0, name: 'lmtp' })
  await wire.line()
  wire.send('LHLO client.test')
  await wire.linesUntil(/^250 /)
  const said: string[] = []
  for (const line of lines) {
    const [, recipients] = /^MESSAGE (\d)$/.exec(line) ?? []
    if (line === 'LARGE') wire.send(...Array.from({ length: 2600 }, () => 'x'.repeat(78)), '.')
    else if (line === 'BDAT') wire.send(`BDAT ${MESSAGE.length} LAST\r\n${MESSAGE.slice(0, -2)}`)
    else wire.send(recipients === undefined ? line : `${MESSAGE.replaceAll('\n.', '\n..')}.`)
    for (let left = Number(recipients ?? 1); left > 0; left--) said.push(`${line}: ${comparable(await wire.line())}`)
  }
  wire.destroy()
  return said
}

/** Without what differs from run to run. */
function comparable(line: string): string {
  return line
    .replace(/ \([\d.]+ \+ [\d.]+(?: \+ [\d.]+)? secs\)/, '')
    .replace(/\[(APPENDUID|COPYUID|UIDVALIDITY) \d+/, '[$1 N')
    .replace(/> \S{22}(:\S+)? Saved/, '> ID$1 Saved')
}

/** Every message of a user, and the subscriptions. */
function mailOf({ dir }: Started, user: string): readonly string[] {
  const root = join(dir, 'mail', user, 'Maildir')
  if (!existsSync(root)) return []
  const boxes = ['', ...readdirSync(root).filter((name) => /^\.[^.]/.test(name))]
  const found = boxes.flatMap((box) =>
    ['new', 'cur'].flatMap((part) =>
      readdirSync(join(root, box, part)).map(
        (name) => `${box}: ${received(readFileSync(join(root, box, part, name), 'latin1'))}`,
      ),
    ),
  )
  const subscriptions = join(root, 'subscriptions')
  return [...found.sort(), existsSync(subscriptions) ? readFileSync(subscriptions, 'utf8') : '']
}

function received(text: string): string {
  return text.replace(/\tid \S{22}/, '\tid ID').replace(/; \w{3}, .*/, '; DATE')
}

describe('deliveries and quotas are those of Dovecot', { skip: noDeliveries }, () => {
  const servers = new BothServers(configFor)
  const both: BothServers['do'] = (play) => servers.do(play)

  for (const dialogue of IMAP) {
    test(`IMAP: ${dialogue.why}`, async () => {
      const [expected, said] = await both(async (server) => await playImap(server, dialogue))
      assert.deepEqual(said, expected)
    })
  }

  for (const { why: what, lines } of LMTP) {
    test(`LMTP: ${what}`, async () => {
      const [expected, said] = await both(async (server) => await playLmtp(server, lines))
      assert.deepEqual(said, expected)
      for (const user of ['deliver', 'alice@example.org', 'full']) {
        const [wanted, kept] = await both((server) => mailOf(server, user))
        assert.deepEqual(kept, wanted, user)
      }
    })
  }

  test('postern deliver ends as dovecot-lda does, and leaves the same', async () => {
    const ends = await Promise.all(
      PIPES.map(async ({ why: what, argv, input = PIPED }) => {
        const [theirs, ours] = await both(async (server) => {
          const { dir } = server
          const all = ['-c', join(dir, 'dovecot.conf'), ...argv]
          return servers.isDovecot(server) ? await runLda(all, input) : await runPostern(['deliver', ...all], input)
        })
        assert.deepEqual([ours.status, said(ours.err)], [theirs.status, said(theirs.err)], what)
        return ours.status
      }),
    )
    assert.deepEqual(
      ends,
      PIPES.map(({ status }) => status),
    )
    for (const [user] of USERS) {
      const [wanted, kept] = await both((server) => mailOf(server, user))
      assert.deepEqual(kept, wanted, user)
    }
  })
})

/** What is no line of the log. */
function said(err: string): string {
  return err.replace(/^\w{3} \d\d .* lda\(.*\n/gm, '')
}

const PIPED =
  'From sender@example.org Sat Nov 21 10:00:00 2026\nSubject: piped\nMessage-ID: <p@example.org>\n\nFrom here\n'

/** Command lines of mail servers, with what they make of the exit status. */
const PIPES: readonly { why: string; argv: readonly string[]; status: number; input?: string }[] = [
  { why: 'delivered', argv: ['-d', 'deliver', '-f', 'sender@example.org', '-a', 'deliver@example.org'], status: 0 },
  {
    why: 'into a mailbox that is made',
    argv: ['-d', 'alice@example.org', '-m', 'Lists/New'],
    status: 0,
    input: PIPED.slice(PIPED.indexOf('\n') + 1),
  },
  { why: 'nobody', argv: ['-d', 'nobody'], status: 67 },
  { why: 'full', argv: ['-d', 'full', '-e'], status: 77 },
]
