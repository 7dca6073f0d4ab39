import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Started } from '../peers/started.ts'
import { BothServers, deliveryConfig, noDeliveries, sayImap, sayPop } from './both-servers.ts'

/** Every variable of the last lines that the log has of IMAP and POP3 sessions, as Dovecot fills them. */

const IMAP_FORMAT =
  'deleted=%{deleted} expunged=%{expunged} trashed=%{trashed} appended=%{appended} ' +
  'autoexpunged=%{autoexpunged} hdr=%{fetch_hdr_count}/%{fetch_hdr_bytes} body=%{fetch_body_count}/%{fetch_body_bytes} ' +
  'user=%u n=%n d=%d s=%s %{nosuch}'

const POP_FORMAT =
  'top=%t/%p retr=%r/%b del=%d/%m size=%s bytes=%{deleted_bytes} uidl=%u=%{uidl_change} in=%i top=%{top_count}/%{top_bytes} ' +
  'retr=%{retr_count}/%{retr_bytes} n=%{message_count} mb=%{message_bytes} user=%{user} n=%{username} d=%{domain} %{nosuch}'

const MORE = `namespace inbox {
  inbox = yes
  separator = /
  mailbox Trash {
    special_use = \\Trash
    autoexpunge_max_mails = 1
  }
  mailbox Junk {
    special_use = \\Junk
  }
}
protocol imap {
  imap_logout_format = ${IMAP_FORMAT}
}
pop3_uidl_format = %u
protocol pop3 {
  pop3_logout_format = ${POP_FORMAT}
}
`

async function lastLine(server: Started, prefix: string, from: number): Promise<string> {
  const line = await server.waitForLog((text) => text.includes(prefix) && text.includes('Disconnected:'), from)
  return line.slice(line.indexOf('Disconnected:'))
}

const IMAP = [
  ...['Trash', 'Junk', 'Work'].map((name) => `CREATE ${name}`),
  ...['INBOX', 'INBOX', 'INBOX', 'INBOX'].map((name) => `APPEND ${name} 100`),
  'SELECT INBOX',
  'COPY 1 Trash',
  'COPY 2 Junk',
  'COPY 2 Work',
  'MOVE 3 Trash',
  'UID MOVE 4 Junk',
  'STORE 1 +FLAGS (\\Deleted)',
  'STORE 1 +FLAGS (\\Deleted)',
  'STORE 1 -FLAGS (\\Deleted)',
  'STORE 1 FLAGS (\\Deleted \\Seen)',
  'EXPUNGE',
  'APPEND Trash 100',
  'APPEND Trash 100',
  'FETCH 1 BODY.PEEK[HEADER]',
  'FETCH 1 BODY[]',
  'FETCH 1 ENVELOPE',
  'FETCH 1 (BODY[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT)])',
  'SELECT Trash',
  'COPY 1 INBOX',
  'COPY 1 Trash',
  'STORE 1 +FLAGS (\\Deleted)',
  'CLOSE',
  'LOGOUT',
]

const POP: readonly { readonly why: string; readonly lines: readonly string[] }[] = [
  { why: 'unique ids were told', lines: ['UIDL', 'QUIT'] },
  { why: 'one was told, a message goes', lines: ['UIDL 2', 'DELE 1', 'QUIT'] },
  { why: 'no unique ids', lines: ['RETR 1', 'RETR 1', 'TOP 1 1', 'QUIT'] },
  { why: 'the last message goes', lines: ['UIDL', 'DELE 1', 'DELE 2', 'QUIT'] },
  { why: 'nothing is there', lines: ['UIDL', 'QUIT'] },
]

describe('the last line of a session says what Dovecot says', { skip: noDeliveries }, () => {
  const both = new BothServers((place) => deliveryConfig(place, MORE))

  test('IMAP', async () => {
    const [expected, line] = await both.do(async (server) => {
      await sayImap(server, 'joe@example.org', IMAP)
      return await lastLine(server, 'imap(joe@example.org)', 0)
    })
    assert.equal(line, expected)
    assert.match(line, /deleted=3 expunged=2 trashed=3 appended=6 autoexpunged=3 /)
  })

  test('POP3', async () => {
    await both.do((server) => sayImap(server, 'jane', ['APPEND INBOX 100', 'APPEND INBOX 120', 'APPEND INBOX 130']))
    for (const { why, lines } of POP) {
      const [expected, line] = await both.do(async (server) => {
        const from = server.logLines.length
        await sayPop(server, ['USER jane', 'PASS pass', ...lines])
        return await lastLine(server, 'pop3(jane)', from)
      })
      assert.equal(line, expected, why)
    }
  })
})
