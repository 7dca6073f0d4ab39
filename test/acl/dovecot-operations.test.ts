import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AclFiles } from '../../src/acl/acl-files.ts'
import { VfileBackend } from '../../src/acl/backends/vfile.ts'
import { openGlobalAcl } from '../../src/acl/global.ts'
import { locateAcls } from '../../src/acl/namespace.ts'
import { rightsOf } from '../../src/acl/rights.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { giveToMail, makeMaildir } from './acl-config.ts'
import { loginImap, startAclDovecot } from './dovecot-acl-server.ts'
import { outcome, openSharedMail, put, type SharedMail } from './shared-mail.ts'
import { aclSettings, maildirLocation } from './mail-tree.ts'
import type { MailStore } from '../../src/storage/store.ts'

/** Sets of rights that tell the operations apart. */
const SETS = [
  '',
  'l',
  'r',
  'lr',
  'li',
  'i',
  'lri',
  'lk',
  'k',
  'lx',
  'x',
  'lxe',
  'xe',
  'lrs',
  'lrw',
  'lre',
  'la',
  'p',
  'lp',
  'lrwstipekxa',
  'lrwstipkxa',
  'lrwstipea',
]

interface Operation {
  readonly command: (mailbox: string) => string
  readonly ours: (bob: MailStore, mailbox: string) => Promise<unknown>
}

/** A mailbox that may be moved away. */
function sourceOf(box: string): string {
  return box.replace(/([^/]*)$/, 'Source-$1')
}

/** In this order on each mailbox: what takes it away comes last. */
const OPERATIONS: readonly Operation[] = [
  { command: (box) => `STATUS ${box} (UIDNEXT)`, ours: (bob, box) => bob.status(box) },
  { command: (box) => `EXAMINE ${box}`, ours: (bob, box) => bob.open(box, 'read-only') },
  { command: (box) => `SUBSCRIBE ${box}`, ours: (bob, box) => bob.subscribe(box, true) },
  { command: (box) => `UNSUBSCRIBE ${box}`, ours: (bob, box) => bob.subscribe(box, false) },
  { command: (box) => `APPEND ${box} {18+}\r\nSubject: t\r\n\r\nx\r\n`, ours: (bob, box) => put(bob, box) },
  { command: (box) => `CREATE ${box}/new`, ours: (bob, box) => bob.create(`${box}/new`) },
  {
    command: (box) => `RENAME ${sourceOf(box)} ${box}/Moved`,
    ours: (bob, box) => bob.rename(sourceOf(box), `${box}/Moved`),
  },
  {
    command: (box) => `RENAME ${box} shared/olga/Target/${box.replace(/.*\//, '')}`,
    ours: (bob, box) => bob.rename(box, `shared/olga/Target/${box.replace(/.*\//, '')}`),
  },
  { command: (box) => `DELETE ${box}`, ours: (bob, box) => bob.delete(box) },
]

describe('what Dovecot allows by a set of rights is what we allow', { skip: skipWithout('dovecot-imapd') }, () => {
  let server: Started
  before(async () => {
    server = await startAclDovecot((dir) => {
      const box = (name: string, acl: string): void => {
        const path = join(dir, `mail/olga/Maildir/.${name}`)
        makeMaildir(path)
        writeFileSync(join(path, 'dovecot-acl'), acl)
      }
      for (const [at, rights] of SETS.entries()) {
        box(`w${at}`, `user=bob ${rights}\n`)
        writeFileSync(join(dir, `mail/olga/Maildir/.w${at}/cur/1000000000.M1P1.host:2,`), 'Subject: t\n\nx\n')
        // Deleted without mail in it: `e` is not asked.
        box(`v${at}`, `user=bob ${rights}\n`)
        box(`Source-w${at}`, 'user=bob lrx\n')
      }
      box('Target', 'user=bob lrk\n')
      mkdirSync(join(dir, 'mail/olga/Maildir/.until/cur'), { recursive: true })
      makeMaildir(join(dir, 'mail/olga/Maildir/.until'))
      writeFileSync(join(dir, 'mail/olga/Maildir/.until/dovecot-acl'), 'user=bob lr :until=2030-01-01T00:00:00Z\n')
    })
  })
  after(() => server.stop())

  for (const [index, { command, ours }] of OPERATIONS.entries()) {
    test(command('MAILBOX').replace(/[\r{][^]*/, ''), async (t) => {
      const session = await loginImap(server, 'bob')
      const names = SETS.map((_, at) => `shared/olga/${index === OPERATIONS.length - 1 ? 'v' : 'w'}${at}`)
      const answers = await session.run(names.map(command))
      await session.logout()
      const expected: string[] = []
      for (const [at, rights] of SETS.entries())
        expected.push(await ourOutcome(openSharedMail(t), rights, names[at] ?? '', ours))
      assert.deepEqual(
        SETS.map((rights, at) => `${rights}: ${expected[at]}`),
        SETS.map((rights, at) => `${rights}: ${codeOf(answers[at]?.tagged ?? '')}`),
      )
    })
  }

  test('a grant that ends is a grant to Dovecot, which keeps its end when it changes the file', async () => {
    const bob = await loginImap(server, 'bob')
    const [answer] = await bob.run(['MYRIGHTS shared/olga/until'])
    await bob.logout()
    assert.deepEqual(answer?.untagged, ['* MYRIGHTS shared/olga/until lr'])
    const olga = await loginImap(server, 'olga')
    await olga.run(['SETACL until bob +s', 'SETACL until dave l'])
    await olga.logout()
    const path = join(server.dir, 'mail/olga/Maildir/.until/dovecot-acl')
    assert.ok(existsSync(path))
    assert.equal(readFileSync(path, 'utf8'), 'user=bob lrs :until=2030-01-01T00:00:00Z\nuser=dave l\n')
  })

  test('Dovecot and Postern change one file at the same time, and lose neither’s changes', async () => {
    const box = join(server.dir, 'mail/olga/Maildir/.both')
    makeMaildir(box)
    giveToMail(box)
    const files = new AclFiles({ now: Date.now, log: () => undefined })
    const settings = aclSettings({ acl: 'vfile::cache_secs=0' })
    const global = await openGlobalAcl(undefined, { files, cacheMs: 0, isStrict: false })
    const backend = new VfileBackend({ settings, global, files, now: Date.now })
    const places = locateAcls(
      maildirLocation(dirname(box)),
      () => ({ mail: box, control: box, index: undefined }),
      false,
    )
    const namespace = {
      type: 'private',
      prefix: '',
      separator: '/',
      inboxName: 'INBOX',
      owner: 'olga',
      inherit: 'copy',
      hasPrivateSeen: false,
      places,
      mailboxes: () => Promise.resolve(['both']),
    } as const
    const numbers = Array.from({ length: 6 }, (_, at) => at)
    const olga = await loginImap(server, 'olga')
    const theirs = olga.run(numbers.map((at) => `SETACL both theirs${at} lr`))
    for (const at of numbers) {
      await backend.update(namespace, 'both', {
        identifier: { kind: 'user', name: `ours${at}` },
        positive: { mode: 'replace', rights: rightsOf('l') },
      })
    }
    assert.deepEqual(new Set((await theirs).map(({ tagged }) => tagged)), new Set(['OK Setacl complete']))
    await olga.logout()
    const lines = readFileSync(join(box, 'dovecot-acl'), 'utf8').trimEnd().split('\n')
    assert.deepEqual(lines.toSorted(), numbers.flatMap((at) => [`user=ours${at} l`, `user=theirs${at} lr`]).toSorted())
  })
})

async function ourOutcome(mail: SharedMail, rights: string, name: string, ours: Operation['ours']): Promise<string> {
  const own = name.replace('shared/olga/', '')
  for (const box of [own, `Source-${own}`, 'Target']) await mail.olga.create(box)
  if (own.startsWith('w')) await put(mail.olga, own)
  mail.share(own, `user=bob ${rights}`)
  mail.share(`Source-${own}`, 'user=bob lrx')
  mail.share('Target', 'user=bob lrk')
  return await outcome(ours(mail.open('bob'), name))
}

/** Dovecot's words as our codes. */
function codeOf(tagged: string): string {
  if (tagged.startsWith('OK')) return 'ok'
  if (tagged.includes('Permission denied')) return 'no-permission'
  // Its odd way to say that mail may not be expunged.
  if (tagged.includes('Mailbox attributes not enabled')) return 'no-permission'
  return tagged.includes("Mailbox doesn't exist") ? 'not-found' : tagged
}
