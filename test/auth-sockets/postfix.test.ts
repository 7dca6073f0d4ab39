import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { findMechanism } from '../../src/sasl/index.ts'
import type { SaslClient } from '../../src/sasl/mechanism.ts'
import { Secret } from '../../src/util/secret.ts'
import type { ConfigText } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { makeAuthFiles } from './auth-files.ts'
import { startPostern } from '../peers/postern.ts'
import { startPostfix } from '../peers/postfix.ts'
import type { Started } from '../peers/started.ts'
import { eventually } from '../support/control.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectAuth, readHandshake } from './play.ts'
import type { Wire } from '../support/wire.ts'

/** A real Postfix with `smtpd_sasl_type = dovecot` asks Postern, and Dovecot beside it: its clients hear the same. */

const USERS = `joe:{PLAIN}pass::::::
jane:{PLAIN}pass:::::: user=janet@example.org
nolo:{PLAIN}pass:::::: nologin reason=Later
prox:{PLAIN}pass:::::: proxy host=192.0.2.1
nets:{PLAIN}pass:::::: allow_nets=127.0.0.1
far:{PLAIN}pass:::::: allow_nets=192.0.2.0/24
`

/** `mail` is another name for joe, for Postfix alone. */
const config: ConfigText = ({ dir }) => {
  const file = makeAuthFiles(dir)
  return `protocols =
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-256 anonymous
auth_verbose = yes
service auth {
  unix_listener ${dir}/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
passdb {
  driver = passwd-file
  args = ${file('users', USERS)}
}
protocol smtp {
  passdb {
    driver = passwd-file
    args = ${file('mailers', 'mail:{PLAIN}pass:::::: user=joe\n')}
  }
}
`
}

const SASL = `smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_auth_rate_limit = 0
smtpd_error_sleep_time = 0
`
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const skipPostfix = skipWithout('postfix')
const SIDES = [
  { side: 'dovecot', start: startDovecot, skip: skipPostfix === false ? skipWithout('dovecot') : skipPostfix },
  { side: 'postern', start: startPostern, skip: skipPostfix },
] as const

for (const { side, start, skip } of SIDES) {
  // Dovecot tells failures twice a second.
  describe(`Postfix with ${side}`, { skip, concurrency: 8 }, () => {
    let server: Started
    let postfix: Started
    let socket: string

    before(async () => {
      server = await start(config)
      socket = join(server.dir, 'private', 'auth')
      postfix = await startPostfix(1, { settings: `${SASL}smtpd_sasl_path = ${socket}\n`, services: '' })
    })
    after(async () => {
      await postfix.stop()
      await server.stop()
    })

    async function greeted(t: TestContext): Promise<{ client: Wire; offered: readonly string[] }> {
      const client = await connectRaw({ port: postfix.ports['smtp'] ?? 0 })
      t.after(() => client.destroy())
      await client.expect(/^220 /)
      client.send('EHLO client.test')
      return { client, offered: await client.linesUntil(/^250 /) }
    }

    async function mayRelay(client: Wire): Promise<void> {
      client.send('MAIL FROM:<joe@example.org>', 'RCPT TO:<alice@example.org>', 'QUIT')
      await client.expect('250 2.1.0 Ok')
      await client.expect('250 2.1.5 Ok')
      await client.expect('221 2.0.0 Bye')
    }

    async function saslName(method: string, name: string): Promise<void> {
      const log = join(postfix.dir, 'maillog')
      const wanted = `sasl_method=${method}, sasl_username=${name}`
      const isThere = (): boolean => readFileSync(log, 'latin1').includes(wanted)
      await eventually(`${wanted} in ${log}`, isThere)
    }

    test('it offers what the auth service has, without ANONYMOUS', async (t) => {
      const { offered } = await greeted(t)
      assert.ok(offered.includes('250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-256'), offered.join('\n'))
    })

    test('PLAIN, and then mail may go', async (t) => {
      const { client } = await greeted(t)
      client.send('MAIL FROM:<joe@example.org>', 'RCPT TO:<alice@example.org>', 'RSET')
      await client.expect('250 2.1.0 Ok')
      await client.expect('554 5.7.1 <alice@example.org>: Recipient address rejected: Access denied')
      await client.expect('250 2.0.0 Ok')
      client.send(`AUTH PLAIN ${base64('\0joe\0pass')}`)
      await client.expect('235 2.7.0 Authentication successful')
      await mayRelay(client)
      await saslName('PLAIN', 'joe')
    })

    test('PLAIN without an initial response', async (t) => {
      const { client } = await greeted(t)
      client.send('AUTH PLAIN')
      await client.expect('334 ')
      client.send(base64('\0jane\0pass'))
      await client.expect('235 2.7.0 Authentication successful')
      await mayRelay(client)
      await saslName('PLAIN', 'janet@example.org')
    })

    test('LOGIN, wrong and right on one connection', async (t) => {
      const { client } = await greeted(t)
      for (const [password, reply] of [
        ['bad', '535 5.7.8 Error: authentication failed: (reason unavailable)'],
        ['pass', '235 2.7.0 Authentication successful'],
      ] as const) {
        client.send('AUTH LOGIN')
        await client.expect(`334 ${base64('Username:')}`)
        client.send(base64('joe'))
        await client.expect(`334 ${base64('Password:')}`)
        client.send(base64(password))
        await client.expect(reply)
      }
    })

    for (const [user, password, reply, why] of [
      ['joe', 'bad', /^535 5\.7\.8 Error: authentication failed:/, 'a wrong password'],
      ['nobody', 'pass', /^535 5\.7\.8 Error: authentication failed:/, 'an unknown user'],
      ['mail', 'pass', /^235 /, 'a passdb of protocol smtp'],
      ['nets', 'pass', /^235 /, "allow_nets with the client's address"],
      ['far', 'pass', /^535 /, 'allow_nets with another'],
      ['nolo', 'pass', /^235 /, 'Postfix does not look at nologin'],
      ['prox', 'pass', /^235 /, 'nor at proxy'],
    ] as const) {
      test(`PLAIN: ${why}`, async (t) => {
        const { client } = await greeted(t)
        client.send(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`)
        await client.expect(reply)
      })
    }

    test('the log knows the client', async (t) => {
      const { client } = await greeted(t)
      client.send(`AUTH PLAIN ${base64('\0joe\0bad')}`)
      await client.expect(/^535 /)
      await server.waitForLog(/auth(\(\d+\))?: Info: passwd-file\(joe,127\.0\.0\.1\): Password mismatch/)
    })

    for (const name of ['CRAM-MD5', 'DIGEST-MD5', 'SCRAM-SHA-256']) {
      test(`${name}, right and wrong`, async (t) => {
        for (const [password, last] of [
          ['pass', /^235 /],
          ['bad', /^535 /],
        ] as const) {
          const { client } = await greeted(t)
          const half = clientHalf(name, password)
          const initial = half.initial()
          client.send(`AUTH ${name}${initial === undefined ? '' : ` ${initial.toString('base64')}`}`)
          let line = await client.line()
          while (line.startsWith('334 ')) {
            client.send(half.respond(Buffer.from(line.slice(4), 'base64')).toString('base64'))
            line = await client.line()
          }
          assert.match(line, last)
        }
      })
    }

    test('a client that gives up, and one that leaves', async (t) => {
      const { client } = await greeted(t)
      client.send('AUTH LOGIN')
      await client.expect(/^334 /)
      client.send('*')
      await client.expect(/^501 5\.7\.0 Authentication aborted/)
      client.send('AUTH LOGIN')
      await client.expect(/^334 /)
      client.destroy()
      // The socket goes on.
      const wire = await connectAuth(socket)
      await readHandshake(wire)
      wire.destroy()
    })
  })
}

function clientHalf(name: string, password: string): SaslClient {
  const half = findMechanism(name)?.client?.({
    authcid: 'joe',
    authzid: 'joe',
    secret: new Secret(password),
    randomBytes: (count) => randomBytes(count),
    hostname: 'postfix.test',
    service: 'smtp',
  })
  assert.ok(half)
  return half
}
