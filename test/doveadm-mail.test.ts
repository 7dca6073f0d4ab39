import assert from 'node:assert/strict'
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import type { Started } from './peers/started.ts'
import type { CommandRun } from './support/run-postern.ts'
import { runPostern } from './support/run-postern.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'
import { userIds } from './support/user-ids.ts'
import { runOurs, runTheirs } from './support/run-doveadm.ts'

/** A command for both; what they print is compared line by line in any order, as mailboxes come in any order. */
interface Row {
  readonly why: string
  readonly argv: readonly string[]
  /** Their words on standard error are not ours. */
  readonly ownWords?: true
}

const JOE = ['-u', 'joe'] as const

const READING: readonly Row[] = [
  { why: 'all mailboxes', argv: ['mailbox', 'list', ...JOE] },
  { why: 'masks', argv: ['mailbox', 'list', ...JOE, 'W*', 'A%'] },
  { why: 'subscribed ones', argv: ['mailbox', 'list', ...JOE, '-s'] },
  { why: 'names as IMAP has them', argv: ['mailbox', 'list', ...JOE, '-7'] },
  { why: 'all users', argv: ['mailbox', 'list', '-A'] },
  { why: 'users by mask', argv: ['mailbox', 'list', '-u', 'j*'] },
  { why: 'nobody', argv: ['mailbox', 'list', '-u', 'nobody'] },
  { why: 'the formats name a hidden column or not', argv: ['-f', 'tab', 'mailbox', 'list', ...JOE, 'Work'] },
  { why: 'in JSON', argv: ['-f', 'json', 'mailbox', 'list', ...JOE, 'Work'] },
  { why: 'as a table', argv: ['-f', 'table', 'mailbox', 'list', ...JOE] },
  { why: 'counts', argv: ['mailbox', 'status', ...JOE, 'messages recent unseen uidnext uidvalidity vsize guid', '*'] },
  { why: 'counts of two', argv: ['mailbox', 'status', ...JOE, 'unseen messages', 'INBOX', 'Work'] },
  { why: 'sums', argv: ['mailbox', 'status', ...JOE, '-t', 'all', '*'] },
  { why: 'counts in a table', argv: ['-f', 'table', 'mailbox', 'status', ...JOE, 'messages vsize', 'INBOX', 'Work'] },
  { why: 'counts for a pager', argv: ['-f', 'pager', 'mailbox', 'status', ...JOE, 'messages', 'Work'] },
  { why: 'counts of all users', argv: ['mailbox', 'status', '-A', 'messages', 'INBOX'] },
  { why: 'a mailbox that is not there', argv: ['mailbox', 'status', ...JOE, 'messages', 'Nosuch'] },
  { why: 'a mask without mailboxes', argv: ['mailbox', 'status', ...JOE, 'messages', 'Nosuch*'] },
  { why: 'a field that is none', argv: ['mailbox', 'status', ...JOE, 'messages foo', 'INBOX'] },
  { why: 'a field without a sum', argv: ['mailbox', 'status', ...JOE, '-t', 'uidnext', 'INBOX'] },
  { why: 'options behind words', argv: ['mailbox', 'status', 'messages', 'INBOX', ...JOE] },
  ...searches(),
  ...fetches(),
  { why: 'usage of the quota', argv: ['quota', 'get', ...JOE] },
  { why: 'usage of all', argv: ['quota', 'get', '-A'] },
  { why: 'usage in JSON', argv: ['-f', 'json', 'quota', 'get', ...JOE] },
  { why: 'usage of nobody', argv: ['quota', 'get', '-u', 'nobody'] },
  { why: 'one word too many', argv: ['quota', 'get', ...JOE, 'extra'] },
  { why: 'counting again', argv: ['quota', 'recalc', ...JOE] },
  { why: 'usage of some', argv: ['-f', 'tab', 'quota', 'get', '-u', 'j?ne'] },
  { why: 'usage of none', argv: ['quota', 'get', '-u', 'x*'] },
  { why: 'counting again for all', argv: ['quota', 'recalc', '-A'] },
  { why: 'counting again for some', argv: ['quota', 'recalc', '-u', 'j*'] },
  { why: 'counting again for nobody', argv: ['quota', 'recalc', '-u', 'nobody'] },
  { why: 'several masks', argv: ['user', 'j*', '*e'] },
  { why: 'a mask and a name', argv: ['user', 'j*', 'nobody'] },
  { why: 'a mask that nobody matches', argv: ['user', 'x*'] },
  { why: 'fields of a mask', argv: ['user', '-f', 'uid', 'j*'] },
  { why: 'what is made of fields', argv: ['user', '-e', '%u is %n', 'joe'] },
  { why: 'only what the userdb says', argv: ['user', '-u', '-f', 'home', 'joe', 'jane'] },
  { why: 'a mixture', argv: ['user', '-u', '-e', '%u', 'joe'], ownWords: true },
  { why: 'all users of the userdb', argv: ['user', '*'] },
  { why: 'users by mask', argv: ['user', 'j?e'] },
  { why: 'a field of two users', argv: ['user', '-f', 'nosuch', 'joe', 'jane'] },
  { why: 'an unknown user', argv: ['user', 'nobody'] },
  { why: 'where a mailbox is', argv: ['mailbox', 'path', ...JOE, 'Work'] },
  { why: 'where one would be', argv: ['mailbox', 'path', ...JOE, 'Über'] },
  ...['mailbox', 'dir', 'alt-mailbox', 'alt-dir', 'control', 'index', 'index-private'].map((type) => ({
    why: `where its ${type} is`,
    argv: ['-f', 'json', 'mailbox', 'path', ...JOE, '-t', type, 'INBOX'],
  })),
  { why: 'where something else of it is', argv: ['mailbox', 'path', ...JOE, '-t', 'nosuch', 'Work'], ownWords: true },
  { why: 'where nothing is', argv: ['mailbox', 'path', ...JOE], ownWords: true },
  { why: 'fill the index', argv: ['index', ...JOE, '*'] },
  { why: 'fill the index of little', argv: ['index', ...JOE, '-n', '1', '-q', 'INBOX'] },
  { why: 'fill the index of nothing', argv: ['index', ...JOE, 'Nosuch'] },
  { why: 'purge', argv: ['purge', '-A'] },
  { why: 'purge of nobody', argv: ['purge', '-u', 'nobody'] },
  { why: 'purge of something', argv: ['purge', ...JOE, 'extra'] },
  {
    why: 'attributes are not there',
    argv: ['mailbox', 'metadata', 'set', ...JOE, 'INBOX', '/private/comment', 'x'],
    ownWords: true,
  },
  { why: 'names in modified UTF-7', argv: ['mailbox', 'mutf7', 'Über', 'a&b'] },
  { why: 'and back', argv: ['mailbox', 'mutf7', '-7', '&ANw-ber'] },
]

/** One after the other; after each the mail of both is the same. */
const CHANGING: readonly Row[] = [
  { why: 'create two, one below another', argv: ['mailbox', 'create', ...JOE, 'New', 'A/B'] },
  { why: 'create and subscribe', argv: ['mailbox', 'create', ...JOE, '-s', 'Über'] },
  { why: 'create what is there', argv: ['mailbox', 'create', ...JOE, 'Work'] },
  { why: 'create nothing', argv: ['mailbox', 'create', ...JOE, ''] },
  { why: 'create what cannot be', argv: ['mailbox', 'create', ...JOE, 'a//b'] },
  { why: 'subscribe what is there and what is not', argv: ['mailbox', 'subscribe', ...JOE, 'Work', 'Nosuch'] },
  { why: 'unsubscribe', argv: ['mailbox', 'unsubscribe', ...JOE, 'Nosuch', 'Never'] },
  { why: 'rename', argv: ['mailbox', 'rename', ...JOE, 'New', 'Newer'] },
  { why: 'rename what is not there', argv: ['mailbox', 'rename', ...JOE, 'Nosuch', 'X'] },
  { why: 'rename with the subscription', argv: ['mailbox', 'rename', ...JOE, '-s', 'Über', 'Unter'] },
  { why: 'rename to what is there', argv: ['mailbox', 'rename', ...JOE, 'Newer', 'Work'] },
  { why: 'delete what is not there', argv: ['mailbox', 'delete', ...JOE, 'Nosuch'] },
  { why: 'delete two', argv: ['mailbox', 'delete', ...JOE, 'Newer', 'A/B'] },
  { why: 'delete and unsubscribe', argv: ['mailbox', 'delete', ...JOE, '-s', 'Unter'] },
  { why: 'delete only what is empty', argv: ['mailbox', 'delete', ...JOE, '-e', 'Work'] },
  { why: 'set flags', argv: ['flags', 'add', ...JOE, '\\Flagged $Label1', 'mailbox', 'INBOX', 'all'] },
  { why: 'take one away', argv: ['flags', 'remove', ...JOE, '$Label1', 'mailbox', 'INBOX', 'uid', '2'] },
  { why: 'set all', argv: ['flags', 'replace', ...JOE, '\\Seen \\Draft', 'mailbox', 'INBOX', 'uid', '3'] },
  { why: 'a flag that is none', argv: ['flags', 'add', ...JOE, '\\Nosuch', 'all'] },
  { why: '\\Recent cannot be set', argv: ['flags', 'add', ...JOE, '\\Recent', 'mailbox', 'INBOX'] },
  { why: 'flags where there is no mailbox', argv: ['flags', 'add', ...JOE, '\\Seen', 'mailbox', 'Nosuch', 'all'] },
  { why: 'copy', argv: ['copy', ...JOE, 'Archive', 'mailbox', 'INBOX', 'subject', 'hello'] },
  { why: 'copy into nothing', argv: ['copy', ...JOE, 'Nosuch', 'mailbox', 'INBOX', 'all'] },
  { why: 'copy out of nothing', argv: ['copy', ...JOE, 'Archive', 'mailbox', 'Nosuch', 'all'] },
  { why: "another user's", argv: ['copy', ...JOE, 'Archive', 'user', 'jane', 'mailbox', 'INBOX', 'all'] },
  { why: 'move', argv: ['move', ...JOE, 'Archive', 'mailbox', 'Work', 'seen'] },
  { why: 'all at once is refused', argv: ['expunge', ...JOE, 'all'] },
  { why: 'a whole mailbox too', argv: ['expunge', ...JOE, 'mailbox', 'Archive'] },
  { why: 'one branch is enough to refuse', argv: ['expunge', ...JOE, 'mailbox', 'Archive', 'or', 'seen'] },
  { why: 'expunge', argv: ['expunge', ...JOE, 'mailbox', 'INBOX', 'from', 'jane'] },
  { why: 'expunge where there is no mailbox', argv: ['expunge', ...JOE, 'mailbox', 'Nosuch', 'all'] },
  { why: 'expunge, and the mailbox too', argv: ['expunge', ...JOE, '-d', 'mailbox', 'Archive', 'all'] },
  { why: 'copies of messages', argv: ['copy', ...JOE, 'Work', 'mailbox', 'Work', 'all'] },
  { why: 'one of each GUID stays', argv: ['deduplicate', ...JOE, 'mailbox', 'Work'] },
  { why: 'one of each Message-ID stays', argv: ['deduplicate', ...JOE, '-m', 'mailbox', 'INBOX'] },
  { why: 'the same of nothing', argv: ['deduplicate', ...JOE, '-m', 'mailbox', 'Nosuch'] },
  { why: 'the same of everything', argv: ['deduplicate', ...JOE, 'all'] },
  { why: 'resync', argv: ['force-resync', ...JOE, '*'] },
  { why: 'resync nothing', argv: ['force-resync', ...JOE, 'Nosuch'] },
  { why: 'users of a list', argv: ['quota', 'recalc', '-F', 'LIST'] },
  { why: 'usage of a list', argv: ['-f', 'json', 'quota', 'get', '-F', 'LIST'] },
  { why: 'a list that is not there', argv: ['quota', 'recalc', '-F', '/nosuch/list'] },
  { why: 'save', argv: ['save', ...JOE, '-m', 'Work', 'MESSAGE'] },
  { why: 'a mailbox that is told what it is', argv: ['mailbox', 'create', ...JOE, 'Fresh'] },
  ...updates(),
  { why: 'save into nothing', argv: ['save', ...JOE, '-m', 'Nosuch', 'MESSAGE'] },
  ...imports(),
  ...batches(),
]

function batches(): readonly Row[] {
  const rows: readonly (readonly [why: string, words: string, ownWords?: true])[] = [
    ['several commands', ': mailbox create BatchA : mailbox create BatchB : mailbox list'],
    ['with another separator', ', mailbox create -s BatchC , mailbox rename BatchB BatchD'],
    ['what fails is the last one', ': mailbox create BatchA : mailbox create Never'],
    ['nothing was done behind it', ': mailbox list'],
    ['messages', ': copy BatchA mailbox INBOX all : flags add \\Flagged mailbox BatchA all'],
    ['one that makes no sense', ': mailbox list : expunge all'],
    ['one that is none', ': mailbox list : nosuch : mailbox list'],
    ['one that would be read', ': nosuch', true],
    ['no command', ':', true],
    ['nothing', '', true],
    ['a user of its own', ': mailbox list -u jane', true],
  ]
  return rows.map(([why, words, ownWords]) => ({
    why: `batch: ${why}`,
    argv: ['batch', ...JOE, ...words.split(' ').filter((word) => word !== '')],
    ...(ownWords && { ownWords }),
  }))
}

function imports(): readonly Row[] {
  const rows: readonly (readonly [why: string, argv: readonly string[], ownWords?: true])[] = [
    ['all of it, below a mailbox', ['maildir:SOURCE', 'Old', 'all']],
    ['some of it, with names as they are', ['maildir:SOURCE', '', 'mailbox', 'Work', 'subject', 'hello']],
    ['and subscribe', ['-s', 'maildir:SOURCE', 'Older', 'mailbox', 'INBOX']],
    ['nothing', ['maildir:SOURCE', 'None', 'subject', 'nosuch']],
    ['from another home', ['-U', 'jane', 'maildir:~/Maildir', 'Jane', 'mailbox', 'Work', 'seen']],
    ['where no mailbox can be', ['maildir:SOURCE', 'a//b', 'mailbox', 'Work'], true],
    ['from no format', ['nosuch:/x', 'X', 'all'], true],
    ['a query that is none', ['maildir:SOURCE', 'X', 'foo']],
    ['without a query', ['maildir:SOURCE', 'X'], true],
  ]
  return rows.map(([why, argv, ownWords]) => ({
    why: `import: ${why}`,
    argv: ['import', ...JOE, ...argv],
    ...(ownWords && { ownWords }),
  }))
}

function updates(): readonly Row[] {
  const fields = 'uidvalidity uidnext guid messages'
  const changes: readonly (readonly [why: string, options: string, ownWords?: true])[] = [
    ['two things', '--mailbox-guid fedcba9876543210fedcba9876543210 --uid-validity 4710 Fresh'],
    ['nothing', 'Fresh'],
    ['UIDVALIDITY', '--uid-validity 4711 Fresh'],
    ['the next UID', '--min-next-uid 300 Fresh'],
    ['a smaller one', '--min-next-uid 200 Fresh'],
    ['its GUID', '--mailbox-guid 0123456789abcdef0123456789abcdef Fresh'],
    ['several', '--uid-validity 4712 --min-next-uid 400 --min-first-recent-uid 400 --min-highest-modseq 7 Fresh'],
    ['no UIDVALIDITY', '--uid-validity 0 Fresh'],
    ['recent ones that are too new', '--min-first-recent-uid 500 Fresh'],
    ['private marks', '--min-highest-pvt-modseq 5 Fresh'],
    ['a mailbox that is not there', '--uid-validity 5 Nosuch'],
    ['a GUID that is none', '--mailbox-guid xyz Fresh', true],
    ['a number that is none', '--uid-validity abc Fresh', true],
    ['a number that is too large', '--uid-validity 99999999999 Fresh', true],
    ['two mailboxes', '--uid-validity 5 Fresh Work'],
    ['no mailbox', '', true],
  ]
  return [
    ...changes.flatMap(([what, options, ownWords]): Row[] => [
      {
        why: `update: ${what}`,
        argv: ['mailbox', 'update', ...JOE, ...options.split(' ').filter((word) => word !== '')],
        ...(ownWords && { ownWords }),
      },
      { why: `after update: ${what}`, argv: ['mailbox', 'status', ...JOE, fields, 'Fresh'] },
    ]),
    { why: 'new messages get the next UID', argv: ['save', ...JOE, '-m', 'Fresh', 'MESSAGE'] },
  ]
}

function searches(): readonly Row[] {
  const queries: readonly (readonly [why: string, query: string])[] = [
    ['everything', 'all'],
    ['one mailbox', 'mailbox INBOX all'],
    ['a mask', 'mailbox W* all'],
    ['no such mailbox', 'mailbox Nosuch all'],
    ['a mailbox or', 'mailbox Work or mailbox INBOX'],
    ['parentheses', '( mailbox Work all ) or ( mailbox INBOX seen )'],
    ['or of three', 'mailbox INBOX ( subject hello or from jane or uid 1 )'],
    ['not', 'not seen'],
    ['not in parentheses', 'mailbox INBOX not ( subject hello or seen )'],
    ['flags', 'undeleted unseen'],
    ['keywords', 'keyword $MDNSent'],
    ['UIDs', 'uid 1:2'],
    ['sequence numbers', '1:2'],
    ['a field', 'header x-test a'],
    ['text', 'text second'],
    ['an encoded subject', 'subject grüße'],
    ['a day', 'on 2026-11-20'],
    ['days', 'since 2026-11-20 before 22-Nov-2026'],
    ['a UNIX time', 'since 1795300000'],
    ['an age', 'since 1hour'],
    ['when it was sent', 'sentbefore 2026-11-22'],
    ['when it was saved', 'savedbefore 1d'],
    ['saved lately', 'savedsince 1d'],
    ['sizes', 'larger 200'],
    ['sizes with a unit', 'smaller 1k'],
    ['with another', 'larger 1M'],
    ['a date that is none', 'before xyz'],
    ['a size that is none', 'larger x'],
    ['a key that is none', 'foo'],
    ['a value that is missing', 'subject'],
    ['a mailbox that is missing', 'mailbox'],
    ['and mixed with or', 'mailbox INBOX or mailbox Work subject hello'],
    ['or without a left side', 'or subject hello from jane'],
    ['an open parenthesis', '( all'],
    ['a closing one', 'all )'],
    ['an empty one', '( )'],
    ['UIDs that are none', 'uid x'],
    ['a GUID nobody has', 'mailbox-guid abc'],
  ]
  const rows: Row[] = queries.map(([why, query]) => ({
    why: `search: ${why}`,
    argv: ['search', ...JOE, ...query.split(' ')],
  }))
  return [
    ...rows,
    { why: 'search: all users', argv: ['search', '-A', 'subject', 'hello'] },
    { why: 'search: in JSON', argv: ['-f', 'json', 'search', ...JOE, 'mailbox', 'Work'] },
    { why: 'search: for a pager', argv: ['-f', 'pager', 'search', '-A', 'mailbox', 'Work'] },
    { why: 'search: as a table', argv: ['-f', 'table', 'search', ...JOE, 'mailbox', 'INBOX'] },
  ]
}

function fetches(): readonly Row[] {
  const inbox = ['mailbox', 'INBOX'] as const
  const of = (why: string, fields: string, query: readonly string[] = inbox, ...format: string[]): Row => ({
    why: `fetch: ${why}`,
    argv: [...format, 'fetch', ...JOE, fields, ...query],
  })
  return [
    of('what is known of messages', 'user mailbox mailbox-guid seq uid guid flags', ['all']),
    of('header and body', 'hdr body'),
    of('everything', 'text uid'),
    of('everything as it is meant', 'uid text.utf8', ['mailbox', 'INBOX', 'uid', '1:2']),
    of('fields', 'hdr.subject hdr.x-test hdr.nosuch'),
    of('fields as they are meant', 'hdr.subject.utf8'),
    of(
      'sizes and dates',
      'size.physical size.virtual date.received date.sent date.received.unixtime date.sent.unixtime',
    ),
    of('for IMAP', 'imap.envelope imap.body imap.bodystructure'),
    of('parts', 'body.1'),
    of('rarities', 'pop3.uidl pop3.order refcount storageid'),
    of('no mailbox', 'uid', ['mailbox', 'Nosuch', 'all']),
    of('in JSON', 'uid hdr.subject text flags', inbox, '-f', 'json'),
    of('as a table', 'uid hdr.subject', inbox, '-f', 'table'),
    { ...of('a field that is none', 'foo'), ownWords: true },
    { why: 'fetch: all users', argv: ['fetch', '-A', 'uid', 'mailbox', 'INBOX'] },
  ]
}

const HELLO = `From: Joe <joe@example.org>
To: Jane <jane@example.org>, bob@example.org
Subject: Hello one
Date: Sat, 21 Nov 2026 10:00:00 +0100
Message-ID: <1@example.org>
X-Test: a
 b

Body line
second
`

const GREETING = [
  'From: Jane <jane@example.org>',
  'To: joe@example.org',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Sun, 22 Nov 2026 01:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=FC=DFe',
  '',
].join('\r\n')

/** Mailboxes of a user: file names (without a time) and messages. */
const MAIL: Readonly<Record<string, readonly (readonly [flags: string, message: string, receivedAt: string])[]>> = {
  '': [
    ['S', HELLO, '2026-11-20T12:00:00Z'],
    ['', GREETING, '2026-11-21T12:00:00Z'],
    ['FR', HELLO.replace('one', 'two'), '2026-11-22T01:00:00Z'],
  ],
  '.Work': [
    ['', GREETING, '2026-11-20T12:00:00Z'],
    ['S', HELLO, '2026-11-20T12:00:00Z'],
  ],
  '.Archive': [],
}

function makeMaildir(root: string): void {
  for (const [name, messages] of Object.entries(MAIL)) {
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(root, name, part), { recursive: true })
    if (name !== '') writeFileSync(join(root, name, 'maildirfolder'), '')
    for (const [index, [flags, message, receivedAt]] of messages.entries()) {
      const path = join(root, name, 'cur', `17953000${index}0.M${index}P1.host:2,${flags}`)
      writeFileSync(path, message)
      utimesSync(path, new Date(receivedAt), new Date(receivedAt))
    }
  }
  writeFileSync(join(root, 'subscriptions'), 'Work\nGone\n')
}

function giveTo(path: string, uid: number, gid: number): void {
  chownSync(path, uid, gid)
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) giveTo(join(path, name), uid, gid)
}

function configFor(dir: string, uid: number, gid: number): string {
  return `first_valid_uid = ${uid === 0 ? 0 : 1}
first_valid_gid = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${dir}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${dir}/users
  default_fields = uid=${uid} gid=${gid} home=${dir}/mail/%u
}
mail_location = maildir:~/Maildir
mail_plugins = quota
namespace inbox {
  inbox = yes
  separator = /
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=1M
}
`
}

function fill(dir: string): void {
  writeFileSync(join(dir, 'users'), 'joe:pass:::::\njane:pass:::::\n')
  for (const user of ['joe', 'jane']) mkdirSync(join(dir, 'mail', user), { recursive: true })
  makeMaildir(join(dir, 'mail/joe/Maildir'))
  makeMaildir(join(dir, 'mail/jane/Maildir'))
}

function comparable({ status, out, err }: CommandRun, { ownWords }: Row) {
  // Who sees a message first is told that it is recent; one of the two always looks first.
  const lines = out
    .replaceAll(/ ?\\+Recent| recent=\d+/g, '')
    .replaceAll(/flags: $/gm, 'flags:')
    .replaceAll(/\/[^"\n]*\/mail\/joe\//g, 'HOME/')
    .replaceAll(/\/\S*\/mail\/(?=j\w+$)/gm, 'MAIL/')
    .split('\n')
    .sort()
  return { status, lines, ...(ownWords ? undefined : { err: err.trim() }) }
}

const [nobodyUid, nobodyGid] = userIds('nobody')
const isRoot = process.geteuid?.() === 0
const why = skipWithout('dovecot-imapd') || (isRoot ? false : 'Dovecot needs root to read mail of others')

describe('doveadm does with mail what Dovecot does', { skip: why }, () => {
  let theirs: Started
  let ours = ''
  let config = ''

  before(async () => {
    theirs = await startDovecot(({ dir }) => `protocols =\n${configFor(dir, nobodyUid, nobodyGid)}`)
    const { dir } = theirs
    fill(dir)
    makeMaildir(join(dir, 'source'))
    for (const name of ['mail', 'source']) giveTo(join(dir, name), nobodyUid, nobodyGid)
    // Dovecot gives UIDs and GUIDs; both go on from there.
    await runTheirs(dir, ['mailbox', 'status', '-A', 'all', '*'])
    ours = makeTempDir('doveadm-mail')
    cpSync(join(dir, 'mail'), join(ours, 'mail'), { recursive: true, preserveTimestamps: true })
    cpSync(join(dir, 'users'), join(ours, 'users'))
    makeMaildir(join(ours, 'source'))
    for (const name of ['mail', 'source']) giveTo(join(ours, name), 0, 0)
    config = join(ours, 'dovecot.conf')
    writeFileSync(config, configFor(ours, 0, 0))
    for (const place of [dir, ours]) {
      writeFileSync(join(place, 'message'), HELLO.replace('one', 'saved'))
      writeFileSync(join(place, 'list'), 'jane\nnobody\njoe\n')
    }
    chmodSync(join(dir, 'message'), 0o644)
  })
  after(async () => {
    await theirs.stop()
    if (ours !== '') removeTempDir(ours)
  })

  for (const row of READING) {
    test(row.why, async () => {
      const [expected, ran] = await Promise.all([runTheirs(theirs.dir, row.argv), runOurs(config, row.argv)])
      assert.deepEqual(comparable(ran, row), comparable(expected, row))
    })
  }

  for (const row of CHANGING) {
    test(row.why, async () => {
      const argvAt = (dir: string): readonly string[] =>
        row.argv.map((word) => word.replace(/\b(MESSAGE|LIST|SOURCE)$/, (name) => join(dir, name.toLowerCase())))
      const [expected, ran] = await Promise.all([
        runTheirs(theirs.dir, argvAt(theirs.dir)),
        runOurs(config, argvAt(ours)),
      ])
      assert.deepEqual(comparable(ran, row), comparable(expected, row))
      if (ran.status !== 0) return
      const mail = [mailOf((argv) => runOurs(config, argv)), mailOf((argv) => runTheirs(theirs.dir, argv))]
      const [after, wanted] = await Promise.all(mail)
      assert.deepEqual(after, wanted)
    })
  }
})

/** Everything a user has, as the commands say it. */
async function mailOf(run: (argv: readonly string[]) => Promise<CommandRun>): Promise<readonly string[]> {
  const all = [
    ['mailbox', 'list', ...JOE],
    ['mailbox', 'list', '-s', ...JOE],
    ['-f', 'flow', 'fetch', ...JOE, 'mailbox uid flags hdr.subject', 'all'],
  ]
  const runs = await Promise.all(all.map(run))
  return runs.flatMap(({ out }) =>
    out
      .replaceAll(/ ?\\Recent/g, '')
      .split('\n')
      .sort(),
  )
}

test("as root it does everything with the owner's rights", { skip: isRoot ? false : 'needs root' }, async (t) => {
  const dir = makeTempDir('doveadm-owner')
  t.after(() => removeTempDir(dir))
  fill(dir)
  giveTo(join(dir, 'mail'), nobodyUid, nobodyGid)
  const path = join(dir, 'dovecot.conf')
  writeFileSync(path, configFor(dir, nobodyUid, nobodyGid))
  const saved = await runPostern(
    ['doveadm', '-c', path, 'save', '-u', 'joe', '-m', 'Work'],
    GREETING.replace('Gr=FC=DFe', 'new'),
  )
  assert.deepEqual(saved, { status: 0, out: '', err: '' })
  const found = await runPostern(['doveadm', '-c', path, 'fetch', '-A', 'body', 'mailbox', 'Work', 'text', 'new'])
  assert.deepEqual(found, { status: 0, out: 'joe\nbody:\nnew\n', err: '' })
  for (const name of readdirSync(join(dir, 'mail/joe/Maildir/.Work/new')))
    assert.equal(statSync(join(dir, 'mail/joe/Maildir/.Work/new', name)).uid, nobodyUid)
})

describe('where doveadm does otherwise than Dovecot on purpose', { skip: why }, () => {
  let theirs: Started
  before(async () => {
    theirs = await startDovecot(({ dir }) => `protocols =\n${configFor(dir, nobodyUid, nobodyGid)}`)
    const { dir } = theirs
    fill(dir)
    // The first user's mail cannot be opened.
    writeFileSync(join(dir, 'users'), 'stuck:pass::::::userdb_mail=nosuch:/x\njoe:pass:::::\njane:pass:::::\n')
    giveTo(join(dir, 'mail'), nobodyUid, nobodyGid)
  })
  after(async () => await theirs.stop())

  async function both(argv: readonly string[]): Promise<readonly CommandRun[]> {
    const { dir } = theirs
    const ours = await runPostern(['doveadm', '-c', join(dir, 'dovecot.conf'), ...argv])
    return [await runTheirs(dir, argv), ours]
  }

  test('the exit status tells that the mail of one of all could not be opened (doveadm-one-by-one)', async () => {
    const [dovecot, ours] = await both(['mailbox', 'status', '-A', 'messages', 'INBOX'])
    const others = 'joe INBOX messages=3\njane INBOX messages=3\n'
    assert.deepEqual([dovecot?.status, dovecot?.out], [0, others])
    assert.deepEqual([ours?.status, ours?.out], [75, others])
    for (const err of [dovecot?.err, ours?.err]) assert.match(err ?? '', /doveadm\(stuck\): Error: /)
  })

  test('each mailbox that is not there is complained of (doveadm-missing-mailboxes)', async () => {
    const [dovecot, ours] = await both(['mailbox', 'status', '-u', 'joe', 'messages', 'INBOX', 'Nosuch', 'Nor'])
    assert.deepEqual(dovecot, { status: 0, out: 'INBOX messages=3\n', err: '' })
    assert.deepEqual([ours?.status, ours?.out], [68, 'INBOX messages=3\n'])
    assert.match(ours?.err ?? '', /Nosuch.*\n.*Nor/)
  })

  test('users are found without a server (doveadm-without-server)', async () => {
    const { dir } = theirs
    await theirs.stop()
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'users'), 'joe:pass:::::\n')
    fill(dir)
    giveTo(join(dir, 'mail'), nobodyUid, nobodyGid)
    const config = configFor(dir, nobodyUid, nobodyGid)
    writeFileSync(join(dir, 'dovecot.conf'), `base_dir = ${dir}/run\nprotocols =\n${config}`)
    const [dovecot, ours] = await both(['mailbox', 'status', '-u', 'joe', 'messages', 'INBOX'])
    removeTempDir(dir)
    assert.deepEqual([dovecot?.status, dovecot?.out], [75, ''])
    assert.deepEqual(ours, { status: 0, out: 'INBOX messages=3\n', err: '' })
  })
})
