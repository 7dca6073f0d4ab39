import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { untilSessions } from '../support/control.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runPostern } from '../support/run-postern.ts'
import type { Wire } from '../support/wire.ts'

/** Mail kept by the server itself: delivered by LMTP, read by IMAP and POP3, each user's with the user's own rights. */

const IS_ROOT = process.getuid?.() === 0
const NEEDS_ROOT = IS_ROOT ? false : 'only root can give processes the rights of others'
/** Accounts need not exist to own files. */
const [JOE, JANE] = IS_ROOT ? [20_001, 20_002] : [process.getuid?.() ?? 0, process.getuid?.() ?? 0]

let server: Started
let homes: string

const open = async (protocol: 'imap' | 'pop3' | 'lmtp'): Promise<Wire> =>
  await connectRaw({ port: server.ports[protocol] ?? 0, name: protocol })

async function imap(user: string): Promise<Wire> {
  const wire = await open('imap')
  await wire.expect(/^\* OK /)
  wire.send(`a LOGIN ${user} pw`)
  await wire.expect(/^a OK .*Logged in$/)
  return wire
}

/** The tagged reply and what came before it. */
async function ask(wire: Wire, command: string): Promise<string[]> {
  wire.send(`t ${command}`)
  return await wire.linesUntil(/^t /)
}

async function deliver(recipients: readonly string[], text: string): Promise<string[]> {
  const wire = await open('lmtp')
  wire.send('LHLO client.example.org', 'MAIL FROM:<sender@example.org>')
  wire.send(...recipients.map((user) => `RCPT TO:<${user}>`), 'DATA')
  await wire.linesUntil(/^354 /)
  wire.send(...text.split('\n'), '.')
  const replies: string[] = []
  for (const _ of recipients) replies.push(await wire.line())
  wire.destroy()
  return replies
}

describe('mail that is kept here', () => {
  before(async () => {
    server = await startPostern(({ dir, port }) => {
      homes = join(dir, 'homes')
      mkdirSync(homes)
      chmodSync(homes, 0o755)
      for (const [name, uid] of [
        ['joe', JOE],
        ['jane', JANE],
      ] as const) {
        mkdirSync(join(homes, name), { mode: 0o700 })
        chownSync(join(homes, name), uid, IS_ROOT ? uid : -1)
      }
      writeFileSync(
        join(dir, 'users'),
        [
          `joe:{PLAIN}pw:${JOE}:${JOE}::${homes}/joe`,
          `jane:{PLAIN}pw:${JANE}:${JANE}::${homes}/jane`,
          `low:{PLAIN}pw:8:8::${homes}/low`,
          `lost:{PLAIN}pw:${JOE}:${JOE}::${homes}/lost::userdb_mail=nosuch:~/mail`,
          `unowned:{PLAIN}pw::::${homes}/unowned`,
        ].join('\n'),
      )
      // The userdb does not know him.
      writeFileSync(join(dir, 'guests'), 'guest:{PLAIN}pw\n')
      return `protocols = imap pop3 lmtp
postern_workers = 2
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
mail_max_userip_connections = 4
passdb {
  driver = passwd-file
  args = ${dir}/users
}
passdb {
  driver = passwd-file
  args = ${dir}/guests
}
userdb {
  driver = passwd-file
  args = ${dir}/users
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${port('pop3')}
  }
  inet_listener pop3s {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${port('lmtp')}
  }
}
`
    })
  })
  after(async () => await server.stop())

  test('LMTP delivers, POP3 and IMAP read it', async () => {
    const replies = await deliver(
      ['joe', 'nobody', 'jane'].filter((user) => user !== 'nobody'),
      'Subject: hello\n\nbody',
    )
    assert.match(replies[0] ?? '', /^250 2\.0\.0 <joe> \S+ Saved$/)
    assert.match(replies[1] ?? '', /^250 2\.0\.0 <jane> \S+ Saved$/)
    await server.waitForLog(/lmtp\(jane\)<\d+><\S+>: Info: msgid=unspecified: saved mail to INBOX$/)

    const pop = await open('pop3')
    await pop.expect(/^\+OK/)
    pop.send('USER joe', 'PASS pw', 'STAT')
    await pop.expect(/^\+OK/)
    await pop.expect('+OK Logged in.')
    await pop.expect(/^\+OK 1 \d+$/)
    pop.send('RETR 1')
    const message = await pop.linesUntil(/^\.$/)
    assert.ok(message.includes('Subject: hello'))
    assert.ok(message.includes('body'))
    pop.send('QUIT')
    await pop.expect('+OK Logging out.')
    await server.waitForLog(
      /pop3\(joe\)<\d+><\S+>: Info: Disconnected: Logged out top=0\/0, retr=1\/\d+, del=0\/1, size=\d+$/,
    )

    const wire = await imap('joe')
    const selected = await ask(wire, 'SELECT INBOX')
    assert.ok(selected.includes('* 1 EXISTS'), selected.join('\n'))
    assert.deepEqual((await ask(wire, 'FETCH 1 FLAGS')).slice(0, 1), ['* 1 FETCH (FLAGS (\\Seen))'])
    wire.send('z LOGOUT')
    await wire.linesUntil(/^z OK/)
    await server.waitForLog(/imap\(joe\)<\d+><\S+>: Info: Disconnected: Logged out in=\d+ out=\d+ deleted=0/)
  })

  test('files belong to the owner of the mail, and nobody else may read them', { skip: NEEDS_ROOT }, async () => {
    await deliver(['joe'], 'Subject: mine\n\nbody')
    const cur = join(homes, 'joe', 'Maildir')
    const files = [...readdirSync(join(cur, 'cur')), ...readdirSync(join(cur, 'new'))]
    assert.ok(files.length > 0)
    for (const path of [cur, join(cur, 'dovecot-uidlist'), join(cur, 'cur')]) {
      const { uid, gid, mode } = statSync(path)
      assert.deepEqual([uid, gid, mode & 0o077], [JOE, JOE, 0], path)
    }
  })

  test('a process has the rights of its user and no way back', { skip: NEEDS_ROOT }, async () => {
    const from = server.logLines.length
    const wire = await imap('jane')
    const line = await server.waitForLog(/imap-login: Info: Login: user=<jane>, .*mpid=\d+/, from)
    const pid = /mpid=(\d+)/.exec(line)?.[1] ?? ''
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const ids = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? ''
    assert.equal(ids('Uid'), Array(4).fill(JANE).join('\t'))
    assert.equal(ids('Gid'), Array(4).fill(JANE).join('\t'))
    assert.equal(ids('Groups'), String(JANE))
    assert.match(ids('CapEff'), /^0+$/)
    wire.destroy()
  })

  test('no name and no link leads into the mail of another', { skip: NEEDS_ROOT }, async () => {
    await deliver(['jane'], 'Subject: secret\n\nbody')
    const mail = join(homes, 'joe', 'Maildir')
    symlinkSync(join(homes, 'jane', 'Maildir'), join(mail, '.stolen'))
    const wire = await imap('joe')
    const names = [
      '../../jane/Maildir',
      '..',
      `${homes}/jane/Maildir`,
      '~jane',
      '~jane/Maildir',
      'a/../../jane',
      'stolen',
      '.stolen',
    ]
    for (const name of names) {
      for (const command of ['SELECT', 'STATUS', 'DELETE', 'CREATE']) {
        const [reply = ''] = (
          await ask(wire, `${command} "${name}"${command === 'STATUS' ? ' (MESSAGES)' : ''}`)
        ).slice(-1)
        const isNew = command === 'CREATE' && reply.startsWith('t OK')
        // The link is joe's own.
        const isOwn = command === 'DELETE' && name.endsWith('stolen')
        assert.ok(/^t (NO|BAD) /.test(reply) || isNew || isOwn, `${command} ${name}: ${reply}`)
        if (isNew) await ask(wire, `DELETE "${name}"`)
      }
    }
    wire.destroy()
    const jane = await imap('jane')
    const status = await ask(jane, 'STATUS INBOX (MESSAGES)')
    assert.match(status[0] ?? '', /\(MESSAGES [1-9]/)
    jane.destroy()
  })

  test('who sees the sessions, kick ends them with a word', async () => {
    await untilSessions(server, 0, 'jane')
    const from = server.logLines.length
    const wire = await imap('jane')
    const config = join(server.dir, 'dovecot.conf')
    const who = await runPostern(['doveadm', '-c', config, 'who', 'jane'])
    assert.match(who.out, /^jane +1 imap/m)
    const kick = await runPostern(['doveadm', '-c', config, 'kick', 'jane'])
    assert.equal(kick.status, 0, kick.err)
    await wire.linesUntil(/^\* BYE /)
    await wire.expectEnd()
    await server.waitForLog(/imap\(jane\)<\d+><\S+>: Info: Disconnected: /, from)
  })

  test('too many sessions of one user are too many', async () => {
    await untilSessions(server, 0, 'jane')
    const wires: Wire[] = []
    for (let count = 0; count < 4; count++) wires.push(await imap('jane'))
    const late = await open('imap')
    await late.expect(/^\* OK/)
    late.send('a LOGIN jane pw')
    await late.expect(
      /^a NO \[LIMIT\] Maximum number of connections from user\+IP exceeded \(mail_max_userip_connections=4\)$/,
    )
    for (const wire of wires) wire.destroy()
    late.destroy()
  })

  test('users whose mail cannot be opened are told to come later, and the log says why', async () => {
    const cases = [
      ['lost', /(imap|pop3)\(lost\).*Unknown mail storage driver nosuch/],
      ['guest', /(auth): Error: passwd-file\(guest,.*: user not found from userdb/],
      ...(IS_ROOT
        ? ([
            ['low', /(imap|pop3)\(low\).*: Mail access for users with UID 8 not permitted/],
            ['unowned', /(imap|pop3)\(unowned\).*: User is missing UID/],
          ] as const)
        : []),
    ] as const
    for (const [user, why] of cases) {
      const wanted = (service: string) => (line: string) => [service, 'auth'].includes(why.exec(line)?.[1] ?? '')
      let logged = server.logLines.length
      const wire = await open('imap')
      await wire.expect(/^\* OK/)
      // The connection has been with the process of the mail's owner meanwhile, where that is another.
      wire.send(`a LOGIN ${user} pw`, 'b NOOP')
      await wire.expect(/^a NO \[UNAVAILABLE\] /)
      await wire.expect(/^b OK /)
      wire.send('c NOOP')
      await wire.expect(/^c OK /)
      await server.waitForLog(wanted('imap'), logged)
      wire.destroy()
      const mailDrop = await open('pop3')
      await mailDrop.expect(/^\+OK/)
      logged = server.logLines.length
      mailDrop.send(`USER ${user}`, 'PASS pw', 'QUIT')
      await mailDrop.expect(/^\+OK/)
      await mailDrop.expect(/^-ERR \[SYS\/TEMP\] /)
      await mailDrop.expect(/^\+OK Logging out$/)
      await server.waitForLog(wanted('pop3'), logged)
      mailDrop.destroy()
    }
  })

  test('when the process of a user dies, only its sessions end, and the next login gets another', {
    skip: NEEDS_ROOT,
  }, async () => {
    await untilSessions(server, 0, 'jane')
    const from = server.logLines.length
    const [joe, jane] = [await imap('joe'), await imap('jane')]
    const line = await server.waitForLog(/imap-login: Info: Login: user=<joe>, .*mpid=\d+/, from)
    process.kill(Number(/mpid=(\d+)/.exec(line)?.[1]), 'SIGKILL')
    await joe.expectEnd()
    // His connection may be closed before those over which others ask that process.
    await server.waitForLog(/mail worker \d+ died: signal SIGKILL/, from)
    assert.match((await ask(jane, 'NOOP')).at(-1) ?? '', /^t OK/)
    const again = await imap('joe')
    assert.match((await ask(again, 'SELECT INBOX')).at(-1) ?? '', /^t OK/)
    for (const wire of [jane, again]) wire.destroy()
  })
})
