import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { runOurs } from '../support/run-doveadm.ts'
import { runPostern } from '../support/run-postern.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { ImapTalk, mail } from './imap-talk.ts'
import { CONVERSATIONS } from './remote-conversation.ts'
import { backendConfig, IMAPC_SECRET, proxyConfig, sharedDict } from './remote-servers.ts'

/** What the databases of jane's backend say of users. */
const FIELDS: Readonly<Record<string, (ports: { readonly there: number; readonly here: number }) => string>> = {
  joe: ({ there }) => `proxy_maybe host=localhost hostip=127.0.0.1 port=${there}`,
  bob: ({ there }) => `userdb_host=127.0.0.1 userdb_port=${there}`,
  alice: ({ here }) => `userdb_host=127.0.0.1 userdb_port=${here}`,
}

function lmtp(port: number): string {
  return `protocols = imap lmtp
lmtp_save_to_detail_mailbox = yes
recipient_delimiter = +
protocol lmtp {
  mail_plugins = acl quota
}
service lmtp {
  inet_listener lmtp {
    port = ${port}
  }
}
`
}

describe('shared mailboxes on another Postern, where the databases say who is where', () => {
  const servers: Started[] = []
  const dir = makeTempDir('shared-dict')
  let cluster = { joePort: 0, janePort: 0 }
  let tools: { readonly config: string; readonly lmtp: number; readonly log: Started } | undefined
  before(async () => {
    const dict = sharedDict(dir)
    const started = async (server: Promise<Started>): Promise<Started> => {
      servers.push(await server)
      return await server
    }
    const trusting = 'login_trusted_networks = 127.0.0.0/8\n'
    const joes = await started(startPostern((place) => backendConfig(place, { dict, more: trusting })))
    const joesPort = joes.ports['imap'] ?? 0
    const janes = await started(
      startPostern((place) =>
        backendConfig(place, {
          dict,
          // Whoever is here is looked for here; the others are asked where a passdb or a userdb says.
          fields: (user) => FIELDS[user]?.({ there: joesPort, here: place.port('imap') }) ?? '',
          more: `${trusting}postern_remote_owners = yes\nimapc_password = ${IMAPC_SECRET}\n${lmtp(place.port('lmtp'))}`,
        }),
      ),
    )
    tools = { config: join(janes.dir, 'dovecot.conf'), lmtp: janes.ports['lmtp'] ?? 0, log: janes }
    const janesPort = janes.ports['imap'] ?? 0
    const backendOf = (user: string): number => (user === 'joe' || user === 'bob' ? joesPort : janesPort)
    const proxy = await started(startPostern((place) => proxyConfig(place, backendOf)))
    const front = proxy.ports['imap'] ?? 0
    cluster = { joePort: front, janePort: front }
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    removeTempDir(dir)
  })

  for (const [name, converse] of Object.entries(CONVERSATIONS)) test(name, async () => await converse(cluster))

  test('owners here and owners elsewhere are in one LIST, and mail goes between them', async () => {
    const clients = await Promise.all(['alice', 'bob', 'jane'].map((user) => ImapTalk.login(cluster.janePort, user)))
    const [alice = assert.fail(), bob = assert.fail(), jane = assert.fail()] = clients
    for (const owner of [alice, bob]) {
      await owner.say('CREATE Mixed')
      await owner.say('SETACL Mixed jane lrwstipe')
    }
    await alice.say('APPEND Mixed', mail('mixed'))
    assert.deepEqual((await jane.say('LIST "" (shared/alice* shared/bob*)')).untagged, [
      '* LIST (\\Noselect) "/" shared/alice',
      '* LIST () "/" shared/alice/Mixed',
      '* LIST (\\Noselect) "/" shared/bob',
      '* LIST () "/" shared/bob/Mixed',
    ])
    await jane.say('SELECT shared/alice/Mixed')
    assert.equal((await jane.say('MOVE 1 shared/bob/Mixed')).tagged, 'OK Move completed')
    assert.equal((await bob.say('STATUS Mixed (MESSAGES)')).untagged[0], '* STATUS Mixed (MESSAGES 1)')
    assert.equal((await alice.say('STATUS Mixed (MESSAGES)')).untagged[0], '* STATUS Mixed (MESSAGES 0)')
    // From one owner to another, both elsewhere.
    const joe = await ImapTalk.login(cluster.joePort, 'joe')
    await joe.say('CREATE Third')
    await joe.say('SETACL Third jane lrwstipe')
    await jane.say('SELECT shared/bob/Mixed')
    assert.match((await jane.say('UID COPY 1:* shared/joe/Third')).tagged, /^OK \[COPYUID \d+ 1 1\] Copy completed$/)
    assert.equal((await joe.say('STATUS Third (MESSAGES)')).untagged[0], '* STATUS Third (MESSAGES 1)')
    await Promise.all([joe, ...clients].map((client) => client.logout()))
  })

  test('doveadm lists, counts, makes, renames, fills and removes them, and says what it cannot do', async () => {
    const { config } = tools ?? assert.fail()
    const joe = await ImapTalk.login(cluster.joePort, 'joe')
    for (const box of ['Tools', 'Shut']) await joe.say(`CREATE ${box}`)
    await joe.say('SETACL Tools jane lrwstikxe')
    await joe.say('SETACL Shut jane lr')
    await joe.say('APPEND Tools', mail('one', 100))
    const run = async (...words: readonly string[]): Promise<string> => {
      const { out, err, status } = await runOurs(config, words)
      return `${out}${err}${status}`.trim()
    }
    const jane = ['-u', 'jane'] as const
    assert.equal(await run('mailbox', 'list', ...jane, 'shared/joe/Tools*'), 'shared/joe/Tools\n0')
    assert.match(
      await run('-f', 'tab', 'mailbox', 'status', ...jane, 'messages unseen vsize', 'shared/joe/To*'),
      /^mailbox\tmessages\tunseen\tvsize\nshared\/joe\/Tools\t1\t1\t\d{3}\n0$/,
    )
    assert.equal(await run('mailbox', 'create', ...jane, 'shared/joe/Tools/Sub'), '0')
    assert.equal(await run('mailbox', 'rename', ...jane, 'shared/joe/Tools/Sub', 'shared/joe/Tools/New'), '0')
    assert.equal(await run('mailbox', 'delete', ...jane, 'shared/joe/Tools/New'), '0')
    const refused: readonly (readonly [words: readonly string[], line: RegExp])[] = [
      [
        ['mailbox', 'create', ...jane, 'shared/joe/Shut/x'],
        /Can't create mailbox shared\/joe\/Shut\/x: Permission denied\n77$/,
      ],
      [
        ['mailbox', 'status', ...jane, 'messages', 'shared/joe/None'],
        /shared\/joe\/None: .*Mailbox doesn't exist: shared\/joe\/None\n68$/,
      ],
      [
        ['search', ...jane, 'mailbox', 'shared/joe/Tools', 'all'],
        /'shared\/joe\/Tools' .*Mailbox is on another server: this can be done there only\n65$/,
      ],
    ]
    for (const [words, line] of refused) assert.match(await run(...words), line)
    assert.equal(
      await run('search', ...jane, 'mailbox', '*', 'subject', 'nothing'),
      '0',
      'what is elsewhere is no part of everything',
    )
    const saved = await runPostern(
      ['doveadm', '-c', config, 'save', ...jane, '-m', 'shared/joe/Tools'],
      'Subject: saved\n\nline\n',
    )
    assert.deepEqual([saved.err, saved.status], ['', 0])
    assert.match((await joe.say('STATUS Tools (MESSAGES)')).untagged[0] ?? '', /MESSAGES 2/)
    await joe.logout()
  })

  test('deliveries for a user reach them, and INBOX where they may not', async () => {
    const { lmtp: port, log } = tools ?? assert.fail()
    const joe = await ImapTalk.login(cluster.joePort, 'joe')
    for (const box of ['Drop', 'DropShut']) await joe.say(`CREATE ${box}`)
    await joe.say('SETACL Drop jane li')
    await joe.say('SETACL DropShut jane lr')
    const client = await connectRaw({ port, name: 'lmtp' })
    await client.expect(/^220 /)
    client.send('LHLO test')
    while (!(await client.line()).startsWith('250 '));
    for (const box of ['Drop', 'DropShut']) {
      client.send('MAIL FROM:<a@example.org>', `RCPT TO:<jane+shared/joe/${box}>`, 'DATA')
      for (const reply of [/^250 /, /^250 /, /^354 /]) await client.expect(reply)
      client.send(`Subject: ${box}`, '', 'x'.repeat(70), '.')
      await client.expect(/^250 .*Saved$/)
    }
    client.send('QUIT')
    await client.expect(/^221 /)
    assert.match((await joe.say('STATUS Drop (MESSAGES)')).untagged[0] ?? '', /MESSAGES 1/)
    assert.match((await joe.say('STATUS DropShut (MESSAGES)')).untagged[0] ?? '', /MESSAGES 0/)
    await log.waitForLog(/lmtp\(jane\).*saved mail to shared\/joe\/Drop/)
    await log.waitForLog(/lmtp\(jane\).*save failed to open mailbox shared\/joe\/DropShut: Permission denied/)
    await joe.logout()
  })

  test('imapflow lists, reads, marks, moves, and hears of news', async () => {
    const joe = await ImapTalk.login(cluster.joePort, 'joe')
    await joe.say('CREATE Flow')
    await joe.say('SETACL Flow jane lrwstipe')
    for (let number = 0; number < 20; number++) await joe.say('APPEND Flow', mail(`m${number}`, number * 1000))
    const options = { host: '127.0.0.1', port: cluster.janePort, secure: false, auth: { user: 'jane', pass: 'pw' } }
    const client = new ImapFlow({ ...options, logger: false, qresync: true })
    await client.connect()
    assert.ok((await client.list()).some(({ path }) => path === 'shared/joe/Flow'))
    const lock = await client.getMailboxLock('shared/joe/Flow')
    let sizeBytes = 0
    for await (const { source } of client.fetch('1:*', { envelope: true, bodyStructure: true, source: true }))
      sizeBytes += source?.length ?? 0
    assert.equal(
      sizeBytes,
      Array.from({ length: 20 }, (_, at) => mail(`m${at}`, at * 1000).length).reduce((a, b) => a + b),
    )
    await client.messageFlagsAdd('1:5', ['\\Seen'])
    assert.deepEqual(await client.search({ seen: true }), [1, 2, 3, 4, 5])
    const moved = await client.messageMove('1:2', 'INBOX')
    assert.equal(moved !== false && moved.uidMap?.size, 2)
    const news = once(client, 'exists')
    const idling = client.idle()
    await joe.say('APPEND Flow', mail('news'))
    await news
    lock.release()
    await client.noop()
    await idling
    await client.logout()
    await joe.logout()
  })
})
