import assert from 'node:assert/strict'
import { chownSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ANSWERED, DRAFT, FLAGGED, SEEN } from '../../src/storage/flags.ts'
import type { MailLocation } from '../../src/storage/formats/format.ts'
import { skipWithout } from '../peers/peers.ts'
import { mailUser, OurProcess } from './ours.ts'
import type { MaildirSnapshot } from './session.ts'
import { startSharedMaildir } from './shared-maildir.ts'
import { ImapSession } from './theirs.ts'

/** How often the Maildir changes hands. */
const ROUNDS = 20

test(
  'one Maildir goes to and fro between Dovecot and us, and neither changes what the other made',
  {
    skip: skipWithout('dovecot-imapd'),
  },
  async (t) => handOver(t, ROUNDS, {}),
)

test('the same with LAYOUT=fs, CONTROL and INDEX', { skip: skipWithout('dovecot-imapd') }, async (t) =>
  handOver(t, ROUNDS / 2, {
    keys: (mail) => `:LAYOUT=fs:CONTROL=${mail}/control:INDEX=${mail}/index`,
    location: (mail) => ({ layout: 'fs', controlPath: `${mail}/control`, indexPath: `${mail}/index` }),
  }),
)

interface Layout {
  readonly keys?: (mail: string) => string
  readonly location?: (mail: string) => Partial<MailLocation>
}

async function handOver(t: TestContext, rounds: number, { keys, location }: Layout): Promise<void> {
  const { dovecot, port, root } = await startSharedMaildir(keys)
  t.after(() => dovecot.stop())
  let theirs = await ImapSession.open(port, 'joe', 'secret')
  t.after(() => theirs.close())
  await theirs.append('INBOX', 'first', ['\\Seen', '$Work'])
  const ours = new OurProcess(root, mailUser(), location?.(dirname(root)))
  t.after(() => ours.kill())

  let known: MaildirSnapshot | undefined
  const compare = async (why: string): Promise<MaildirSnapshot> => {
    const [one, other] = [await ours.call('snapshot'), await snapshotOfTheirs(port)]
    assert.deepEqual(one, other, why)
    if (known !== undefined) assertStable(known, one, why)
    known = one
    return one
  }

  await compare('at the beginning')
  for (let round = 1; round <= rounds; round++) {
    await workOfOurs(ours, round)
    await compare(`round ${round}, after us`)
    deliver(root, round)
    // Every other time a new session, which knows the mailbox only from files.
    if (round % 2 === 0) {
      theirs.close()
      theirs = await ImapSession.open(port, 'joe', 'secret')
    }
    await workOfTheirs(theirs, round)
    await compare(`round ${round}, after Dovecot`)
  }
  assert.deepEqual(ours.complaints, [])
  assert.deepEqual(
    dovecot.logLines.filter((line) => /: (Warning|Error|Panic|Fatal): /.test(line)),
    [],
  )
}

/** In a session of its own: Dovecot's list index does not look for new mailboxes twice in one session. */
async function snapshotOfTheirs(port: number): Promise<MaildirSnapshot> {
  const session = await ImapSession.open(port, 'joe', 'secret')
  try {
    return await session.snapshot()
  } finally {
    session.close()
  }
}

async function workOfOurs(ours: OurProcess, round: number): Promise<void> {
  const keyword = `$Ours${round % 5}`
  const [first = 0, second = 0] = await ours.call('append', 'INBOX', [
    { subject: `ours ${round} a`, bits: SEEN | FLAGGED, keywords: [keyword] },
    { subject: `ours ${round} b`, bits: 0, keywords: [] },
  ])
  await ours.call('setFlags', 'INBOX', first, ANSWERED, [keyword, '$Work'])
  await ours.call('copy', 'INBOX', [first, second], 'INBOX')
  if (round % 3 === 1) await ours.call('expunge', 'INBOX', [second])
  const name = `Ours/${round}`
  await ours.call('create', name)
  await ours.call('subscribe', name, true)
  await ours.call('copy', 'INBOX', [first], name)
  await ours.call('append', name, [{ subject: `in ${name}`, bits: DRAFT, keywords: ['NonJunk'] }])
  if (round % 2 === 0) await ours.call('rename', `Ours/${round}`, `Moved/${round}`)
  if (round % 4 === 3) await ours.call('delete', `Theirs/${round - 1}`)
  if (round % 5 === 0) await ours.call('subscribe', `Ours/${round - 1}`, false)
}

async function workOfTheirs(theirs: ImapSession, round: number): Promise<void> {
  await theirs.run('SELECT INBOX')
  const uid = await theirs.append('INBOX', `theirs ${round}`, ['\\Flagged', `$Theirs${round % 4}`])
  await theirs.run('NOOP')
  await theirs.run(`UID STORE ${uid} +FLAGS (\\Seen $Ours1)`)
  await theirs.run(`UID STORE 1 FLAGS (\\Draft $Work${round % 3})`)
  if (round % 3 === 2) {
    await theirs.run('STORE 2 +FLAGS (\\Deleted)')
    await theirs.run('EXPUNGE')
  }
  await theirs.run(`CREATE Theirs/${round}`)
  await theirs.run(`UID COPY ${uid} Theirs/${round}`)
  await theirs.run(`SUBSCRIBE Theirs/${round}`)
  if (round % 4 === 1 && round > 1) await theirs.run(`RENAME Ours/${round - 2} Theirs/renamed${round}`)
  if (round % 5 === 0) await theirs.run(`DELETE Moved/${round - (round % 2 === 0 ? 0 : 1)}`)
  await theirs.run('UNSELECT')
}

/** As a delivery agent that knows nothing of either server. */
function deliver(root: string, round: number): void {
  const path = `${root}/new/${1_700_000_000 + round}.M1P${round}.elsewhere`
  writeFileSync(path, `Subject: delivered ${round}\n\nHello.\n`, { mode: 0o600 })
  const user = mailUser()
  if (user !== undefined) chownSync(path, user.uid, user.gid)
}

/** A mailbox keeps its UIDVALIDITY, a message its UID, and UIDs only grow. */
function assertStable(before: MaildirSnapshot, after: MaildirSnapshot, why: string): void {
  for (const [name, old] of Object.entries(before.mailboxes)) {
    const now = after.mailboxes[name]
    if (now === undefined) continue
    assert.equal(now.uidValidity, old.uidValidity, `${why}: UIDVALIDITY of ${name}`)
    assert.ok(now.uidNext >= old.uidNext, `${why}: UIDNEXT of ${name}`)
    const subjects = new Map(old.messages.map(({ uid, subject }) => [uid, subject]))
    for (const { uid, subject } of now.messages) {
      if (subjects.has(uid)) assert.equal(subject, subjects.get(uid), `${why}: UID ${uid} of ${name}`)
      else assert.ok(uid >= old.uidNext, `${why}: UID ${uid} of ${name} is new, and not below ${old.uidNext}`)
    }
  }
}
