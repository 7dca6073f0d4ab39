import { after, before, describe, test } from 'node:test'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { CONVERSATIONS } from './remote-conversation.ts'
import { backendConfig, IMAPC_MASTER, imapcSettings, proxyConfig, sharedDict } from './remote-servers.ts'

describe('shared mailboxes on a Dovecot backend, as Dovecot documents it', {
  skip: skipWithout('dovecot-imapd'),
}, () => {
  const servers: Started[] = []
  const dir = makeTempDir('shared-dict')
  let cluster = { joePort: 0, janePort: 0 }
  before(async () => {
    const dict = sharedDict(dir)
    const theirs = await startDovecot((place) => backendConfig(place, { dict }))
    servers.push(theirs)
    const joePort = theirs.ports['imap'] ?? 0
    // What backends ask each other goes through the proxy, too: it knows who is where.
    const proxy = await startPostern((place) => proxyConfig(place, () => joePort))
    servers.push(proxy)
    const more = imapcSettings('127.0.0.1', proxy.ports['imap'] ?? 0)
    const ours = await startPostern((place) =>
      backendConfig(place, { dict, location: 'imapc:~/imapc-shared', override: IMAPC_MASTER, more }),
    )
    servers.push(ours)
    cluster = { joePort, janePort: ours.ports['imap'] ?? 0 }
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    removeTempDir(dir)
  })

  for (const [name, converse] of Object.entries(CONVERSATIONS)) test(name, async () => await converse(cluster))
})
