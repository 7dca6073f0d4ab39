import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { imapListeners, startDovecot } from '../../test/peers/dovecot.ts'
import { skipWithout } from '../../test/peers/peers.ts'
import { startScriptedBackend } from '../../test/peers/scripted-backend.ts'
import type { Started } from '../../test/peers/started.ts'
import { connectRaw } from '../../test/support/raw-client.ts'
import type { Wire } from '../../test/support/wire.ts'
import { findMechanism } from './index.ts'
import type { SaslClient, SaslClientCredentials } from './mechanism.ts'
import { clientCredentials, FakeAuth, serverIo } from './testing/exchange.ts'

/** Our halves against Dovecot's and curl's, over IMAP. */

const USERS = `joe:{PLAIN}secret
joe@example.com:{PLAIN}secret
digest@example.com:{DIGEST-MD5}5ad5de57a631939a2ee331f206e83ef4
admin:{PLAIN}adminsecret
admin@example.org:{PLAIN}adminsecret
o\\'brien,=@example.org:{PLAIN}p\\ä"=,s s
cram:{CRAM-MD5}ff5d74b19e3cb9b2b9f4fcb548fe023aeb44f67f231a5a89714d08b5fec22b78
scram1:{SCRAM-SHA-1}4096,WK3OZgUlh87xi++e+aocZw==,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,xxn3V18k9OCAQzLPryyetI2ibWw=
scram256:{SCRAM-SHA-256}4096,MRYVgxf4OIly12FTM4C1dg==,WbI+p6LUx1m1KvxEErcUzjcHe97u33Fa/Cm5hspA1Ns=,ryX7xHnsDgTiDqZ/fCVY81MvdR3aLyVXnU1VmxdbkuM=
`

function startImapDovecot(): Promise<Started> {
  return startDovecot(({ dir, port }) => {
    const users = join(dir, 'users')
    writeFileSync(users, USERS)
    chmodSync(users, 0o644)
    const mail = join(dir, 'mail')
    mkdirSync(mail)
    chmodSync(mail, 0o1777)
    return `protocols = imap
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer anonymous
auth_realms = example.org example.com
auth_username_chars =
auth_verbose = yes
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${mail}/%Mu
passdb {
  driver = passwd-file
  master = yes
  args = ${users}
}
passdb {
  driver = passwd-file
  args = ${users}
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${mail}/%Mu
}
${imapListeners(port)}`
  })
}

/** Logs in with a client half; the final reply without its tag. */
async function logIn(wire: Wire, name: string, client: SaslClient, sendsInitial: boolean): Promise<string> {
  let pending = client.initial()
  const initial = sendsInitial && pending !== undefined ? ` ${pending.toString('base64') || '='}` : ''
  if (sendsInitial || client.skipsInitial === true) pending = undefined
  wire.send(`a AUTHENTICATE ${name}${initial}`)
  for (;;) {
    const line = await wire.line()
    if (line.startsWith('a ')) return line.slice(2)
    assert.ok(line.startsWith('+ '), line)
    const answer = pending ?? client.respond(Buffer.from(line.slice(2), 'base64'))
    pending = undefined
    wire.send(answer.toString('base64'))
  }
}

describe('our clients at a Dovecot server', { skip: skipWithout('dovecot-imapd') }, () => {
  let dovecot: Started
  before(async () => {
    dovecot = await startImapDovecot()
  })
  after(() => dovecot.stop())

  async function attempt(
    name: string,
    credentials: SaslClientCredentials,
    sendsInitial = true,
  ): Promise<{ reply: string; client: SaslClient }> {
    const wire = await connectRaw({ port: dovecot.ports.imap ?? 0 })
    try {
      await wire.expect(/^\* OK /)
      const client = findMechanism(name)?.client?.(credentials)
      assert.ok(client)
      const reply = await logIn(wire, name, client, sendsInitial)
      if (reply.startsWith('OK')) client.finish(undefined)
      return { reply, client }
    } finally {
      wire.destroy()
    }
  }

  const wrong = 'NO [AUTHENTICATIONFAILED] Authentication failed.'

  for (const name of ['PLAIN', 'LOGIN', 'CRAM-MD5', 'DIGEST-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256']) {
    // With auth_realms, DIGEST-MD5 gives every name a domain.
    const joe = name === 'DIGEST-MD5' ? 'joe@example.com' : 'joe'

    test(`${name} logs in with and without initial response`, async () => {
      for (const sendsInitial of [true, false]) {
        assert.match((await attempt(name, clientCredentials(joe, 'secret'), sendsInitial)).reply, /^OK .*Logged in$/)
      }
    })

    test(`${name} with a wrong password is refused`, async () => {
      assert.equal((await attempt(name, clientCredentials(joe, 'Secret'))).reply, wrong)
    })

    test(`${name} logs in with a hostile name and password`, async () => {
      const credentials = clientCredentials("o'brien,=@example.org", 'p\\ä"=,s s')
      assert.match((await attempt(name, credentials)).reply, /^OK .*Logged in$/)
    })
  }

  for (const [name, user] of [
    ['CRAM-MD5', 'cram'],
    ['DIGEST-MD5', 'digest@example.com'],
    ['SCRAM-SHA-1', 'scram1'],
    ['SCRAM-SHA-256', 'scram256'],
  ] as const) {
    test(`${name} logs in to an account whose password is stored in its own form`, async () => {
      assert.match((await attempt(name, clientCredentials(user, 'pass'))).reply, /^OK .*Logged in$/)
    })
  }

  for (const [name, admin] of [
    ['PLAIN', 'admin'],
    ['DIGEST-MD5', 'admin@example.org'],
  ] as const) {
    test(`${name} carries a master login`, async () => {
      const credentials = clientCredentials(admin, 'adminsecret', { authzid: 'joe' })
      assert.match((await attempt(name, credentials)).reply, /^OK .*Logged in$/)
      await dovecot.waitForLog(/Login: user=<joe>/)
    })
  }

  test('ANONYMOUS is let in', async () => {
    assert.match((await attempt('ANONYMOUS', clientCredentials('', ''))).reply, /^OK .*Logged in$/)
  })

  for (const [name, detail] of [
    ['XOAUTH2', '{"status":"401","schemes":"bearer","scope":"mail"}'],
    ['OAUTHBEARER', '{"status":"invalid_token"}'],
  ] as const) {
    test(`${name} presents its token, and answers the error challenge`, async () => {
      assert.match((await attempt(name, clientCredentials('joe', 'secret'))).reply, /^OK .*Logged in$/)
      const { reply, client } = await attempt(name, clientCredentials('joe', 'expired'))
      assert.equal(reply, wrong)
      assert.equal(String(client.failureDetail), detail)
    })
  }
})

/** An IMAP server of one command: AUTHENTICATE, with our server halves. */
function serveAuthenticate(auth: FakeAuth) {
  return startScriptedBackend(async (wire) => {
    wire.send(
      '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=DIGEST-MD5 AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=EXTERNAL] ready',
    )
    for (;;) {
      const [tag = '', command = '', name = '', initial] = (await wire.line()).split(' ')
      if (command === 'AUTHENTICATE') await authenticate(wire, tag, name, initial, auth)
      else if (command === 'CAPABILITY')
        wire.send(
          '* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=DIGEST-MD5 AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=EXTERNAL',
          `${tag} OK`,
        )
      else wire.send(`${tag} OK`)
    }
  })
}

async function authenticate(
  wire: Wire,
  tag: string,
  name: string,
  initial: string | undefined,
  auth: FakeAuth,
): Promise<void> {
  const challenge = async (data: Buffer): Promise<Buffer> => {
    wire.send(`+ ${data.toString('base64')}`)
    return Buffer.from(await wire.line(), 'base64')
  }
  const verdict = await findMechanism(name)?.authenticate(
    {
      ...serverIo,
      initial: initial === undefined ? undefined : Buffer.from(initial === '=' ? '' : initial, 'base64'),
      challenge,
      finish: async (data) => void (await challenge(data)),
    },
    auth,
  )
  wire.send(verdict?.ok === true ? `${tag} OK ${verdict.text}` : `${tag} NO ${verdict?.text}`)
}

const noCurl = existsSync('/usr/bin/curl') ? false : 'curl is not installed'

/** curl's exit code and what the server told it last. */
function curl(port: number, name: string, secret: readonly string[]): Promise<{ code: number; log: string }> {
  const args = ['-sv', '--max-time', '20', ...secret, '--login-options', `AUTH=${name}`, `imap://127.0.0.1:${port}`]
  return new Promise((resolve) => {
    execFile('/usr/bin/curl', args, (error, _stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), log: stderr }),
    )
  })
}

describe('curl at our servers', { skip: noCurl }, () => {
  // Not DIGEST-MD5: curl 7.88 does not take algorithm="md5-sess" in quotes, which is how Dovecot writes it.
  for (const name of ['PLAIN', 'LOGIN', 'CRAM-MD5']) {
    test(name, async (t) => {
      const server = await serveAuthenticate(new FakeAuth({ joe: 's"e\\c,ret' }))
      t.after(() => server.close())
      const right = await curl(server.port, name, ['-u', 'joe:s"e\\c,ret'])
      assert.match(right.log, /< A\d+ OK ok joe/)
      const other = await curl(server.port, name, ['-u', 'joe:other'])
      assert.equal(other.code, 67, 'CURLE_LOGIN_DENIED')
      assert.match(other.log, /< A\d+ NO refused joe/)
    })
  }

  for (const name of ['XOAUTH2', 'OAUTHBEARER']) {
    test(name, async (t) => {
      const server = await serveAuthenticate(new FakeAuth({ joe: 'good' }))
      t.after(() => server.close())
      assert.match((await curl(server.port, name, ['-u', 'joe', '--oauth2-bearer', 'good'])).log, /< A\d+ OK ok joe/)
      assert.match(
        (await curl(server.port, name, ['-u', 'joe', '--oauth2-bearer', 'bad'])).log,
        /< A\d+ NO refused joe: wrong token/,
      )
    })
  }
})

describe('a Dovecot proxy at our servers', { skip: skipWithout('dovecot') }, () => {
  for (const [mechanism, fields, expected] of [
    ['PLAIN', 'proxy_mech=PLAIN', 'ok joe'],
    ['PLAIN', 'master=admin pass=adminsecret', 'ok admin for joe'],
    ['LOGIN', 'proxy_mech=LOGIN', 'ok joe'],
    ['XOAUTH2', 'proxy_mech=XOAUTH2', 'ok joe'],
    ['OAUTHBEARER', 'proxy_mech=OAUTHBEARER', 'ok joe'],
  ] as const) {
    test(`${mechanism} with ${fields}`, async (t) => {
      const server = await serveAuthenticate(new FakeAuth({ joe: 'secret', admin: 'adminsecret' }))
      t.after(() => server.close())
      const proxy = await startDovecot(
        ({ port }) => `protocols = imap
disable_plaintext_auth = no
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${server.port} ${fields}
}
${imapListeners(port)}`,
      )
      t.after(() => proxy.stop())
      const wire = await connectRaw({ port: proxy.ports.imap ?? 0 })
      t.after(() => wire.destroy())
      await wire.expect(/^\* OK /)
      wire.send('a LOGIN joe secret')
      assert.match((await wire.linesUntil(/^a /)).at(-1) ?? '', new RegExp(`^a OK .*${expected}$`))
    })
  }
})
