import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import Pop3Command from 'node-pop3'
import { createTransport } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport'
import type { Place } from './peers/config-text.ts'
import { startCyrus } from './peers/cyrus.ts'
import { loginListeners } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import type { Started } from './peers/started.ts'
import { connectRaw } from './support/raw-client.ts'

/** Cyrus IMAP behind Postern: a backend that knows nothing of Dovecot's ID, XCLIENT and greetings. */

const skip = skipWithout('cyrus')
const PROTOCOLS = ['imap', 'pop3', 'sieve'] as const

let cyrus: Started | undefined
let proxy: Started | undefined

before(async () => {
  if (skip !== false) return
  cyrus = await startCyrus()
  const backends = cyrus.ports
  proxy = await startPostern((place) => proxyConfig(place, backends))
})

after(async () => {
  await proxy?.stop()
  await cyrus?.stop()
})

function proxyConfig(place: Place, backends: Readonly<Record<string, number>>): string {
  const block = (protocol: string): string => {
    const to = `proxy host=127.0.0.1 port=${backends[protocol]}`
    const path = join(place.dir, `users-${protocol}`)
    const master = `master=admin pass=adminsecret`
    writeFileSync(
      path,
      `joe:{PLAIN}secret::::::${to}\njane:{PLAIN}qu"ote::::::${to}\nfriend:{PLAIN}own::::::${to} destuser=joe ${master}\nghost:::::::${to} destuser=no*body\n`,
    )
    return `protocol ${protocol} {\n  passdb {\n    driver = passwd-file\n    args = username_format=%n ${path}\n  }\n}\n`
  }
  return `protocols = ${PROTOCOLS.join(' ')} lmtp
disable_plaintext_auth = no
auth_verbose = yes
lmtp_proxy = yes
${PROTOCOLS.map((protocol) => block(protocol) + loginListeners(protocol, place.port)).join('')}
${block('lmtp')}
service lmtp {\n  inet_listener lmtp {\n    port = ${place.port('lmtp')}\n  }\n}
passdb {\n  driver = static\n  args = password=none\n}
`
}

function portOf(name: string): number {
  return proxy?.ports[name] ?? 0
}

async function deliver(subject: string, to: string | string[]): Promise<SMTPTransport.SentMessageInfo> {
  const lmtp = createTransport({ host: '127.0.0.1', port: portOf('lmtp'), lmtp: true, ignoreTLS: true })
  try {
    return await lmtp.sendMail({ from: 'joe@example.org', to, subject, text: 'Hello.' })
  } finally {
    lmtp.close()
  }
}

test('mail that came by LMTP is read over IMAP, by its owner and through a master user', { skip }, async () => {
  await deliver('for joe', ['joe@localhost', 'jane@localhost'])
  for (const [user, pass] of [
    ['joe', 'secret'],
    ['jane', 'qu"ote'],
    ['friend', 'own'],
  ] as const) {
    const auth = { user, pass }
    const client = new ImapFlow({ host: '127.0.0.1', port: portOf('imap'), secure: false, auth, logger: false })
    await client.connect()
    const lock = await client.getMailboxLock('INBOX')
    const message = await client.fetchOne('*', { envelope: true })
    assert.equal(message !== false && message?.envelope?.subject, 'for joe', user)
    lock.release()
    await client.logout()
  }
})

test('a refusal of Cyrus reaches an IMAP client as Dovecot would tell it, and the client may go on', {
  skip,
}, async (t) => {
  const client = await connectRaw({ port: portOf('imap') })
  t.after(() => client.destroy())
  await client.expect(/^\* OK /)
  client.send('a LOGIN joe wrong', 'b LOGIN joe secret')
  await client.expect('a NO [AUTHENTICATIONFAILED] Authentication failed.')
  await client.expect(/^b OK \[CAPABILITY IMAP4rev1 [^\]]*OBJECTID[^\]]*\] User logged in/)
  client.send('c SELECT INBOX')
  assert.match((await client.linesUntil(/^c /)).at(-1) ?? '', /^c OK \[READ-WRITE\]/)
})

test('mail is read over POP3', { skip }, async () => {
  await deliver('by POP3', 'joe@localhost')
  for (const [user, password] of [
    ['joe', 'secret'],
    ['friend', 'own'],
  ] as const) {
    const client = new Pop3Command({ user, password, host: '127.0.0.1', port: portOf('pop3') })
    const list = await client.UIDL()
    assert.ok(list.length > 0)
    assert.match(await client.RETR(list.length), /^Subject: by POP3\r?$/m)
    await client.QUIT()
  }
})

test('a recipient whom Cyrus refuses is refused in its words, and the other gets the mail', { skip }, async () => {
  const { accepted, rejectedErrors } = await deliver('for one', ['joe@localhost', 'ghost@localhost'])
  assert.deepEqual(accepted, ['joe@localhost'])
  assert.match(rejectedErrors?.[0]?.message ?? '', /451 4\.3\.0 <ghost@localhost> Invalid mailbox name/)
})

test('a Sieve script is uploaded and listed', { skip }, async (t) => {
  const client = await connectRaw({ port: portOf('sieve') })
  t.after(() => client.destroy())
  await client.linesUntil(/^OK /)
  client.send(`AUTHENTICATE "PLAIN" "${Buffer.from('\0joe\0secret').toString('base64')}"`)
  await client.expect(/^OK/)
  client.send('PUTSCRIPT "mine" {5+}', 'keep;', 'LISTSCRIPTS')
  await client.linesUntil(/^OK/)
  assert.deepEqual((await client.linesUntil(/^OK/)).slice(0, -1), ['"mine"'])
})
