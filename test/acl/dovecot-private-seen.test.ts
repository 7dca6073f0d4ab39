// Somebody comes from Dovecot: what everybody has seen of mail that is shared comes along.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readDovecotSeen } from '../../src/storage/private-seen/dovecot-seen.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { runOurs, runTheirs } from '../support/run-doveadm.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { aclConfig } from './acl-config.ts'
import { loginImap } from './dovecot-acl-server.ts'

const MESSAGES = 30
const BOXES = ['shared/olga', 'shared/olga/Work', 'shared/olga/Work/Sub']
/** Dovecot writes the index itself after so few changes that a test can make them. */
const SMALL_LOGS = `mail_index_rewrite_min_log_bytes = 256
mail_index_rewrite_max_log_bytes = 512
mail_index_log_rotate_min_size = 1k
mail_index_log_rotate_max_size = 2k
mail_index_log_rotate_min_age = 0
`

describe('private \\Seen of Dovecot', { skip: skipWithout('dovecot-imapd') }, () => {
  const kept = makeTempDir('dovecot-seen')
  let dovecot: Started | undefined
  let postern: Started | undefined
  let theirs: ReadonlyMap<string, string> = new Map()
  before(async () => {
    dovecot = await startDovecot((place) => aclConfig(place, { more: SMALL_LOGS }))
    await fill(dovecot)
    theirs = await whatTheySee(dovecot)
    cpSync(join(dovecot.dir, 'mail'), kept, { recursive: true })
    postern = await startPostern((place) =>
      aclConfig(place, {
        prepare(dir) {
          for (const name of readdirSync(kept)) cpSync(join(kept, name), join(dir, 'mail', name), { recursive: true })
        },
      }),
    )
  })
  after(async () => {
    await Promise.all([dovecot?.stop(), postern?.stop()])
    removeTempDir(kept)
  })

  test('everybody goes on where he was', async () => {
    const ours = await whatTheySee(postern ?? assert.fail())
    assert.deepEqual(ours, theirs)
    assert.equal(new Set(theirs.values()).size, theirs.size, 'all are different, so that none can be taken for another')
    const inbox = theirs.get('dave shared/olga')
    assert.match(inbox ?? '', /^4,12,20,/, 'INBOX, too')
  })

  test('it happens once', async () => {
    const server = postern ?? assert.fail()
    const dave = await loginImap(server, 'dave')
    await dave.run(['SELECT shared/olga/Work', 'STORE 1:* -FLAGS (\\Seen)'])
    await dave.logout()
    assert.equal((await whatTheySee(server)).get('dave shared/olga/Work'), '')
    const log = 'dave/Maildir/shared/olga/.Work/dovecot.index.pvt.log'
    assert.deepEqual(
      readFileSync(join(server.dir, 'mail', log)),
      readFileSync(join(kept, log)),
      'nothing is written there',
    )
  })

  test('doveadm tells where they are', async () => {
    for (const box of ['shared/olga', 'shared/olga/Work', 'shared/olga/Work/Sub', 'INBOX']) {
      const words = ['mailbox', 'path', '-u', 'dave', '-t', 'index-private', box]
      const [theirs, ours] = [dovecot ?? assert.fail(), postern ?? assert.fail()]
      const [said, wanted] = [
        await runOurs(join(ours.dir, 'dovecot.conf'), words),
        await runTheirs(theirs.dir, words),
      ].map(({ status, out }, at) => ({ status, out: out.replace(at === 0 ? ours.dir : theirs.dir, '') }))
      assert.deepEqual(said, wanted, box)
    }
  })

  test('an index of Dovecot and the logs beside it say what its files say', () => {
    const work = join(kept, 'olga/Maildir/.Work')
    const lines: string[] = []
    const found = readDovecotSeen(work, (_, text) => lines.push(text), 'dovecot.index')
    assert.deepEqual(lines, [])
    for (const name of ['', '.log', '.log.2']) assert.ok(existsSync(join(work, `dovecot.index${name}`)), name)
    const [head = ''] = readFileSync(join(work, 'dovecot-uidlist'), 'latin1').split('\n')
    assert.equal(found?.uidValidity, Number(/V(\d+)/.exec(head)?.[1]))
    assert.deepEqual(
      found.seen.toSorted((one, other) => one - other),
      OLGA_SAW,
    )
  })
})

/** What olga has seen herself of `Work` in the end. */
const OLGA_SAW = Array.from({ length: MESSAGES }, (_, at) => at + 1).filter((uid) => uid % 3 === 0 && uid !== 9)

/** Mail for everybody, and what they see of it, in many small steps, as people do. */
async function fill(server: Started): Promise<void> {
  const olga = await loginImap(server, 'olga')
  await olga.run(['CREATE Work', 'CREATE Work/Sub'])
  for (const box of ['INBOX', 'Work', 'Work/Sub']) {
    await olga.run(Array.from({ length: MESSAGES }, () => `APPEND ${box} () {14+}\r\nSubject: t\r\n\r\n`))
    await olga.run([`SETACL ${box} dave lrswt`, `SETACL ${box} carol lrs`])
  }
  await olga.run(['SELECT Work'])
  const uids = Array.from({ length: MESSAGES }, (_, at) => at + 1)
  await olga.run(uids.map((uid) => `UID STORE ${uid} +FLAGS (\\Seen)`))
  await olga.run(uids.filter((uid) => uid % 3 !== 0).map((uid) => `UID STORE ${uid} -FLAGS (\\Seen)`))
  for (const [user, step] of [
    ['dave', 4],
    ['carol', 5],
  ] as const) {
    const session = await loginImap(server, user)
    for (const [at, box] of BOXES.entries()) {
      const own = uids.filter((uid) => (uid + at) % step === 0)
      await session.run([`SELECT ${box}`, ...own.map((uid) => `UID STORE ${uid} +FLAGS (\\Seen)`)])
      await session.run([`UID STORE ${own[1]},${own[3]} -FLAGS (\\Seen)`])
    }
    await session.logout()
  }
  await olga.run(['UID STORE 9 +FLAGS (\\Deleted)'])
  const [expunged] = await olga.run(['EXPUNGE'])
  assert.equal(expunged?.untagged[0], '* 9 EXPUNGE')
  await olga.logout()
}

/** UIDs of what each has seen, by user and mailbox. */
async function whatTheySee(server: Started): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const user of ['dave', 'carol']) {
    const session = await loginImap(server, user)
    for (const box of BOXES) {
      await session.run([`SELECT ${box}`])
      const [fetched] = await session.run(['UID SEARCH SEEN'])
      found.set(`${user} ${box}`, (fetched?.untagged[0] ?? '').replace('* SEARCH', '').trim().replaceAll(' ', ','))
    }
    await session.logout()
  }
  return found
}
