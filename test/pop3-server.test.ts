import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { FIXTURES, writeMaildir } from './imap-server/fixtures.ts'
import { loginListeners, startDovecot } from './peers/dovecot.ts'
import { dovecotFor, skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import type { Started } from './peers/started.ts'
import { connectRaw } from './support/raw-client.ts'

/** The POP3 server beside Dovecot's: the same Maildirs, the same words, the same Maildirs afterwards. RFC 1939. */

interface Case {
  readonly why: string
  /** A set of messages, or several texts. */
  readonly mail: string | readonly string[]
  readonly say: readonly string[]
  /** Of the client's address. */
  readonly settings?: keyof typeof SETTINGS
  /** The connection is dropped behind the last line. */
  readonly drops?: true
}

/** Settings by the last part of the client's address, which is 127.0.1.N. */
const SETTINGS = {
  usual: [1, ''],
  validity: [2, 'pop3_uidl_format = %v.%u'],
  file: [3, 'pop3_uidl_format = %f'],
  untouched: [4, 'pop3_no_flag_updates = yes'],
  last: [5, 'pop3_enable_last = yes'],
  hidden: [6, 'pop3_deleted_flag = "$POP3Deleted"'],
  nuls: [7, 'pop3_client_workarounds = outlook-no-nuls oe-ns-eoh'],
  long: [8, 'pop3_uidl_format = %f-%f-%f-%f-%f-%f'],
  md5: [9, 'pop3_uidl_format = %m'],
  guid: [10, 'pop3_uidl_format = %g'],
  modified: [11, 'pop3_uidl_format = %5u.%-8.3v.%Lf.%Mf.%04Xu'],
  equal: [12, 'pop3_uidl_format = %.1f'],
  renamed: [13, 'pop3_uidl_format = %.1f\n    pop3_uidl_duplicates = rename'],
  xuidl: [14, 'pop3_reuse_xuidl = yes'],
  expunges: [15, 'pop3_deleted_flag = "$POP3Deleted"\n    pop3_delete_type = expunge'],
  flags: [16, 'pop3_deleted_flag = "$POP3Deleted"\n    pop3_delete_type = flag'],
  locked: [17, 'pop3_lock_session = yes'],
  sizes: [18, 'pop3_fast_size_lookups = yes'],
  saved: [19, 'pop3_save_uidl = yes\n    pop3_uidl_format = id%u'],
  savednames: [22, 'pop3_save_uidl = yes\n    pop3_uidl_format = %f'],
  savedxuidl: [
    23,
    'pop3_save_uidl = yes\n    pop3_uidl_format = %u\n    pop3_reuse_xuidl = yes\n    pop3_uidl_duplicates = rename',
  ],
  seenlast: [21, 'pop3_enable_last = yes\n    pop3_no_flag_updates = yes'],
} as const

const HEADER = 'From: joe@example.org\nSubject: one\n'

const cases: readonly Case[] = [
  { why: 'what it can', mail: 'empty', say: ['CAPA', 'CAPA x', 'capa', 'QUIT'] },
  {
    why: 'an empty mailbox',
    mail: 'empty',
    say: ['STAT', 'LIST', 'UIDL', 'LIST 1', 'RETR 1', 'TOP 1 0', 'DELE 1', 'QUIT'],
  },
  { why: 'lists', mail: 'three', say: ['STAT', 'STAT x', 'LIST', 'LIST 2', 'UIDL', 'UIDL 3', 'QUIT'] },
  { why: 'new mail', mail: 'fresh', say: ['STAT', 'RETR 2', 'QUIT'] },
  { why: 'retrieves', mail: 'three', say: ['RETR 2', 'RETR 2', 'RETR 3', 'QUIT'] },
  { why: 'several parts', mail: 'parts', say: ['LIST', 'RETR 1', 'RETR 2', 'TOP 1 3', 'QUIT'] },
  { why: 'a large message', mail: 'large', say: ['LIST', 'RETR 1', 'TOP 1 1', 'QUIT'] },
  { why: 'tops', mail: 'three', say: ['TOP 1 0', 'TOP 1 1', 'TOP 1 100', 'TOP 2 0', 'QUIT'] },
  {
    why: 'arguments of TOP',
    mail: 'three',
    say: [
      'TOP',
      'TOP 1',
      'TOP 1 x',
      'TOP 1 -1',
      'TOP x 1',
      'TOP 1 0 3',
      'TOP 9 0',
      'TOP 1  1',
      'TOP 1 99999999999999999999999',
    ],
  },
  {
    why: 'message numbers',
    mail: 'three',
    say: [
      'LIST 0',
      'LIST 4',
      'LIST x',
      'LIST 1x',
      'LIST 1 2',
      'LIST -1',
      'LIST +1',
      'LIST 01',
      'LIST 4294967295',
      'LIST 4294967296',
      'LIST 99999999999999999999',
    ],
  },
  {
    why: 'numbers of others',
    mail: 'three',
    say: [
      'UIDL x',
      'UIDL 0',
      'UIDL 1 1',
      'RETR',
      'RETR x',
      'RETR 9',
      'RETR 1 1',
      'DELE',
      'DELE x',
      'DELE 9',
      'DELE 1 1',
      'QUIT',
    ],
  },
  {
    why: 'deletes',
    mail: 'three',
    say: ['DELE 2', 'STAT', 'LIST', 'UIDL', 'LIST 2', 'UIDL 2', 'RETR 2', 'TOP 2 0', 'DELE 2', 'LIST 3', 'QUIT'],
  },
  { why: 'deletes all', mail: 'three', say: ['DELE 1', 'DELE 2', 'DELE 3', 'STAT', 'LIST', 'QUIT'] },
  { why: 'takes it back', mail: 'three', say: ['DELE 1', 'DELE 3', 'RSET', 'STAT', 'RSET x', 'QUIT'] },
  { why: 'a client that leaves deletes nothing', mail: 'three', say: ['DELE 1', 'RETR 2'], drops: true },
  { why: 'a client that quits has seen what it got', mail: 'three', say: ['RETR 2', 'TOP 3 0', 'QUIT'] },
  {
    why: 'unknown commands',
    mail: 'empty',
    say: [
      'FOO',
      'foo bar',
      '',
      ' ',
      'AUTH PLAIN',
      'USER x',
      'PASS y',
      'STLS',
      'XCLIENT',
      'LAST',
      'LANG',
      'APOP a b',
      'QUIT x',
    ],
  },
  { why: 'twenty of them', mail: 'empty', say: Array.from({ length: 21 }, (_, index) => `BAD${index}`) },
  {
    why: 'they are forgiven',
    mail: 'empty',
    say: [...Array.from({ length: 20 }, () => 'X'), 'NOOP', ...Array.from({ length: 20 }, () => 'X'), 'QUIT'],
  },
  { why: 'errors count as well', mail: 'empty', say: [...Array.from({ length: 25 }, () => 'RETR 1'), 'QUIT'] },
  { why: 'bytes', mail: 'empty', say: ['\x80\xff', 'LIST\0x', 'NOOP\0', 'NOOP x', 'STAT\t1', 'QUIT'] },
  {
    why: 'dots',
    mail: [`${HEADER}\n.\n..\n.x\nx.\n`, `${HEADER}\n.`],
    say: ['LIST', 'RETR 1', 'TOP 1 2', 'RETR 2', 'QUIT'],
  },
  {
    why: 'CRLF in files',
    mail: [`${HEADER}\nbody\n`.replaceAll('\n', '\r\n'), `${HEADER}\r\nmixed\r\nlines\n`],
    say: ['LIST', 'RETR 1', 'RETR 2', 'TOP 1 0', 'QUIT'],
  },
  {
    why: 'no end of line at the end',
    mail: [`${HEADER}\nbody`, HEADER, 'X: y'],
    say: ['LIST', 'RETR 1', 'RETR 2', 'TOP 2 5', 'RETR 3', 'TOP 3 1', 'QUIT'],
  },
  {
    why: 'no header',
    mail: ['\nonly a body\n', 'no header at all\n'],
    say: ['LIST', 'RETR 1', 'TOP 1 1', 'TOP 2 1', 'QUIT'],
  },
  {
    why: '8 bits and bare CRs',
    mail: [`${HEADER}\n\xe9\xff bytes\rand returns\r\r\n`],
    say: ['LIST', 'RETR 1', 'QUIT'],
  },
  { why: 'UIDL in another form', mail: 'three', say: ['UIDL', 'UIDL 2', 'QUIT'], settings: 'validity' },
  { why: 'UIDL from file names', mail: 'three', say: ['UIDL', 'UIDL 2', 'QUIT'], settings: 'file' },
  { why: 'UIDL that would be too long', mail: 'one', say: ['UIDL', 'QUIT'], settings: 'long' },
  { why: 'UIDL from GUIDs', mail: 'three', say: ['UIDL', 'UIDL 2', 'QUIT'], settings: 'guid' },
  { why: 'UIDL with modifiers', mail: 'three', say: ['UIDL', 'QUIT'], settings: 'modified' },
  { why: 'equal UIDLs', mail: 'three', say: ['UIDL', 'UIDL 2', 'QUIT'], settings: 'equal' },
  {
    why: 'equal UIDLs get numbers',
    mail: 'three',
    say: ['UIDL', 'UIDL 2', 'UIDL 3', 'DELE 1', 'UIDL', 'UIDL 2', 'QUIT'],
    settings: 'renamed',
  },
  {
    why: 'UIDL from X-UIDL headers',
    mail: [
      `X-UIDL: first\n${HEADER}\nbody\n`,
      `${HEADER}x-uidl:   two words \n\nX-UIDL: no\n`,
      `${HEADER}X-UIDL:\n\nbody\n`,
      `${HEADER}\nbody\n`,
      `X-UIDL: a\nX-UIDL: b\n\nbody\n`,
      `X-UIDL: caf\xe9\n\nbody\n`,
      `X-UIDL: ${'long'.repeat(30)}\n\nbody\n`,
    ],
    say: ['UIDL', 'UIDL 1', 'UIDL 2', 'UIDL 5', 'QUIT'],
    settings: 'xuidl',
  },
  { why: 'pop3_delete_type = expunge', mail: 'three', say: ['DELE 2', 'QUIT'], settings: 'expunges' },
  { why: 'pop3_delete_type = flag', mail: 'three', say: ['DELE 2', 'RETR 3', 'QUIT'], settings: 'flags' },
  { why: 'pop3_lock_session', mail: 'three', say: ['STAT', 'RETR 2', 'DELE 1', 'QUIT'], settings: 'locked' },
  {
    why: 'pop3_fast_size_lookups',
    mail: 'three',
    say: ['STAT', 'LIST', 'LIST 2', 'RETR 2', 'STAT', 'LIST', 'QUIT'],
    settings: 'sizes',
  },
  { why: 'pop3_save_uidl', mail: 'three', say: ['UIDL', 'UIDL 2', 'QUIT'], settings: 'saved' },
  {
    why: 'LAST without marks',
    mail: 'three',
    say: ['LAST', 'RETR 3', 'LAST', 'RSET', 'LAST', 'TOP 2 0', 'LAST', 'QUIT'],
    settings: 'seenlast',
  },
  { why: 'pop3_no_flag_updates', mail: 'three', say: ['RETR 2', 'QUIT'], settings: 'untouched' },
  {
    why: 'pop3_enable_last',
    mail: 'three',
    say: ['LAST', 'RETR 2', 'LAST', 'RETR 1', 'LAST', 'DELE 3', 'LAST', 'RSET', 'LAST', 'QUIT'],
    settings: 'last',
  },
  { why: 'pop3_deleted_flag', mail: 'three', say: ['DELE 2', 'QUIT'], settings: 'hidden' },
  {
    why: 'a header without an end, for Outlook Express',
    mail: [HEADER, 'X: y', `${HEADER}\nbody\n`],
    say: ['RETR 1', 'RETR 2', 'RETR 3', 'TOP 1 0', 'QUIT'],
    settings: 'nuls',
  },
]

let [dovecot, postern]: (Started | undefined)[] = []
const roots = new Map<Started, string>()

const filters = Object.values(SETTINGS)
  .filter(([, text]) => text !== '')
  .map(([address, text]) => `remote 127.0.1.${address} {\n  protocol pop3 {\n    ${text}\n  }\n}\n`)
  .join('')

function configuration(root: string, port: (name: string) => number): string {
  return `protocols = pop3
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${root}/%u
mail_max_userip_connections = 100
${loginListeners('pop3', port)}
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${root}/%u
}
${filters}`
}

function mailRoot(dir: string): string {
  const root = join(dir, 'mail')
  mkdirSync(root)
  chmodSync(root, 0o1777)
  return root
}

const skip = skipWithout('dovecot') || skipWithout(dovecotFor('pop3'))
const needsRoot = process.getuid?.() === 0 ? false : 'only root can serve mail of another system user'

describe('the POP3 server beside Dovecot', { skip: skip || needsRoot }, () => {
  before(async () => {
    const config = ({ dir, port }: { dir: string; port: (name: string) => number }): string =>
      configuration(mailRoot(dir), port)
    // One after the other: what started is stopped also when the next does not.
    dovecot = await startDovecot(config)
    postern = await startPostern(config)
    for (const server of [dovecot, postern]) roots.set(server, join(server.dir, 'mail'))
  })
  after(async () => {
    await dovecot?.stop()
    await postern?.stop()
  })

  for (const [index, one] of cases.entries()) {
    test(one.why, async () => {
      const user = `user${index}`
      if (dovecot === undefined || postern === undefined) throw new Error('not started')
      const [theirs, ours] = await Promise.all([play(dovecot, user, one), play(postern, user, one)])
      assert.deepEqual(ours, theirs)
    })
  }

  test('unique ids go with the Maildir to the other server and back', async () => {
    if (dovecot === undefined || postern === undefined) throw new Error('not started')
    const [theirs, ours] = [join(roots.get(dovecot) ?? '', 'handed'), join(roots.get(postern) ?? '', 'handed')]
    writeMaildir(theirs, 'INBOX', FIXTURES.get('three') ?? [])
    execFileSync('chown', ['-R', 'mail:mail', theirs])
    // Kept in the uidlist: they stand above what the format says later.
    const saved = await uidlsOf(dovecot, 'handed', 'saved')
    assert.equal(saved.length, 3)
    execFileSync('cp', ['-a', theirs, ours])
    assert.deepEqual(await uidlsOf(postern, 'handed', 'file'), saved)
    const fresh = join(ours, 'new', '1600000000.M1P1.elsewhere')
    writeFileSync(fresh, `${HEADER}\nnew\n`)
    execFileSync('chown', ['mail:mail', fresh])
    const later = await uidlsOf(postern, 'handed', 'usual')
    assert.deepEqual(later.slice(0, 3), saved)
    assert.match(later[3] ?? '', /^4 00000004[0-9a-f]{8}$/)
    execFileSync('cp', ['-a', ours, `${theirs}2`])
    assert.deepEqual(await uidlsOf(dovecot, 'handed2', 'usual'), later)
  })

  test('unique ids that are saved stand in the uidlist as Dovecot writes them, and it tells them later', async () => {
    if (dovecot === undefined || postern === undefined) throw new Error('not started')
    for (const settings of ['savednames', 'savedxuidl', 'saved'] as const) {
      const maildirOf = (server: Started): string => join(roots.get(server) ?? '', settings)
      const theirs = maildirOf(dovecot)
      const ours = maildirOf(postern)
      const texts = ['X-UIDL: abc\n\nbody\n', 'X-UIDL: abc\n\nother\n', 'Subject: x\n\n']
      writeMaildir(
        theirs,
        'INBOX',
        texts.map((text) => ({ text })),
      )
      execFileSync('chown', ['-R', 'mail:mail', theirs])
      execFileSync('cp', ['-a', theirs, ours])
      const fields = (maildir: string): readonly (string | undefined)[] =>
        readFileSync(join(maildir, 'dovecot-uidlist'), 'latin1')
          .split('\n')
          .slice(1, -1)
          .map((line) => /^\d+ (?:\S+ )*?(P\S*)? ?:/.exec(line)?.[1]?.replace(/\.\d+$/, ''))
      await uidlsOf(dovecot, settings, settings, 'UIDL 2')
      await uidlsOf(postern, settings, settings, 'UIDL 2')
      assert.deepEqual(fields(ours), fields(theirs), `${settings}: one`)
      await uidlsOf(dovecot, settings, settings)
      const told = await uidlsOf(postern, settings, settings)
      assert.deepEqual(fields(ours), fields(theirs), settings)
      assert.ok(fields(ours).every((field) => field !== undefined))
      execFileSync('cp', ['-a', ours, `${theirs}2`])
      assert.deepEqual(await uidlsOf(dovecot, `${settings}2`, 'usual'), told)
    }
  })

  test('a session waits for another one that locks the mailbox, with the OK to its login', async () => {
    const said = await Promise.all(
      [dovecot, postern].map(async (server) => {
        if (server === undefined) throw new Error('not started')
        const connect = async (name: string): ReturnType<typeof connectRaw> => {
          const wire = await connectRaw({ port: server.ports['pop3'] ?? 0, localAddress: '127.0.1.17', name })
          await wire.expect(/^\+OK /)
          wire.send('USER locker')
          await wire.expect(/^\+OK/)
          wire.send('PASS x')
          return wire
        }
        const lines: string[] = []
        const first = await connect('first')
        await first.expect(/^\+OK Logged in/)
        const second = await connect('second')
        const waiting = second.line().then((line) => lines.push(`second: ${line}`))
        const file = join(roots.get(server) ?? '', 'locker', 'dovecot-pop3-session.lock')
        assert.ok(existsSync(file))
        first.send('NOOP')
        lines.push(`first: ${await first.line()}`)
        first.send('QUIT')
        lines.push(`first: ${await first.line()}`)
        await waiting
        second.send('QUIT')
        lines.push(`second: ${await second.line()}`)
        for (const wire of [first, second]) wire.destroy()
        return lines
      }),
    )
    assert.deepEqual(said[1], said[0])
    assert.deepEqual(said[1]?.at(-2), 'second: +OK Logged in.')
  })

  test('without headers of mbox an id is still one of its own, and stays', async () => {
    if (postern === undefined) throw new Error('not started')
    const dir = join(roots.get(postern) ?? '', 'hashed')
    writeMaildir(dir, 'INBOX', FIXTURES.get('three') ?? [])
    execFileSync('chown', ['-R', 'mail:mail', dir])
    const ids = await uidlsOf(postern, 'hashed', 'md5')
    for (const line of ids) assert.match(line, /^\d [0-9a-f]{32}$/)
    assert.equal(new Set(ids.map((line) => line.slice(2))).size, 3)
    assert.deepEqual(await uidlsOf(postern, 'hashed', 'md5'), ids)
  })
})

/** The lines of UIDL. */
async function uidlsOf(
  server: Started,
  user: string,
  settings: keyof typeof SETTINGS,
  command = 'UIDL',
): Promise<readonly string[]> {
  const localAddress = `127.0.1.${SETTINGS[settings][0]}`
  const wire = await connectRaw({ port: server.ports['pop3'] ?? 0, localAddress })
  await wire.expect(/^\+OK /)
  wire.send(`USER ${user}`, 'PASS x', command, 'QUIT')
  const lines = await wire.linesUntil(command === 'UIDL' ? /^\.$/ : /^\+OK \d /)
  await wire.linesUntil(/^\+OK Logging out/)
  wire.destroy()
  return lines.filter((line) => /^\d/.test(line))
}

/** What was said, and the Maildir afterwards. */
async function play(server: Started, user: string, { mail, say, settings = 'usual', drops }: Case): Promise<unknown> {
  const dir = join(roots.get(server) ?? '', user)
  const texts = typeof mail === 'string' ? (FIXTURES.get(mail) ?? []) : mail.map((text) => ({ text }))
  writeMaildir(dir, 'INBOX', texts)
  execFileSync('chown', ['-R', 'mail:mail', dir])
  const from = `127.0.1.${SETTINGS[settings][0]}`
  const wire = await connectRaw({ port: server.ports['pop3'] ?? 0, localAddress: from })
  await wire.expect(/^\+OK /)
  wire.send(`USER ${user}`, 'PASS x')
  await wire.expect('+OK')
  await wire.expect('+OK Logged in.')
  const logged = server.logLines.length
  wire.sendRaw(Buffer.from(say.map((line) => `${line}\r\n`).join(''), 'latin1'))
  // What ends a conversation for both: the mark behind the last answer.
  if (drops === true) await wire.linesUntil(/^\.$/)
  else if (!say.at(-1)?.startsWith('QUIT') && !say.at(-1)?.startsWith('BAD')) wire.send('QUIT')
  if (drops !== true) {
    await wire.linesUntil(/^(\+OK Logging out|-ERR Too many bad)/)
    await wire.expectEnd()
  }
  wire.destroy()
  const line = await server.waitForLog(
    (text) => text.includes(`pop3(${user})`) && text.includes('Disconnected'),
    Math.max(0, logged - 1),
  )
  const uidValidity = /(?<=\b)(?:[0-9a-f]{8}|\d{10})(?=$|\.)/
  return {
    said: wire.received.split('\r\n').map((text) =>
      text
        .replace(
          /^(\+OK \d+ |\d+ )?(\d{0,8}?)([0-9a-f]{16}|\d{10}\.\d+)$/,
          (whole, head: string | undefined, _, id: string) =>
            /^[0-9a-f]{16}$/.test(id)
              ? `${head ?? ''}${id.slice(0, 8)}<validity>`
              : whole.replace(uidValidity, '<validity>'),
        )
        .replace(/ready\.$/, 'ready.')
        .replace(/^\+OK .*ready\.$/, '+OK ready.'),
    ),
    log: line.replace(/^.*Disconnected/, 'Disconnected'),
    mail: [...readdirSync(join(dir, 'cur')), ...readdirSync(join(dir, 'new')).map((name) => `new ${name}`)].toSorted(),
  }
}
