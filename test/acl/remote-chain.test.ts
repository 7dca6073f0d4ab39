import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../peers/config-text.ts'
import { imapListeners } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { ImapTalk, mail } from './imap-talk.ts'
import { CONVERSATIONS } from './remote-conversation.ts'
import { backendConfig, IMAPC_SECRET, sharedDict } from './remote-servers.ts'

/** Who sends users to backends, as their passdb says: everything goes through it, also what backends ask each other. */
function proxyConfig({ dir, port }: Place, backendOf: (user: string) => number): string {
  const file = join(dir, 'users')
  writeFileSync(
    file,
    ['joe', 'bob', 'jane', 'alice']
      .map((user) => `${user}:::::::proxy host=127.0.0.1 port=${backendOf(user)} nopassword\n`)
      .join(''),
  )
  chmodSync(file, 0o644)
  return `protocols = imap
disable_plaintext_auth = no
login_trusted_networks = 127.0.0.0/8
passdb {
  driver = passwd-file
  args = ${file}
}
${imapListeners(port)}`
}

/** What the databases of jane's backend say of users. */
const FIELDS: Readonly<Record<string, (ports: { readonly there: number; readonly here: number }) => string>> = {
  joe: ({ there }) => `proxy_maybe host=localhost hostip=127.0.0.1 port=${there}`,
  bob: ({ there }) => `userdb_host=127.0.0.1 userdb_port=${there}`,
  alice: ({ here }) => `userdb_host=127.0.0.1 userdb_port=${here}`,
}

describe('shared mailboxes on another Postern, where the databases say who is where', () => {
  const servers: Started[] = []
  const dir = makeTempDir('shared-dict')
  let cluster = { joePort: 0, janePort: 0 }
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
          more: `${trusting}postern_remote_owners = yes\nimapc_password = ${IMAPC_SECRET}\n`,
        }),
      ),
    )
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
    await Promise.all(clients.map((client) => client.logout()))
  })
})
