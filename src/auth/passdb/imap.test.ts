import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { imapListeners, startDovecot } from '../../../test/peers/dovecot.ts'
import { skipWithout } from '../../../test/peers/peers.ts'
import { makeAuthority, makeCertificate } from '../../../test/support/certificates.ts'
import { freePorts } from '../../../test/support/free-ports.ts'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import type { AuthOutcome } from '../auth.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, testAuthInput, type TestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

const conf = (args: string): string => `auth_verbose = yes
auth_username_chars =
passdb {
  driver = imap
  args = ${args}
  override_fields = host=10.0.0.1
}`

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

interface ImapStub {
  readonly port: number
  readonly users: Map<string, string>
  hangs: boolean
  start(): Promise<void>
  stop(): Promise<void>
}

/** An IMAP server that knows LOGIN with literals only. */
async function startStub(): Promise<ImapStub> {
  let server: Server
  // It keeps its port while it is away.
  const [port = 0] = await freePorts(1)
  const sockets = new Set<Socket>()
  const stub: ImapStub = {
    port,
    users: new Map(TEST_USERS.map(({ name, password }) => [name, password])),
    hangs: false,
    async start() {
      server = createServer((socket) => {
        sockets.add(socket)
        socket.on('error', () => undefined)
        void serve(socket)
      }).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  async function serve(socket: Socket): Promise<void> {
    if (stub.hangs) return
    socket.write('* OK ready\r\n')
    // Everything it gets is text without line breaks, so lines are enough.
    const lines = createInterface({ input: socket })
    const words: string[] = []
    for await (const line of lines) {
      const [, tag = '', command = ''] = /^(p\d+) (\w+)/.exec(line) ?? []
      if (command === 'CAPABILITY') socket.write(`* CAPABILITY IMAP4rev1\r\n${tag} OK\r\n`)
      else if (command === 'LOGIN') {
        words.push(tag)
        socket.write('+ \r\n')
      } else {
        words.push(line.replace(/ \{\d+\}$/, ''))
        if (words.length < 3) socket.write('+ \r\n')
        else
          socket.write(
            stub.users.get(words[1] ?? '') === words[2]
              ? `${words[0]} OK [CAPABILITY X] in\r\n`
              : `${words[0]} NO wrong\r\n`,
          )
      }
    }
  }
  await stub.start()
  return stub
}

passdbSuite({
  name: 'imap',
  async open(cleanup) {
    const stub = await startStub()
    cleanup(() => stub.stop())
    const opened = await openTestAuth({ conf: conf(`host=127.0.0.1 port=${stub.port}`), clock: systemClock })
    return {
      ...opened,
      cannotLookUp: true,
      sharesHost: true,
      // A NUL or line break cannot be in an IMAP argument of this server.
      cannotHold: (name) => /[\0\r\n]/.test(name),
      outage: { begin: () => stub.stop(), end: () => stub.start() },
      hang: { begin: () => (stub.hangs = true), end: () => (stub.hangs = false) },
      changePassword: (name, password) => Promise.resolve(void stub.users.set(name, password)),
    }
  },
})

/** A server that says what it is told to. */
async function scripted(t: TestContext, script: readonly string[]): Promise<TestAuth> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    const rest = [...script]
    socket.write(rest.shift() ?? '')
    socket.on('data', () => socket.write(rest.shift() ?? ''))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const opened = await openTestAuth({ conf: conf(`host=127.0.0.1 port=${(server.address() as AddressInfo).port}`) })
  t.after(async () => {
    await opened.auth.close()
    server.close()
  })
  return opened
}

const capable = '* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\np1 OK done\r\n'
const scripts: readonly (readonly [script: readonly string[], expected: string, why: string])[] = [
  [['* OK hi\r\n', capable, 'p2 OK in\r\n'], 'ok', 'the server takes it'],
  [['* OK hi\r\n', capable, 'p2 NO [AUTHENTICATIONFAILED] no\r\n'], 'failed', 'wrong'],
  [['* OK hi\r\n', capable, 'p2 NO [UNAVAILABLE] later\r\n'], 'temporary', 'its database is down'],
  [['* OK hi\r\n', capable, 'p2 NO [EXPIRED] old\r\n'], 'password-expired', 'expired'],
  [['* OK hi\r\n', capable, 'p2 BAD what\r\n'], 'temporary', 'it does not understand'],
  [['* OK hi\r\n', capable, '+ \r\n'], 'temporary', 'a challenge that nobody expects'],
  [['* OK hi\r\n', '* CAPABILITY LOGINDISABLED\r\np1 OK\r\n'], 'temporary', 'it wants no passwords'],
  [['* PREAUTH hi\r\n'], 'temporary', 'logged in without a password'],
  [['* BYE full\r\n'], 'temporary', 'it is full'],
  [['220 smtp\r\n'], 'temporary', 'no IMAP server'],
  [['* OK hi\r\n', `${'* OK x\r\n'.repeat(200)}`], 'temporary', 'it talks without end'],
  [['x'.repeat(20_000)], 'temporary', 'a line without end'],
]
for (const [script, expected, why] of scripts) {
  test(`a server's answer: ${why}`, async (t) => {
    const db = await scripted(t, script)
    assert.equal(kindOf(await db.login('joe', 'secret')), expected, db.log.join('\n'))
  })
}

for (const [args, complaint] of [
  ['', /Missing host parameter/],
  ['host=a ssl=maybe', /Invalid ssl mode: maybe/],
  ['host=a port=x', /Invalid port: x/],
  ['host=a nonsense=1', /Unknown parameter: nonsense=1/],
] as const) {
  test(`args may not be '${args}'`, async () => {
    const { input } = testAuthInput({ conf: conf(args) })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}

test('a real Dovecot, in clear text, with STARTTLS and with TLS', { skip: skipWithout('dovecot-imapd') }, async (t) => {
  const authority = await makeAuthority()
  const certificate = await makeCertificate(authority)
  const peer = await startDovecot(({ port, dir }) => {
    writeFileSync(join(dir, 'users'), 'joe:{PLAIN}right\n')
    writeFileSync(join(dir, 'cert.pem'), certificate.cert)
    writeFileSync(join(dir, 'key.pem'), certificate.key)
    return `protocols = imap
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
disable_plaintext_auth = no
mail_location = mbox:${dir}/mail
passdb {
  driver = passwd-file
  args = ${dir}/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${dir}
}
${imapListeners(port, true)}`
  })
  t.after(() => peer.stop())
  const files = { '/ca.pem': authority.cert }
  for (const [args, expected] of [
    [`host=127.0.0.1 port=${peer.ports['imap']}`, 'ok'],
    [`host=127.0.0.1 port=${peer.ports['imap']} ssl=starttls ssl_ca_file=/ca.pem`, 'ok'],
    [`host=127.0.0.1 port=${peer.ports['imaps']} ssl=imaps ssl_ca_file=/ca.pem`, 'ok'],
    [`host=127.0.0.1 port=${peer.ports['imaps']} ssl=imaps allow_invalid_cert=yes`, 'ok'],
    [`host=127.0.0.1 port=${peer.ports['imaps']} ssl=imaps`, 'temporary'],
  ] as const) {
    const db = await openTestAuth({ conf: conf(args), files })
    t.after(() => db.auth.close())
    assert.equal(kindOf(await db.login('joe', 'right')), expected, `${args}\n${db.log.join('\n')}`)
    if (expected === 'ok') assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed', args)
  }
})
