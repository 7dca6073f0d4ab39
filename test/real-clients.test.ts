import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { ImapFlow } from 'imapflow'
import { startDovecotBackend } from './peers/dovecot-backend.ts'
import { skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import type { Started } from './peers/started.ts'
import { makeAuthority, makeCertificate } from './support/certificates.ts'

/** Real clients through Postern, with a SQL table of users, to a real Dovecot that has their mail. */

const skip = skipWithout('dovecot-imapd')
const run = promisify(execFile)
const MESSAGE = 'From: joe@example.org\r\nTo: alice@example.org\r\nSubject: through the proxy\r\n\r\nHello.\r\n'

let backend: Started | undefined
let proxy: Started | undefined

before(async () => {
  if (skip !== false) return
  backend = await startDovecotBackend()
  const { cert, key } = await makeCertificate(await makeAuthority(), { commonName: 'localhost' })
  const backendPort = backend.ports['imap'] ?? 0
  proxy = await startPostern(({ dir, port }) => {
    writeFileSync(join(dir, 'cert.pem'), cert)
    writeFileSync(join(dir, 'key.pem'), key)
    writeUsers(join(dir, 'users.sqlite'), backendPort)
    writeFileSync(
      join(dir, 'sql.conf.ext'),
      `driver = sqlite
connect = ${dir}/users.sqlite
password_query = SELECT user, password, 'Y' AS proxy, host, port FROM users WHERE user = '%u'
`,
    )
    return `protocols = imap
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5 scram-sha-256
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = ${port('imaps')}
    ssl = yes
  }
}
passdb {
  driver = sql
  args = ${dir}/sql.conf.ext
}
`
  })
})

after(async () => {
  await proxy?.stop()
  await backend?.stop()
})

function writeUsers(path: string, port: number): void {
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE users (user TEXT PRIMARY KEY, password TEXT, host TEXT, port INTEGER)')
  const insert = database.prepare('INSERT INTO users VALUES (?, ?, ?, ?)')
  for (const user of ['alice@example.org', 'bob@example.org']) insert.run(user, '{PLAIN}postern', '127.0.0.1', port)
  database.close()
}

function portOf(name: string): number {
  return proxy?.ports[name] ?? 0
}

function openImapFlow(secure: boolean, user: string): ImapFlow {
  return new ImapFlow({
    host: 'localhost',
    port: portOf(secure ? 'imaps' : 'imap'),
    secure,
    auth: { user, pass: 'postern' },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
}

for (const secure of [false, true]) {
  test(`imapflow appends and reads a message over ${secure ? 'implicit TLS' : 'STARTTLS'}`, { skip }, async () => {
    const client = openImapFlow(secure, 'alice@example.org')
    await client.connect()
    try {
      await client.append('INBOX', MESSAGE, ['\\Seen'])
      const lock = await client.getMailboxLock('INBOX')
      try {
        const message = await client.fetchOne('*', { envelope: true, source: true })
        assert.ok(message !== false && message !== undefined)
        assert.equal(message.envelope?.subject, 'through the proxy')
        assert.equal(message.source?.toString('latin1'), MESSAGE)
      } finally {
        lock.release()
      }
    } finally {
      await client.logout()
    }
  })
}

test('imapflow is told about a wrong password', { skip }, async () => {
  const client = new ImapFlow({
    host: 'localhost',
    port: portOf('imap'),
    secure: false,
    auth: { user: 'alice@example.org', pass: 'wrong' },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  await assert.rejects(client.connect(), (error: Error & { serverResponseCode?: string }) => {
    return error.serverResponseCode === 'AUTHENTICATIONFAILED'
  })
})

test('curl reads mailboxes with STARTTLS and with implicit TLS', { skip: skip || curlMissing() }, async () => {
  for (const url of [`imap://127.0.0.1:${portOf('imap')}/`, `imaps://127.0.0.1:${portOf('imaps')}/`]) {
    const { stdout } = await run('curl', [
      '-sS',
      '-k',
      '--ssl-reqd',
      '--login-options',
      'AUTH=PLAIN',
      '-m',
      '60',
      '-u',
      'bob@example.org:postern',
      url,
    ])
    assert.match(stdout, /LIST .* INBOX/)
  }
})

test('curl logs in with a mechanism that never shows the password only where the backend can follow', {
  skip: skip || curlMissing(),
}, async () => {
  const url = `imaps://127.0.0.1:${portOf('imaps')}/`
  // CRAM-MD5 proves the password without telling it: there is nothing to forward, and the row has no "pass".
  const failed = await run('curl', [
    '-sS',
    '-k',
    '-m',
    '60',
    '--login-options',
    'AUTH=CRAM-MD5',
    '-u',
    'bob@example.org:postern',
    url,
  ]).catch((error: unknown) => error)
  assert.ok(failed instanceof Error)
  await proxy?.waitForLog(/proxy\(bob@example\.org\): password not given/)
})

function curlMissing(): false | string {
  return existsSync('/usr/bin/curl') ? false : 'curl is not installed (Debian: apt-get install curl)'
}
