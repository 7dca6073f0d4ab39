import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createTransport } from 'nodemailer'
import type { Place } from './peers/config-text.ts'
import { loginListeners } from './peers/dovecot.ts'
import { startDovecotBackend } from './peers/dovecot-backend.ts'
import { type MailRelay, startMailRelay } from './peers/mail-relay.ts'
import { type Peer, skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import { startPostfix } from './peers/postfix.ts'
import type { Started } from './peers/started.ts'
import { makeAuthority, makeCertificate } from './support/certificates.ts'
import { PATIENCE_MS } from './support/deadline.ts'
import { userIds } from './support/user-ids.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

/** The clients and servers that people run, through Postern, in front of one Dovecot with everything. */

const DOVECOTS = ['dovecot-imapd', 'dovecot-pop3d', 'dovecot-submissiond', 'dovecot-managesieved'] as const
const PROTOCOLS = ['imap', 'pop3', 'submission', 'sieve'] as const
const ALICE = 'alice@example.org'
const BOB = 'bob@example.org'
const run = promisify(execFile)

let dir = ''
let relay: MailRelay | undefined
let backend: Started | undefined
let proxy: Started | undefined

function skip(...clients: readonly Peer[]): false | string {
  return [...DOVECOTS, ...clients].map(skipWithout).find((reason) => reason !== false) ?? false
}

before(async () => {
  if (skip() !== false) return
  dir = makeTempDir('clients')
  relay = await startMailRelay()
  const relayPort = relay.port
  backend = await startDovecotBackend(
    (place) => `protocols = imap pop3 submission sieve lmtp
submission_relay_host = 127.0.0.1
submission_relay_port = ${relayPort}
postmaster_address = postmaster@example.org
${lmtpListener(place)}`,
  )
  const { cert, key } = await makeCertificate(await makeAuthority(), { commonName: 'localhost' })
  proxy = await startPostern((place) => proxyConfig(place, backend?.ports ?? {}, cert, key))
})

after(async () => {
  await proxy?.stop()
  await backend?.stop()
  await relay?.close()
  if (dir !== '') removeTempDir(dir)
})

function lmtpListener({ port }: Place): string {
  return `service lmtp {\n  inet_listener lmtp {\n    port = ${port('lmtp')}\n  }\n}\n`
}

function proxyConfig(place: Place, backends: Readonly<Record<string, number>>, cert: string, key: string): string {
  writeFileSync(join(place.dir, 'cert.pem'), cert)
  writeFileSync(join(place.dir, 'key.pem'), key)
  const block = (protocol: string): string => {
    const file = join(place.dir, `users-${protocol}`)
    const rows = [ALICE, BOB].map(
      (user) => `${user}:{PLAIN}postern::::::proxy host=127.0.0.1 port=${backends[protocol]}\n`,
    )
    writeFileSync(file, rows.join(''))
    return `protocol ${protocol} {\n  passdb {\n    driver = passwd-file\n    args = ${file}\n  }\n}\n`
  }
  return `protocols = ${PROTOCOLS.join(' ')} lmtp
ssl = yes
ssl_cert = <${place.dir}/cert.pem
ssl_key = <${place.dir}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
lmtp_proxy = yes
${PROTOCOLS.map((protocol) => block(protocol) + loginListeners(protocol, place.port, true)).join('')}
${block('lmtp')}${lmtpListener(place)}
passdb {\n  driver = static\n  args = password=none\n}
userdb {\n  driver = passwd-file\n  args = ${file('nobody-lives-here', '')}\n}
`
}

function portOf(name: string): number {
  return proxy?.ports[name] ?? 0
}

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

async function eventually(holds: () => boolean | Promise<boolean>, complaint: () => string): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    assert.ok(performance.now() < latest, complaint())
    await pause(50)
  }
}

function swaks(
  protocol: string,
  port: number,
  to: string,
  subject: string,
  ...args: string[]
): Promise<{ stdout: string }> {
  const mail = ['--from', BOB, '--to', to, '--h-Subject', subject, '--body', 'Hello.']
  return run('swaks', [
    '--server',
    `127.0.0.1:${port}`,
    '--helo',
    'client.test',
    '--protocol',
    protocol,
    '--timeout',
    '60',
    ...mail,
    ...args,
  ])
}

test('swaks delivers by LMTP, and fetchmail and getmail fetch it over POP3 and IMAP with TLS', {
  skip: skip('swaks', 'fetchmail', 'getmail'),
}, async (t) => {
  const { stdout } = await swaks('LMTP', portOf('lmtp'), ALICE, 'mail 1')
  assert.match(stdout, new RegExp(`<- +250 2\\.0\\.0 <${ALICE}> \\S+ Saved`))
  const lmtp = createTransport({ host: '127.0.0.1', port: portOf('lmtp'), lmtp: true, ignoreTLS: true })
  t.after(() => lmtp.close())
  for (const subject of ['mail 2', 'mail 3', 'mail 4'])
    await lmtp.sendMail({ from: BOB, to: ALICE, subject, text: 'Hello.' })
  // Each takes one away.
  for (const [protocol, port] of [
    ['POP3', portOf('pop3')],
    ['IMAP', portOf('imap')],
  ] as const) {
    await t.test(`fetchmail, ${protocol} with STARTTLS`, async () => {
      const mbox = join(dir, `fetched-${protocol}`)
      const rc = file(
        `fetchmailrc-${protocol}`,
        `poll localhost service ${port} protocol ${protocol} timeout 60 user "${ALICE}" password "postern"
sslproto TLS1.2+ no sslcertck no keep fetchlimit 1 mda "cat >> ${mbox}"\n`,
      )
      const home = { ...process.env, FETCHMAILHOME: dir, HOME: dir }
      // Root's has one place for all, and refuses to run twice: others may test with it.
      const files = ['--idfile', join(dir, 'ids'), '--pidfile', join(dir, 'fetchmail.pid')]
      const fetched = run('fetchmail', ['-f', rc, '--nosyslog', ...files], { env: home })
      // 13: there is more than it was to fetch.
      await assert.rejects(fetched, { code: 13 })
      assert.match(readFileSync(mbox, 'latin1'), /^Subject: mail [12]\r?$/m)
    })
  }
  for (const [protocol, port] of [
    ['POP3', portOf('pop3s')],
    ['IMAP', portOf('imaps')],
  ] as const) {
    await t.test(`getmail, ${protocol} with TLS from the first byte`, async () => {
      const home = join(dir, `getmail-${protocol}`)
      mkdirSync(home)
      const mbox = join(home, 'mbox')
      writeFileSync(mbox, '')
      writeFileSync(
        join(home, 'rc'),
        `[retriever]\ntype = Simple${protocol}SSLRetriever\nserver = localhost\nport = ${port}\nusername = ${ALICE}\npassword = postern
timeout = 20
[destination]\ntype = Mboxrd\npath = ${mbox}\n[options]\ndelete = true\nmax_messages_per_session = 1\nverbose = 0\n`,
      )
      // It delivers nothing as root.
      const [uid, gid] = userIds('mail')
      for (const path of [home, mbox]) chownSync(path, uid, gid)
      const env = { ...process.env, HOME: home }
      await run('getmail', ['--getmaildir', home, '--rcfile', 'rc'], { uid, gid, env }).catch((error: Error) => {
        // It misses the end of its own child when that is done before it waits. What the child wrote is there.
        if (!/waiting child pid \d+ timed out/.test(error.message)) throw error
        t.diagnostic(error.message)
      })
      assert.match(readFileSync(mbox, 'latin1'), /^Subject: mail [34]\r?$/m)
    })
  }
})

test('swaks and curl submit mail, over STARTTLS and TLS from the first byte', {
  skip: skip('swaks', 'curl'),
}, async () => {
  const login = ['--auth', 'PLAIN', '--auth-user', ALICE, '--auth-password', 'postern']
  const { stdout } = await swaks('ESMTP', portOf('submission'), BOB, 'by swaks', '--tls', ...login)
  assert.match(stdout, /<~ +235 2\.7\.0 Logged in\./)
  const mail = file('mail', `From: ${ALICE}\r\nTo: ${BOB}\r\nSubject: by curl\r\n\r\nHello.\r\n`)
  const envelope = ['--mail-from', ALICE, '--mail-rcpt', BOB, '-T', mail, '-u', `${ALICE}:postern`]
  await run('curl', ['-sSk', '-m', '60', `smtps://127.0.0.1:${portOf('submissions')}/client.test`, ...envelope])
  const subjects = relay?.messages.flatMap((message) => /^Subject: (.*)$/m.exec(message)?.[1] ?? [])
  assert.deepEqual(subjects?.map((subject) => subject.trim()).toSorted(), ['by curl', 'by swaks'])
})

test('curl reads mail over POP3 with STLS, and is told about a wrong password', {
  skip: skip('curl', 'swaks'),
}, async () => {
  await swaks('LMTP', portOf('lmtp'), BOB, 'for curl')
  const get = (password: string): Promise<{ stdout: string }> =>
    run('curl', ['-sSk', '--ssl-reqd', '-m', '60', '-u', `${BOB}:${password}`, `pop3://127.0.0.1:${portOf('pop3')}/1`])
  assert.match((await get('postern')).stdout, /^Subject: for curl\r?$/m)
  await assert.rejects(get('wrong'), /curl: \(67\)/)
})

test('sieve-connect uploads, activates and lists a script', { skip: skip('sieve-connect') }, async () => {
  const script = file('vacation.sieve', 'keep;\n')
  const connect = async (...args: string[]): Promise<string> => {
    const server = ['--server', 'localhost', '--port', String(portOf('sieve')), '--user', ALICE, '--notlsverify']
    const child = run('sieve-connect', [...server, '--passwordfd', '0', ...args], { timeout: PATIENCE_MS })
    child.child.stdin?.end('postern\n')
    const { stdout, stderr } = await child
    return stdout + stderr
  }
  await connect('--upload', '--localsieve', script, '--remotesieve', 'mine')
  await connect('--activate', '--remotesieve', 'mine')
  assert.match(await connect('--list'), /"?mine"? ACTIVE/)
})

test('Postfix delivers twenty messages by LMTP, and returns the one for nobody', {
  skip: skip('postfix'),
}, async (t) => {
  const postfix = await startPostfix(portOf('lmtp'))
  t.after(() => postfix.stop())
  const client = createTransport({ host: '127.0.0.1', port: postfix.ports['smtp'] ?? 0, ignoreTLS: true })
  for (let number = 1; number <= 20; number++) {
    await client.sendMail({ from: ALICE, to: [BOB, ALICE], subject: `by Postfix ${number}`, text: 'Hello.' })
  }
  await client.sendMail({ from: ALICE, to: 'nobody@example.org', subject: 'for nobody', text: 'Hello.' })
  client.close()
  const log = (): string => readFileSync(join(postfix.dir, 'maillog'), 'utf8')
  const sent = (): number => log().match(/status=sent \(250 2\.0\.0 <\S+> \S+ Saved\)/g)?.length ?? 0
  // Forty, and the notice to alice.
  await eventually(() => sent() >= 41, log)
  assert.match(
    log(),
    /to=<nobody@example\.org>.*dsn=5\.1\.1, status=bounced \(.*User doesn't exist: nobody@example\.org/,
  )
  assert.doesNotMatch(log(), /status=deferred|fatal|panic/)
})
