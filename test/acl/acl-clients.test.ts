import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { describeMaildir, fileMessage } from '../mail-clients/maildir.ts'
import * as programs from '../mail-clients/programs.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { aclConfig, makeMaildir } from './acl-config.ts'
import { loginImap } from './dovecot-acl-server.ts'

const isRoot = process.getuid?.() === 0

describe('clients ask for rights and go by them', { skip: !isRoot && 'the mail belongs to the user mail' }, () => {
  let server: Started
  let home = ''
  before(async () => {
    home = makeTempDir('acl-clients')
    server = await startPostern((place) => aclConfig(place, { prepare: fill }))
    const olga = await loginImap(server, 'olga')
    await olga.run(['SETACL Read bob lrs', 'SETACL Write bob lrwste', 'SETACL Write $staff l'])
    await olga.logout()
  })
  after(async () => {
    await server.stop()
    removeTempDir(home)
  })

  test('mutt flags and deletes where it may', { skip: skipWithout('mutt') }, async () => {
    await programs.mutt(
      placeOf('allowed'),
      '<change-folder>=shared/olga/Write<enter><flag-message><last-entry><delete-message><sync-mailbox><quit>',
    )
    assert.deepEqual(flags('Write'), ['first [F]'])
  })

  test('mutt reads where it may do no more: what it has read is its own business', {
    skip: skipWithout('mutt'),
  }, async () => {
    const keys = '<change-folder>=shared/olga/Read<enter><display-message><exit><sync-mailbox><quit>'
    await programs.mutt(placeOf('reading'), keys)
    assert.deepEqual(flags('Read'), ['first []', 'second []'])
    const bob = await loginImap(server, 'bob')
    const [read] = await bob.run(['STATUS shared/olga/Read (UNSEEN)'])
    await bob.logout()
    assert.deepEqual(read?.untagged, ['* STATUS shared/olga/Read (UNSEEN 1)'])
  })

  test('mutt knows by MYRIGHTS that it may not flag', { skip: skipWithout('mutt') }, async () => {
    await programs.muttUntil(
      placeOf('refused'),
      '<change-folder>=shared/olga/Read<enter><flag-message>',
      /Cannot flag message: Operation not permitted by ACL/,
    )
    assert.deepEqual(flags('Read'), ['first []', 'second []'])
  })

  test('imapflow asks MYRIGHTS and GETACL, and is told what it may set', async () => {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: server.ports['imap'] ?? 0,
      secure: false,
      auth: { user: 'olga', pass: 'pw' },
      logger: false,
    })
    await client.connect()
    try {
      assert.equal(client.capabilities.has('ACL'), true)
      assert.deepEqual(await ask(client, 'MYRIGHTS', 'Write'), ['Write', 'lrwstipekxacd'])
      const entries = ['$staff', 'l', 'bob', 'elrwtsd', 'olga', 'lrwstipekxacd']
      assert.deepEqual(await ask(client, 'GETACL', 'Write'), ['Write', ...entries])
    } finally {
      await client.logout()
    }
  })

  function placeOf(name: string): programs.ClientPlace {
    const place = { home: join(home, name), user: 'bob', imapPort: server.ports['imap'] ?? 0, popPort: 0 }
    mkdirSync(place.home)
    return place
  }

  /** Subjects and flags of a mailbox of olga's, as they are on disk. */
  function flags(mailbox: string): readonly string[] {
    const dir = join(server.dir, 'mail/olga/Maildir', `.${mailbox}`)
    return describeMaildir(dir)
  }
})

/** As much of imapflow's `exec` as is used; its types do not tell of it. */
interface Executing {
  exec(
    command: string,
    attributes: readonly unknown[],
    options: {
      readonly untagged: Readonly<
        Record<string, (untagged: { readonly attributes?: readonly { readonly value: string }[] }) => Promise<void>>
      >
    },
  ): Promise<{ next(): void }>
}

/** A command that imapflow has no method for: what the untagged response says. */
async function ask(client: ImapFlow, command: 'MYRIGHTS' | 'GETACL', mailbox: string): Promise<readonly string[]> {
  const heard: string[] = []
  const told = command === 'GETACL' ? 'ACL' : command
  const response = await (client as unknown as Executing).exec(command, [{ type: 'STRING', value: mailbox }], {
    untagged: {
      [told]({ attributes = [] }) {
        heard.push(...attributes.map(({ value }) => value))
        return Promise.resolve()
      },
    },
  })
  response.next()
  return heard
}

/** Two mailboxes of olga's with two messages each, and nobody's INBOX is empty. */
function fill(dir: string): void {
  for (const box of ['olga/Maildir', 'bob/Maildir', 'olga/Maildir/.Read', 'olga/Maildir/.Write']) {
    const path = join(dir, 'mail', box)
    makeMaildir(path)
    for (const subject of ['first', 'second']) fileMessage(path, subject, '')
  }
}
