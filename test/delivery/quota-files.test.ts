import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Place } from '../peers/config-text.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { runPostern } from '../support/run-postern.ts'
import { runTheirs } from '../support/run-doveadm.ts'
import { userIds } from '../support/user-ids.ts'
import { BothServers, deliveryConfig, noDeliveries, sayImap } from './both-servers.ts'

/** `quota_warning` scripts and `maildirsize` files, beside Dovecot and handed to and fro with it. */

const [uid, gid] = userIds('nobody')

function config(place: Place): string {
  const { dir } = place
  const script = join(dir, 'tell.sh')
  // One write a line, so that scripts that run side by side do not mix theirs.
  writeFileSync(script, `#!/bin/sh\necho "$(id -u) $(pwd | sed 's,.*/,,') $(env | wc -l) $*" >> ${dir}/told\n`)
  chmodSync(script, 0o755)
  writeFileSync(join(dir, 'told'), '')
  chmodSync(join(dir, 'told'), 0o666)
  writeFileSync(
    join(dir, 'users'),
    [
      'joe:::::::',
      'lmtp:::::::',
      'kept:::::::userdb_quota=maildir:User userdb_quota_vsizes=no',
      'flagged:::::::userdb_quota_over_flag=TRUE',
      'unflagged:::::::',
      '',
    ].join('\n'),
  )
  return deliveryConfig(
    place,
    `mail_plugins = quota
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
service quota-warning {
  executable = script ${script} first
  user = nobody
  unix_listener quota-warning {
    user = nobody
    mode = 0666
  }
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:bytes=1000:messages=10
  quota_rule2 = Trash:ignore
  quota_warning = storage=90%% quota-warning 90 %u %d %%u
  quota_warning2 = bytes=500 quota-warning 50 %u
  quota_warning3 = -storage=50%% quota-warning below50 "x  y"
  quota_warning4 = messages=30%% quota-warning m30 %u
  quota_warning5 = -messages=3 quota-warning mbelow3
  quota_over_flag_value = T*
  quota_over_script = quota-warning wrong %u
}
`,
  ).replace(/userdb \{\n {2}driver = static\n.*\n\}\n/, '')
}

/** What scripts said, when they said so much. */
async function told(server: Started, lines: number): Promise<readonly string[]> {
  const path = join(server.dir, 'told')
  for (const late = Date.now() + PATIENCE_MS; Date.now() < late; ) {
    const said = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    if (said.length >= lines)
      return said.map((line) => line.replace(/^\d+ /, 'ID ').replace(/^(ID \w+) \d+/, '$1')).sort()
    await pause(20)
  }
  throw new Error(`scripts said: ${readFileSync(path, 'utf8')}`)
}

function maildirsize(server: Started, user = 'kept'): string {
  return join(server.dir, 'mail', user, 'Maildir/maildirsize')
}

async function deliver(server: Started, user: string, sizeBytes: number): Promise<void> {
  const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0, name: 'lmtp' })
  await wire.line()
  for (const line of ['LHLO x', 'MAIL FROM:<>', `RCPT TO:<${user}>`, 'DATA']) {
    wire.send(line)
    await wire.linesUntil(/^\d\d\d /)
  }
  wire.send('Subject: x', '', 'x'.repeat(sizeBytes), '.')
  await wire.line()
  wire.destroy()
}

const WARNED: readonly { readonly command: string; readonly told?: readonly string[] }[] = [
  { command: 'APPEND INBOX 400' },
  { command: 'APPEND INBOX 300', told: ['50 joe'] },
  { command: 'APPEND INBOX 250', told: ['90 joe %u'] },
  { command: 'SELECT INBOX' },
  { command: 'STORE 2 +FLAGS (\\Deleted)' },
  { command: 'EXPUNGE', told: ['mbelow3'] },
  { command: 'STORE 1 +FLAGS (\\Deleted)' },
  { command: 'EXPUNGE', told: ['below50 "x y"'] },
  { command: 'APPEND INBOX 900' },
  { command: 'CREATE Work' },
  { command: 'COPY 1 Work', told: ['50 joe'] },
  { command: 'MOVE 1 Work', told: ['m30 joe', 'mbelow3'] },
  { command: 'CREATE Trash' },
  { command: 'APPEND Trash 700' },
  { command: 'DELETE Work', told: ['below50 "x y"'] },
]

describe('quotas are kept and told as Dovecot does', { skip: noDeliveries }, () => {
  const both = new BothServers(config)
  let lines = 0

  test('scripts are run when a limit is passed, in either direction', async () => {
    const rows = WARNED.flatMap((row) => row.told ?? [])
    const said = await both.do(async (server) => {
      await sayImap(
        server,
        'joe',
        WARNED.map(({ command }) => command),
      )
      return await told(server, rows.length)
    })
    const expected = rows.map((text) => `ID run first ${text}`)
    lines = expected.length
    assert.deepEqual(said[1], said[0])
    assert.deepEqual(said[1], expected.sort())
  })

  test('a delivery tells too', async () => {
    const said = await both.do(async (server) => {
      for (const size of [450, 450]) await deliver(server, 'lmtp', size)
      return await told(server, lines + 2)
    })
    // The second one finds the quota full by whole kilobytes, and the userdb not knowing.
    lines += 2
    assert.deepEqual(said[1], said[0])
  })

  test('what the userdb believes of a user is compared with what is true', async () => {
    const said = await both.do(async (server) => {
      // Not over quota, and said to be; then over quota, and not said to be.
      await sayImap(server, 'flagged', ['NOOP', 'APPEND INBOX 480'])
      await sayImap(server, 'unflagged', ['APPEND INBOX 480'])
      await sayImap(server, 'unflagged', ['NOOP'])
      return await told(server, lines + 2)
    })
    lines += 2
    assert.deepEqual(said[1], said[0])
    assert.ok(said[1].includes('ID run first wrong flagged TRUE'))
  })

  test('maildirsize is written as Dovecot writes it', async () => {
    const commands = [
      'APPEND INBOX 300',
      'APPEND INBOX 202',
      'CREATE Work',
      'SELECT INBOX',
      'COPY 1 Work',
      'MOVE 2 Work',
      'CREATE Trash',
      'COPY 1 Trash',
      'STORE 1 +FLAGS.SILENT (\\Deleted)',
      'CLOSE',
      'GETQUOTAROOT INBOX',
    ]
    const kept = await both.do(async (server) => {
      const said = await sayImap(server, 'kept', commands)
      return [said.filter((line) => line.startsWith('* QUOTA ')), readFileSync(maildirsize(server), 'latin1')]
    })
    assert.deepEqual(kept[1], kept[0])
    const deleted = await both.do(async (server) => {
      await sayImap(server, 'kept', ['DELETE Work'])
      await deliver(server, 'kept', 50)
      return readFileSync(maildirsize(server), 'latin1').replace(/\d+ 1\n$/, 'N 1\n')
    })
    assert.equal(deleted[1], deleted[0])
  })

  test('a file of the other server is gone on with, and counted anew when it should be', async () => {
    const files: readonly { readonly why: string; readonly text: string; readonly ageS?: number }[] = [
      { why: 'to be believed', text: '1000S,10C\n100 1\n200 2\n' },
      { why: 'of other limits', text: '1400S\n100 1\n' },
      { why: 'full, of two lines', text: '1000S,10C\n700 1\n700 1\n' },
      { why: 'full, counted lately', text: '1000S,10C\n1700 1\n' },
      { why: 'full, counted long ago', text: '1000S,10C\n1700 1\n', ageS: 1200 },
      { why: 'too long', text: `1000S,10C\n${'1 0\n'.repeat(1300)}` },
      { why: 'broken', text: '1000S,10C\nabc\n' },
    ]
    for (const { why, text, ageS = 0 } of files) {
      const [theirs, ours] = await both.do(async (server) => {
        writeFileSync(maildirsize(server), text)
        chownSync(maildirsize(server), uid, gid)
        const when = Date.now() / 1000 - ageS
        utimesSync(maildirsize(server), when, when)
        const said = await sayImap(server, 'kept', ['GETQUOTAROOT INBOX'])
        return [
          said.filter((line) => line.startsWith('* QUOTA ')),
          sameHeader(readFileSync(maildirsize(server), 'latin1')),
        ]
      })
      assert.deepEqual(ours, theirs, why)
    }
  })

  test('doveadm counts anew, the file is made when it is missing', async () => {
    const files = await both.do(async (server) => {
      rmSync(maildirsize(server))
      const argv = ['quota', 'recalc', '-u', 'kept']
      const { status, err } = both.isDovecot(server)
        ? await runTheirs(server.dir, argv)
        : await runPostern(['doveadm', '-c', join(server.dir, 'dovecot.conf'), ...argv])
      assert.deepEqual([status, err], [0, ''])
      return [existsSync(maildirsize(server)), sameHeader(readFileSync(maildirsize(server), 'latin1'))]
    })
    assert.deepEqual(files[1], files[0])
  })
})

/** LMTP puts other header fields into a message, of which one names the process. */
function sameHeader(text: string): string {
  return text.replace(/^(1000S,10C\n)\d{3} (\d+\n)$/, '$1N $2')
}
