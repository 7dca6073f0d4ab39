import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runLda } from '../support/run-lda.ts'
import { runPostern } from '../support/run-postern.ts'
import { userIds } from '../support/user-ids.ts'
import { BothServers, deliveryConfig, noDeliveries } from './both-servers.ts'

/** Settings of deliveries that are not the default, each at an address of its own: replies, files and log lines are Dovecot's. */

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'postern.js')

const FORMAT =
  '[%$|m=%m|s=%s|f=%f|e=%e|p=%p|w=%w|to=%{to_envelope}|sid=%{storage_id}|dt=%{delivery_time}|st=%{session_time}|%{nosuch}]'

const MORE = `listen = 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4
deliver_log_format = ${FORMAT}
local 127.0.0.2 {
  lmtp_hdr_delivery_address = none
  recipient_delimiter = +-
  lmtp_save_to_detail_mailbox = yes
  lda_mailbox_autocreate = yes
  lda_mailbox_autosubscribe = yes
  deliver_log_format = two: %$
  lmtp_add_received_header = no
}
local 127.0.0.3 {
  lmtp_hdr_delivery_address = original
  recipient_delimiter = -
  lmtp_save_to_detail_mailbox = yes
}
local 127.0.0.4 {
  lmtp_hdr_delivery_address = final
  recipient_delimiter =
  deliver_log_format = %80$ %m
}
`

const MESSAGE = 'Subject: hi\nMessage-ID: <m@x>\nFrom: Joe <joe@x.org>\n\nbody\n'

interface Sent {
  readonly host?: string
  readonly from?: string
  readonly to: readonly string[]
  readonly message?: string
}

/** Replies to RCPT and to the message. */
async function send(server: Started, { host = '127.0.0.1', from = 's@x', to, message = MESSAGE }: Sent) {
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0, host, name: 'lmtp' })
  const said: string[] = []
  await wire.line()
  const say = async (line: string, replies = 1): Promise<string> => {
    wire.sendRaw(Buffer.from(`${line}\r\n`, 'latin1'))
    let last = ''
    for (let left = replies; left > 0; left--) {
      const lines = await wire.linesUntil(/^\d\d\d /)
      last = lines.at(-1) ?? ''
      said.push(last.replace(/> [^ :]{22}(:\S+)? Saved/, '> ID$1 Saved'))
    }
    return last
  }
  await say('LHLO client.test')
  await say(`MAIL FROM:<${from}>`)
  let accepted = 0
  for (const path of to) if ((await say(`RCPT TO:${path}`)).startsWith('250')) accepted++
  if (accepted > 0) {
    await say('DATA')
    await say(`${message.replaceAll('\n', '\r\n')}.`, accepted)
  }
  wire.send('QUIT')
  await wire.linesUntil(/^221 /)
  wire.destroy()
  return said.slice(2)
}

const LINE = /(?:lmtp|lda)\(([^)]*)\)<\d+><[^>]*>: (?:Info|Error): (.*)/

/** Lines about deliveries in any order, as recipients are served side by side; without what differs from run to run. */
function deliveries({ logLines }: Pick<Started, 'logLines'>, from: number): readonly string[] {
  return logLines
    .slice(from)
    .map((line) => LINE.exec(line))
    .filter((match) => match !== null && !match[2]?.startsWith('Failed to expand'))
    .map(
      (match) =>
        `${match?.[1]}: ${match?.[2]
          ?.replace(/sid=[^,|]*,/, 'sid=NAME,')
          .replace(/dt=\d+/, 'dt=N')
          .replace(/st=\d+/, 'st=N')}`,
    )
    .sort()
}

/** Every message of everybody, and the subscriptions, in any order: recipients are served side by side. */
function mailOf({ dir }: Started): readonly string[] {
  const found: string[] = []
  for (const name of readdirSync(join(dir, 'mail'), { recursive: true, encoding: 'utf8' }).sort()) {
    const box = name.replace(/\/(new|cur)\/.*/, '')
    if (/\/(new|cur)\/./.test(name)) found.push(`${box}: ${received(readFileSync(join(dir, 'mail', name), 'latin1'))}`)
    else if (name.endsWith('/subscriptions') && existsSync(join(dir, 'mail', name)))
      found.push(
        `${name}: ${readFileSync(join(dir, 'mail', name), 'utf8')
          .split('\n')
          .sort()
          .join('\n')}`,
      )
  }
  return found.sort()
}

function received(text: string): string {
  return text.replace(/\tid \S{22}/, '\tid ID').replace(/; \w{3}, .*/, '; DATE')
}

const HOSTS: readonly (Sent & { readonly why: string })[] = [
  { why: 'as it is by itself', to: ['<a+box@e.org> ORCPT=rfc822;orig+2Bx@y'] },
  { why: 'no detail', to: ['<b-box@e.org>'] },
  { why: 'two at once', to: ['<b@e.org>', '<c@e.org>'] },
  { why: 'nobody sent it', from: '', to: ['<b@e.org>'] },
  ...['127.0.0.2', '127.0.0.3', '127.0.0.4'].flatMap((host) => [
    { why: `${host}: original recipient`, host, to: ['<a+box@e.org> ORCPT=rfc822;orig+2Bx@y'] },
    { why: `${host}: another delimiter`, host, to: ['<b-box@e.org>'] },
    { why: `${host}: both delimiters`, host, to: ['<b-box+x@e.org>', '<c+x-box@e.org>'] },
    { why: `${host}: no such mailbox`, host, to: ['<e-nosuch@e.org>', '<e+neither@e.org>'] },
    { why: `${host}: two at once`, host, to: ['<b-box@e.org>', '<c@e.org>'] },
    { why: `${host}: a detail that is empty`, host, to: ['<d-@e.org>', '<d+@e.org>'] },
    { why: `${host}: levels in a detail`, host, to: ['<d+a.b@e.org>', '<d-INBOX@e.org>', '<d-inbox@e.org>'] },
    { why: `${host}: UTF-7 in a detail`, host, to: ['<d+a&-b@e.org>', '<d-&ANw-x@e.org>'] },
  ]),
]

const HEADERS = [
  '',
  'Message-ID: a b c\n',
  `Message-ID: <${'y'.repeat(300)}@x>\n`,
  'Message-ID: <a b@c>\n',
  'Message-ID: "q"<a@b> <c@d>\n',
  'Message-ID:\n <fold@x>  \n',
  'From: a@b, c@d\n',
  'From: =?utf-8?q?Gr=C3=BC?= <a@b>\n',
  'From: g: a@b;\n',
  'From: nonsense, a@b\n',
  'From: "Joe, X" (comm) <j@x.org>\n',
  'From: a@b\nFrom: c@d\n',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n',
  'Subject: a\n b\n\tc\n',
  `Subject: ${'x'.repeat(81)}\n`,
  `Subject: ${'=C3=BC'.repeat(45).replace(/.{90}/g, '=?utf-8?q?$&?= ')}\n`,
  'Subject: \u0001\u001bx\n',
  'Subject: %s %m\n',
]

describe('deliveries with other settings are those of Dovecot', { skip: noDeliveries }, () => {
  const both = new BothServers((place) =>
    deliveryConfig(place, MORE).replace(
      'driver = static\n  args = uid',
      'driver = static\n  args = allow_all_users=yes uid',
    ),
  )

  async function compare(what: Sent, why: string): Promise<void> {
    const [theirs, ours] = await both.do(async (server) => {
      const from = server.logLines.length
      return { server, from, replies: await send(server, what) }
    })
    // One process of Dovecot has said everything, and this last. Once in a great many runs it loses a line: all others are there by then.
    await theirs.server.waitForLog(/lmtp\(\d+\): Info: Disconnect from /, theirs.from).catch(() => undefined)
    const expected = deliveries(theirs.server, theirs.from)
    // Ours is as far when it has said as much: a process for each owner of mail says what it did.
    if (expected.length > 0) {
      const isDone = (): boolean => deliveries(ours.server, ours.from).length >= expected.length
      await ours.server.waitForLog(isDone, ours.from)
    }
    assert.deepEqual([ours.replies, deliveries(ours.server, ours.from)], [theirs.replies, expected], why)
  }

  test('replies and log lines', async () => {
    for (const { why, ...what } of HOSTS) await compare(what, why)
  })

  test('what the log says of headers', async () => {
    for (const header of HEADERS) await compare({ to: ['<log@e.org>'], message: `${header}X: y\n\nbody\n` }, header)
  })

  test('who a pipe says it is for', async () => {
    const rows: readonly { readonly argv: readonly string[]; readonly header?: string }[] = [
      { argv: [] },
      { argv: ['-a', 'a@x', '-f', '<f@x>'], header: 'X-Orig: h@x' },
      { argv: ['-r', 'r@x'], header: 'X-Orig: Joe <h@x>, <k@x>' },
    ]
    for (const { argv, header } of rows) {
      const [expected, ran] = await both.do(async (server) => {
        const all = [
          '-c',
          join(server.dir, 'dovecot.conf'),
          '-o',
          'lda_original_recipient_header=X-Orig',
          '-d',
          'pipe',
          ...argv,
        ]
        const input = `${header === undefined ? '' : `${header}\n`}${MESSAGE}`
        const { status, err } = both.isDovecot(server)
          ? await runLda(all, input)
          : await runPostern(['deliver', ...all], input)
        // Dovecot's does not know the name of the file, ours does.
        const lines = deliveries({ logLines: err.split('\n') }, 0).map((line) => line.replace(/sid=[^|]*/, ''))
        return [status, lines]
      })
      assert.deepEqual(ran, expected, argv.join(' '))
    }
  })

  test('a user takes his own mail, as mailbox_command has it', async () => {
    const [expected, ran] = await both.do(async (server) => {
      const home = join(server.dir, 'mail/self')
      mkdirSync(home)
      const [uid, gid] = userIds('nobody')
      chownSync(home, uid, gid)
      const program = both.isDovecot(server) ? ['/usr/lib/dovecot/dovecot-lda'] : [process.execPath, ENTRY, 'deliver']
      const rights = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups']
      const argv = [...rights, ...program, '-c', join(server.dir, 'dovecot.conf'), '-o', 'log_path=/dev/null']
      const { status } = spawnSync('/usr/bin/setpriv', argv, {
        env: { USER: 'nobody', HOME: home, PATH: process.env['PATH'] },
        input: `From s@x Sat Nov 21 10:00:00 2026\n${MESSAGE}`,
        timeout: 60_000,
      })
      return await Promise.resolve(status)
    })
    assert.deepEqual([expected, ran], [0, 0])
  })

  test('mail that nobody can open (delivery-streams)', async () => {
    const lines = await both.do(async (server) => {
      mkdirSync(join(server.dir, 'mail/shut@e.org'), { mode: 0 })
      const from = server.logLines.length
      const replies = await send(server, { to: ['<shut@e.org>'] })
      assert.match(replies.at(-1) ?? '', /^451 4\./)
      await server.waitForLog((line) => line.includes('|m='), from)
      rmdirSync(join(server.dir, 'mail/shut@e.org'))
      return deliveries(server, from).find((line) => line.includes('|m=')) ?? ''
    })
    // The message has not come yet.
    assert.match(lines[0], /save failed to .*\|m=<m@x>/)
    assert.match(lines[1], /save failed to .*\|m=unspecified/)
  })

  test('a configuration with errors is no reason to bounce mail', async () => {
    const [expected, ran] = await both.do(async (server) => {
      const file = join(server.dir, 'broken.conf')
      writeFileSync(file, 'nonsense\n')
      const argv = ['-c', file, '-d', 'joe']
      return await (both.isDovecot(server) ? runLda(argv, MESSAGE) : runPostern(['deliver', ...argv], MESSAGE))
    })
    assert.deepEqual([expected.status, ran.status], [75, 75])
  })

  test('files, mailboxes and subscriptions', async () => {
    const [expected, mail] = await both.do(mailOf)
    assert.deepEqual(mail, expected)
  })
})
