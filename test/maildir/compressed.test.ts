import assert from 'node:assert/strict'
import { chmodSync, chownSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { BothServers, deliveryConfig, noDeliveries, sayImap } from '../delivery/both-servers.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { userIds } from '../support/user-ids.ts'

/** Mail that Dovecot's plugin zlib compressed, served by both from the same Maildir. */

const MORE = `namespace inbox {
  inbox = yes
  separator = /
}
mail_plugins = zlib
plugin {
  zlib_save = gz
}
`

/** Larger than what is read at once. */
const LARGE_BYTES = 400_000

const READ = [
  'SELECT INBOX',
  'FETCH 1:* (RFC822.SIZE ENVELOPE BODYSTRUCTURE)',
  'FETCH 1:* (BODY.PEEK[HEADER] BODY.PEEK[TEXT]<10.20>)',
  'FETCH 1:* (BODY.PEEK[])',
  'SEARCH TEXT xxxxxxxx',
  'SEARCH LARGER 1000',
  'SEARCH SUBJECT x',
]

describe('mail that Dovecot compressed', { skip: noDeliveries }, () => {
  const homes = makeTempDir('compressed')
  chmodSync(homes, 0o755)
  chownSync(homes, ...userIds('nobody'))
  after(() => removeTempDir(homes))
  const both = new BothServers((place) => deliveryConfig(place, MORE).replace(`${place.dir}/mail/`, `${homes}/`))

  test('is served as it was sent, and copies of it are', async () => {
    await both.do(async (server) => {
      if (both.isDovecot(server))
        await sayImap(server, 'joe', ['CREATE Other', 'APPEND INBOX 300', `APPEND INBOX ${LARGE_BYTES}`, 'LOGOUT'])
    })
    const packed = readdirSync(join(homes, 'joe/Maildir/new')).map((name) => join(homes, 'joe/Maildir/new', name))
    assert.deepEqual(
      packed.map((path) => readFileSync(path).readUInt16BE(0)),
      [0x1f8b, 0x1f8b],
    )
    const lines = async (commands: readonly string[]): Promise<readonly (readonly string[])[]> =>
      await both.do(async (server) =>
        (await sayImap(server, 'joe', [...commands, 'LOGOUT'])).filter(
          (line) => !/RECENT|HIGHESTMODSEQ|^a\d+ /.test(line),
        ),
      )
    const [theirs, ours] = await lines(READ)
    assert.deepEqual(ours, theirs)
    await both.do(async (server) => {
      if (!both.isDovecot(server)) await sayImap(server, 'joe', ['SELECT INBOX', 'COPY 1:2 Other', 'LOGOUT'])
    })
    const [read, copied] = await lines(['EXAMINE Other', ...READ.slice(1)])
    assert.deepEqual(copied, read)
    assert.ok(copied?.some((line) => line.includes(`{${LARGE_BYTES}}`)))
  })
})
