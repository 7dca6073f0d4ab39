import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/config.ts'
import { checkListeners } from './listener-checks.ts'
import { checkMail } from './mail-checks.ts'

const cannot = 'mail of this format cannot be opened here (maildir, imapc can)'
const unopened = 'mail that is served here cannot be opened: namespace configuration error: '

const rows: readonly [text: string, expected: readonly string[], why: string][] = [
  ['', [], 'a proxy has no mail'],
  ['mail_location = maildir:~/Maildir\n', [], 'a Maildir'],
  ['mail_location = ~/Maildir\n', [], 'without a format, the disk decides'],
  [
    'mail_location = mbox:~/mail:INBOX=/var/mail/%u\n',
    [`1: mail_location = mbox:~/mail:INBOX=/var/mail/%u: ${cannot}`],
    'as Debian has it',
  ],
  [
    'mail_location = maildir:~/M\nnamespace inbox {\n  inbox = yes\n  separator = /\n}\nnamespace {\n  type = shared\n  prefix = shared/%%u/\n  separator = /\n  location = sdbox:%%h\n}\n',
    [`-: namespace with prefix 'shared/%%u/': location = sdbox:%%h: ${cannot}`],
    'a shared namespace, which is opened for each owner',
  ],
  [
    'mail_location = maildir:~/M\nnamespace {\n  prefix = a/\n  separator = /\n}\n',
    [`-: ${unopened}inbox=yes namespace missing`],
    'nobody has an INBOX',
  ],
  [
    'mail_location = maildir:~/M:NOSUCH=1\n',
    [
      '-: mail that is served here cannot be opened: Initializing mail storage from mail_location setting failed: Unknown setting: NOSUCH',
    ],
    'a key that is none',
  ],
]

for (const [text, expected, why] of rows) {
  test(`mail that cannot be opened: ${why}`, () => {
    const { config, complaints } = loadConfig({
      path: 'conf',
      files: memoryFiles({ conf: `${text}protocols = imap\n` }),
    })
    assert.ok(config, JSON.stringify(complaints))
    const found = checkMail(config, { protocol: 'imap' }).map(({ text: said, at }) => `${at?.line ?? '-'}: ${said}`)
    assert.deepEqual(found, expected)
  })
}

test('sockets for user lookups are told, those that Dovecot has anyway and those for passwords are not', () => {
  const conf = `protocols = imap
service auth {
  unix_listener auth-userdb {
    mode = 0600
  }
  unix_listener auth-client {
    mode = 0660
  }
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
  unix_listener /var/spool/exim/auth-userdb {
    mode = 0666
  }
  unix_listener off-master {
    mode = 0
  }
  inet_listener {
    port = 12345
  }
  inet_listener auth-master {
    port = 12346
  }
}
`
  const { config } = loadConfig({ path: 'conf', files: memoryFiles({ conf }) })
  assert.ok(config)
  const found = checkListeners(config).filter(({ text }) => text.startsWith('service auth '))
  assert.deepEqual(
    found.map(({ text, at }) => `${at?.line} ${text.slice(0, text.indexOf(' by its name'))}`),
    [
      '12 service auth { unix_listener /var/spool/exim/auth-userdb } is not opened:',
      '21 service auth { inet_listener auth-master } is not opened:',
    ],
  )
})
