import assert from 'node:assert/strict'
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPostern } from '../peers/postern.ts'
import { aclConfig, makeMaildir } from './acl-config.ts'
import { loginImap } from './dovecot-acl-server.ts'

/** Accounts need not exist to own files. */
const GROUP = 20_100
const UIDS = new Map([
  ['olga', 20_101],
  ['bob', 20_102],
])

test('users with accounts of their own: each keeps what he has seen in a file of his, the rest is shared by their group', {
  skip: process.getuid?.() !== 0 && 'needs root, to serve several users',
}, async (t) => {
  const server = await startPostern((place) => {
    const text = aclConfig(place, { users: { olga: [], bob: [] } })
    const rows = [...UIDS].map(([user, uid]) => `${user}:{PLAIN}pw:${uid}:${GROUP}::::\n`)
    writeFileSync(join(place.dir, 'users'), rows.join(''))
    makeMaildir(join(place.dir, 'mail/olga/Maildir/.Work'))
    for (const [user, uid] of UIDS) give(join(place.dir, 'mail', user), uid)
    // The dictionary is written by everybody.
    chmodSync(join(place.dir, 'mail'), 0o777)
    return text.replaceAll('uid=mail gid=mail ', '')
  })
  t.after(() => server.stop())
  const olga = await loginImap(server, 'olga')
  await olga.run(['APPEND Work {17+}\r\nSubject: t\r\n\r\nx\r\n', 'SETACL Work bob lrswt'])
  const bob = await loginImap(server, 'bob')
  const answers = await bob.run([
    'SELECT shared/olga/Work',
    'STORE 1 +FLAGS (\\Seen \\Flagged)',
    'STATUS shared/olga/Work (UNSEEN)',
  ])
  assert.deepEqual(answers[1]?.untagged, ['* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))'])
  assert.deepEqual(answers[2]?.untagged, ['* STATUS shared/olga/Work (UNSEEN 0)'])
  const [hers] = await olga.run(['STATUS Work (UNSEEN)'])
  assert.deepEqual(hers?.untagged, ['* STATUS Work (UNSEEN 1)'])
  await Promise.all([olga.logout(), bob.logout()])
  const file = join(server.dir, 'mail/bob/Maildir/shared/olga/postern.private')
  const { uid, mode } = statSync(file)
  assert.deepEqual([uid, mode & 0o077], [UIDS.get('bob'), 0], 'his own, and nobody else reads it')
  assert.equal(readFileSync(file).subarray(0, 15).toString(), 'SQLite format 3')
})

/** A home for its user alone, with a Maildir for the group. */
function give(home: string, uid: number): void {
  mkdirSync(join(home, 'Maildir'), { recursive: true })
  giveAll(home, uid)
  chmodSync(home, 0o750)
}

function giveAll(path: string, uid: number): void {
  lchownSync(path, uid, GROUP)
  if (!lstatSync(path).isDirectory()) return
  chmodSync(path, 0o2770)
  for (const name of readdirSync(path)) giveAll(join(path, name), uid)
}
