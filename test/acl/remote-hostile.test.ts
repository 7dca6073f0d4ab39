import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { type Certificate, makeAuthority, makeCertificate } from '../support/certificates.ts'
import { eventually } from '../support/control.ts'
import { runOurs } from '../support/run-doveadm.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import type { Wire } from '../support/wire.ts'
import { ImapTalk, mail } from './imap-talk.ts'
import { backendConfig, imapcSettings, IMAPC_SECRET, sharedDict } from './remote-servers.ts'

const CAPABILITY = 'IMAP4rev1 SASL-IR LITERAL+ NAMESPACE UNSELECT UIDPLUS ENABLE CONDSTORE QRESYNC'

/** What the other server does with a command; `undefined`: as a server should. */
type Misbehaviour = (wire: Wire, tag: string, command: string) => Promise<boolean> | boolean

/** One server for all tests: what it does with commands is changed by each. */
let misbehave: Misbehaviour = () => false
let logins: string[] = []
let certificate: Certificate

async function playServer(wire: Wire): Promise<void> {
  wire.send(`* OK [CAPABILITY ${CAPABILITY} STARTTLS AUTH=PLAIN] ready`)
  for (;;) {
    const line = await wire.line(600_000).catch(() => undefined)
    if (line === undefined) return
    const [, tag = '', command = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    if (await misbehave(wire, tag, command)) continue
    const [verb = ''] = command.split(' ')
    if (verb === 'STARTTLS') {
      wire.send(`${tag} OK begin`)
      await wire.startTlsAsServer(certificate).catch(() => undefined)
      continue
    }
    if (verb === 'LOGIN') logins.push(command)
    if (verb === 'AUTHENTICATE')
      logins.push(
        Buffer.from(command.split(' ')[2] ?? '', 'base64')
          .toString()
          .replaceAll('\0', ' '),
      )
    if (verb === 'CAPABILITY') wire.send(`* CAPABILITY ${CAPABILITY}`)
    if (verb === 'NAMESPACE') wire.send('* NAMESPACE (("" "/")) (("shared/" "/")) NIL')
    if (verb === 'LIST')
      wire.send(command === 'LIST "" ""' ? '* LIST (\\Noselect) "/" ""' : '* LIST (\\HasNoChildren) "/" Work')
    if (verb === 'SELECT') wire.send('* 1 EXISTS', '* OK [UIDVALIDITY 7] UIDs valid')
    wire.send(`${tag} OK done`)
    if (verb === 'LOGOUT') return wire.close()
  }
}

describe('another server that does what it should not', () => {
  const dir = makeTempDir('shared-dict')
  let ours: Started
  const started: { stop(): Promise<void> }[] = []
  let theirs: ScriptedBackend
  let wrongCertificate: Certificate
  before(async () => {
    theirs = await startScriptedBackend(playServer)
    started.push({ stop: () => theirs.close() })
    const authority = await makeAuthority()
    certificate = await makeCertificate(authority)
    wrongCertificate = await makeCertificate(authority, { names: ['other.example.org'] })
    writeFileSync(join(dir, 'ca.pem'), authority.cert)
    const fields: Readonly<Record<string, string>> = {
      alice: 'userdb_imapc_ssl=starttls userdb_imapc_master_user= userdb_imapc_user=alice2',
      // He loses patience soon; the others are not to take a busy machine for a server that is gone.
      bob: 'userdb_imapc_cmd_timeout=2s',
    }
    const more = `ssl_client_ca_file = ${join(dir, 'ca.pem')}
namespace old {
  type = private
  separator = /
  prefix = Old/
  location = imapc:
}
${imapcSettings('127.0.0.1', theirs.port)}imapc_master_user = %u
imapc_cmd_timeout = 60s
imapc_connection_retry_count = 0
`
    ours = await startPostern((place) =>
      backendConfig(place, {
        dict: sharedDict(dir),
        location: 'imapc:~/imapc-shared',
        fields: (user) => fields[user] ?? '',
        more,
      }),
    )
    started.push(ours)
  })
  after(async () => {
    await Promise.all(started.map((server) => server.stop()))
    removeTempDir(dir)
  })

  const jane = (t: TestContext, behaviour: Misbehaviour): Promise<ImapTalk> => login(t, 'jane', behaviour)

  async function login(t: TestContext, user: string, behaviour: Misbehaviour): Promise<ImapTalk> {
    misbehave = behaviour
    const client = await ImapTalk.login(ours.ports['imap'] ?? 0, user)
    t.after(() => {
      misbehave = () => false
      client.wire.destroy()
    })
    return client
  }

  test('it is logged in to as the owner, by the user as a master user, and no secret is logged', async (t) => {
    logins = []
    const client = await jane(t, () => false)
    assert.match((await client.say('SELECT shared/joe/Work')).tagged, /^OK done$/)
    assert.deepEqual(logins, [`joe jane ${IMAPC_SECRET}`])
    assert.ok(!ours.logLines.some((line) => line.includes(IMAPC_SECRET)))
  })

  test('a namespace of the user alone is his account there; STARTTLS is checked', async (t) => {
    logins = []
    const client = await login(t, 'alice', () => false)
    assert.deepEqual((await client.say('LIST "" Old/*')).untagged, ['* LIST (\\HasNoChildren) "/" Old/Work'])
    assert.match((await client.say('SELECT Old/INBOX')).tagged, /^OK done$/)
    assert.deepEqual(logins, [`LOGIN "alice2" "${IMAPC_SECRET}"`])
    assert.match((await client.say('SELECT shared/joe/Work')).tagged, /^NO \[UNAVAILABLE\] /)
    await ours.waitForLog(/imapc_master_user is not set: shared mailboxes would be opened with all rights/)
    const good = certificate
    certificate = wrongCertificate
    t.after(() => (certificate = good))
    const next = await login(t, 'alice', () => false)
    assert.match((await next.say('SELECT Old/INBOX')).tagged, /^NO \[UNAVAILABLE\] /)
    assert.equal(logins.length, 1)
  })

  test('doveadm says what it cannot do with it', async () => {
    const config = join(ours.dir, 'dovecot.conf')
    const found = await runOurs(config, ['search', '-u', 'jane', 'mailbox', 'Old/Work', 'all'])
    assert.match(found.err, /'Old\/Work' .*Mailbox is on another server: this can be done there only/)
    const rights = await runOurs(config, ['acl', 'explain', '-u', 'jane', 'shared/joe/Work'])
    assert.match(rights.err, /Mailbox shared\/joe\/Work is on another server, which decides about its rights/)
  })

  test('a wrong secret is an error in the log, and a mailbox that is not there for now', async (t) => {
    const client = await jane(t, (wire, tag, command) => {
      if (!command.startsWith('AUTHENTICATE')) return false
      wire.send(`${tag} NO [AUTHENTICATIONFAILED] Authentication failed.`)
      return true
    })
    assert.match((await client.say('SELECT shared/joe/Work')).tagged, /^NO \[UNAVAILABLE\] /)
    await ours.waitForLog(/imap\(jane\).*Login as joe\*jane failed: \[AUTHENTICATIONFAILED\] Authentication failed/)
    assert.deepEqual((await client.say('LIST "" *')).tagged, 'OK List completed')
    assert.match((await client.say('SELECT INBOX')).tagged, /^OK \[READ-WRITE\] /)
  })

  const ENDS: readonly [why: string, command: string, behaviour: (wire: Wire, tag: string) => void][] = [
    ['it says what makes no sense', 'NOOP', (wire) => wire.send('\x01\x02 garbage')],
    ['it says goodbye', 'NOOP', (wire) => wire.send('* BYE shutting down')],
    ['it breaks the connection', 'NOOP', (wire) => wire.reset()],
    ['it says nothing', 'NOOP', () => undefined],
    ['it answers another command', 'NOOP', (wire) => wire.send('zz OK')],
    ['it sends a line that does not end', 'NOOP', (wire) => wire.sendRaw(`* SEARCH ${'1 '.repeat(5_000_000)}`)],
    [
      'it stops in the middle of a response',
      'FETCH 1 BODY[]',
      (wire) => wire.sendRaw('* 1 FETCH (BODY[] {10}\r\n12345'),
    ],
    ['it stops behind a literal', 'FETCH 1 BODY[]', (wire) => wire.sendRaw('* 1 FETCH (BODY[] {3}\r\n123')],
    [
      'it leaves in the middle of a literal',
      'FETCH 1 BODY[]',
      (wire) => {
        wire.sendRaw('* 1 FETCH (BODY[] {100000}\r\n12345')
        wire.close()
      },
    ],
  ]
  for (const [why, command, behaviour] of ENDS) {
    test(`the session ends when ${why} while its mailbox is selected`, async (t) => {
      const client = await login(t, 'bob', (wire, tag, said) => {
        if (said !== command) return false
        behaviour(wire, tag)
        return true
      })
      // On a busy machine this may take longer than bob waits.
      await eventually('it is selected', async () => (await client.say('SELECT shared/joe/Work')).tagged === 'OK done')
      client.wire.send(`z ${command}`)
      const received = await untilEnd(client)
      const isCut = /\{\d+\}\r\n/.test(received)
      assert.equal(
        /\* BYE \[UNAVAILABLE\] The server that keeps the selected mailbox is gone/.test(received),
        !isCut,
        received.slice(0, 200),
      )
      assert.doesNotMatch(received, /^z OK/m)
      const next = await jane(t, () => false)
      assert.match((await next.say('SELECT shared/joe/Work')).tagged, /^OK done$/)
    })
  }

  test('the session ends when the server of its mailbox hangs up while nothing is said', async (t) => {
    const client = await jane(t, () => false)
    await client.say('SELECT shared/joe/Work')
    theirs.connections.at(-1)?.close()
    assert.match(await untilEnd(client), /^\* BYE \[UNAVAILABLE\]/)
  })

  test('it says more to one question than anybody can want', async (t) => {
    const client = await jane(t, async (wire, tag, said) => {
      if (!said.startsWith('STATUS')) return false
      for (let piece = 0; piece < 80 && !wire.ended; piece++)
        wire.sendRaw(`* LIST () "/" {1000000}\r\n${'x'.repeat(1_000_000)}\r\n`)
      wire.send(`${tag} OK`)
      return await Promise.resolve(true)
    })
    assert.match((await client.say('STATUS shared/joe/Work (MESSAGES)')).tagged, /^NO \[UNAVAILABLE\] /)
    assert.match((await client.say('STATUS INBOX (MESSAGES)')).tagged, /^OK /)
  })

  test('it goes away while nobody looks at its mailbox: the next command connects again', async (t) => {
    const client = await jane(t, () => false)
    await client.say('STATUS shared/joe/Work (MESSAGES)')
    const count = theirs.connections.length
    theirs.connections.at(-1)?.reset()
    assert.match((await client.say('SELECT shared/joe/Work')).tagged, /^OK done$/)
    assert.equal(theirs.connections.length, count + 1)
  })

  test('news of a mailbox that nobody selected are told to nobody', async (t) => {
    const client = await jane(t, (wire, tag, said) => {
      if (!said.startsWith('STATUS')) return false
      wire.send('* 5 EXISTS', '* 1 FETCH (FLAGS ())', '* STATUS Work (MESSAGES 1)', '* LIST () "/" Evil', `${tag} OK`)
      return true
    })
    assert.deepEqual((await client.say('STATUS shared/joe/Work (MESSAGES)')).untagged, [
      '* STATUS shared/joe/Work (MESSAGES 1)',
    ])
  })

  test('its other namespaces and names that cannot be are not listed', async (t) => {
    const client = await jane(t, (wire, tag, said) => {
      if (said !== 'LIST "" "*"') return false
      wire.send(
        '* LIST () "/" shared',
        '* LIST () "/" shared/jane/INBOX',
        '* LIST () "/" "a//b"',
        '* LIST () "/" "&bad"',
        '* LIST broken',
        '* LIST () "/" {4}',
      )
      wire.sendRaw('Good\r\n')
      wire.send(`${tag} OK`)
      return true
    })
    const { untagged } = await client.say('LIST "" shared/joe/*')
    assert.deepEqual(untagged, ['* LIST (\\HasNoChildren) "/" shared/joe/Good'])
  })

  test('what was listed stays listed while the server is away', async (t) => {
    const client = await jane(t, () => false)
    const wanted = ['* LIST (\\HasNoChildren) "/" shared/joe/Work']
    assert.deepEqual((await client.say('LIST "" shared/joe/*')).untagged, wanted)
    await client.logout()
    const again = await jane(t, (wire) => {
      wire.reset()
      return true
    })
    assert.deepEqual((await again.say('LIST "" shared/joe/*')).untagged, wanted)
    assert.match((await again.say('STATUS shared/joe/Work (MESSAGES)')).tagged, /^NO \[UNAVAILABLE\] /)
  })

  test('what a client says badly does not reach it, and literals stay literals', async (t) => {
    const heard: string[] = []
    const client = await jane(t, async (wire, tag, said) => {
      if (!/^(FETCH|SEARCH|STORE|UID)/.test(said)) return false
      const size = /\{(\d+)\+\}$/.exec(said)?.[1]
      const literal =
        size === undefined ? '' : `${(await wire.bytes(Number(size))).toString('latin1')}${await wire.line()}`
      heard.push(said + literal)
      wire.send(`${tag} OK`)
      return true
    })
    await client.say('SELECT shared/joe/Work')
    for (const bad of [
      'FETCH 1 "open',
      'FETCH 1 (FLAGS\rt9 NOOP)',
      'STORE 1 ~{3+}',
      'FETCH 1 (FLAGS',
      'SEARCH SUBJECT {x}',
      'FETCH 1 \u00e9',
    ]) {
      client.wire.sendRaw(Buffer.from(`b ${bad}\r\n`, 'latin1'))
      assert.match((await client.heard('b')).tagged, /^BAD /, bad)
    }
    client.wire.sendRaw('c SEARCH SUBJECT {19+}\r\nx\r\nt9 DELETE Work\r\n BODY "a {5+}"\r\n')
    assert.match((await client.heard('c')).tagged, /^OK/)
    assert.match((await client.say('UID SEARCH TEXT', 'a\r\nb', ' UNSEEN')).tagged, /^OK/)
    assert.deepEqual(heard, [
      'SEARCH SUBJECT {19+}x\r\nt9 DELETE Work\r\n BODY "a {5+}"',
      'UID SEARCH TEXT {4+}a\r\nb UNSEEN',
    ])
  })

  test('whoever tries names of owners is stopped', async (t) => {
    let tried = 0
    const client = await jane(t, (wire, tag, said) => {
      if (!said.startsWith('AUTHENTICATE')) return false
      tried++
      wire.send(`${tag} NO [AUTHENTICATIONFAILED] Authentication failed.`)
      return true
    })
    for (let number = 0; number < 15; number++) await client.say(`STATUS shared/nobody${number}/INBOX (MESSAGES)`)
    assert.equal(tried, 10)
    misbehave = () => false
    const next = await jane(t, () => false)
    // Others are not kept waiting for a server that said no.
    assert.equal((await next.say('LIST "" shared/joe/*')).untagged.length, 1)
  })

  test('a message that is copied here is all there, or not there at all', async (t) => {
    const client = await jane(t, (wire, tag, said) => {
      if (said.includes('INTERNALDATE')) {
        wire.send('* 1 FETCH (UID 4 FLAGS (\\Seen) INTERNALDATE "01-Feb-2020 10:11:12 +0000")', `${tag} OK`)
        return true
      }
      if (!said.includes('BODY.PEEK[]')) return false
      wire.sendRaw(`* 1 FETCH (UID 4 BODY[] {1000}\r\n${mail('cut')}`)
      wire.close()
      return true
    })
    await client.say('CREATE Target')
    await client.say('SELECT shared/joe/Work')
    client.wire.send('z COPY 1 Target')
    assert.match(await untilEnd(client), /^\* BYE \[UNAVAILABLE\]/m)
    const next = await jane(t, () => false)
    assert.deepEqual((await next.say('STATUS Target (MESSAGES)')).untagged, ['* STATUS Target (MESSAGES 0)'])
  })

  test('a refused APPEND is refused before the message is sent', async (t) => {
    const client = await jane(t, (wire, tag, said) => {
      if (!said.startsWith('APPEND')) return false
      wire.send(`${tag} NO [OVERQUOTA] Quota exceeded`)
      return true
    })
    assert.equal((await client.say('APPEND shared/joe/Work', mail('x'))).tagged, 'NO [OVERQUOTA] Quota exceeded')
    assert.match((await client.say('STATUS INBOX (MESSAGES)')).tagged, /^OK /)
  })

  test('a session that waits for it ends when our server does', async (t) => {
    const asked = Promise.withResolvers<void>()
    const client = await login(t, 'alice', (_wire, _tag, said) => {
      if (said === 'NOOP') asked.resolve()
      return said === 'NOOP'
    })
    await client.say('SELECT Old/INBOX')
    client.wire.send('z NOOP')
    await asked.promise
    const began = performance.now()
    ours.signal('SIGTERM')
    assert.match(await untilEnd(client), /^\* BYE Server shutting down\./m)
    // alice's server may take a minute for an answer.
    assert.ok(performance.now() - began < 50_000)
  })
})

/** Everything until the server hangs up. */
async function untilEnd({ wire }: ImapTalk): Promise<string> {
  const from = wire.received.length
  for (;;) {
    try {
      await wire.line()
    } catch {
      break
    }
  }
  return wire.received.slice(from)
}
