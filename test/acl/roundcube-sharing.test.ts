import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileMessage } from '../mail-clients/maildir.ts'
import { startRoundcube } from '../mail-clients/roundcube.ts'
import { Webmail } from '../mail-clients/webmail.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { aclConfig, makeMaildir } from './acl-config.ts'
import { FolderSettings } from './folder-settings.ts'

const skip = skipWithout('roundcube') || skipWithout('roundcube-acl') || skipWithout('chromium')

describe("Roundcube's acl plugin in Chromium", { skip }, () => {
  let postern: Started
  let roundcube: Started
  before(async () => {
    postern = await startPostern((place) => aclConfig(place, { prepare: fill }))
    roundcube = await startRoundcube(postern.ports['imap'] ?? 0, ['acl'])
  })
  after(async () => {
    await roundcube.stop()
    await postern.stop()
  })

  test('olga shares a folder, bob sees it and reads it, she takes it back, and it is gone', async (t) => {
    const port = roundcube.ports['http'] ?? 0
    const [olga, bob] = await Promise.all(['olga', 'bob'].map((user) => Webmail.login(port, user)))
    assert.ok(olga && bob)
    t.after(() => Promise.all([olga.close(), bob.close()]))
    const hers = await FolderSettings.open(olga.page, port)
    const his = await FolderSettings.open(bob.page, port)
    assert.ok(!(await his.folders()).includes('shared/olga/Work'))

    await hers.openSharing('Work')
    assert.deepEqual(await hers.sharers(), [])
    await hers.share('bob')
    assert.deepEqual(await hers.sharers(), ['bob'])

    await his.reload()
    assert.ok((await his.folders()).includes('shared/olga/Work'), (await his.folders()).join(' '))
    await his.subscribe('shared/olga/Work')
    await bob.openMailbox(port, 'shared/olga/Work')
    assert.deepEqual(await bob.subjects(), ['plan'])
    assert.match(await bob.read('plan'), /This is plan\./)

    await hers.unshare('bob')
    assert.deepEqual(await hers.sharers(), [])
    await his.reload()
    assert.deepEqual(
      (await his.folders()).filter((name) => name.startsWith('shared')),
      [],
    )
  })
})

/** A message in everybody's INBOX, and one in olga's mailbox Work. */
function fill(dir: string): void {
  for (const box of ['olga/Maildir', 'bob/Maildir', 'olga/Maildir/.Work']) {
    makeMaildir(join(dir, 'mail', box))
    fileMessage(join(dir, 'mail', box), box.endsWith('Work') ? 'plan' : 'hello')
  }
}
