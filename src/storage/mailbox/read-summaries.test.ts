import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { FailingFormat } from '../formats/failing.ts'
import type { MailFormat } from '../formats/format.ts'
import { openMaildirFormat } from '../formats/maildir/index.ts'
import { IndexFiles } from '../index/index-files.ts'
import { MESSAGE_LIMITS } from '../message/limits.ts'
import { type HeaderSummary, KEPT_FIELDS } from '../message/message-summary.ts'
import { summarise } from '../message/summarise.ts'
import { openStore } from '../open-store.ts'
import type { Mailbox } from '../store.ts'
import { memoryLocation, memoryNamespace, memorySettings } from '../testing/open-memory-store.ts'
import { SharedMailboxes } from './shared-mailboxes.ts'

const LONG = MESSAGE_LIMITS.headerBytes

/** Headers around the sizes that are read at once, and what may stand behind them. */
const MESSAGES: readonly string[] = [
  '',
  'Subject: short\nFrom: joe@example.org\n\nbody\n',
  'Subject: crlf\r\nTo: jane@example.org\r\n\r\nbody\r\n',
  'Subject: without a body',
  `Subject: in front\n\n${'body\n'.repeat(100_000)}`,
  ...[8190, 8191, 8192, 8193, LONG - 1, LONG, LONG + 1, 3 * LONG].map((length) => filled(length)),
]

/** A header of so many bytes, with the empty line, its subject at the end; a small body. */
function filled(length: number): string {
  const subject = `Subject: at ${length}\n\n`
  const rest = length - subject.length
  const lines = `X-Filler: ${'x'.repeat(88)}\n`.repeat(Math.floor(rest / 99) - 1)
  return `${lines}X-Last: ${'x'.repeat(rest - lines.length - 9)}\n${subject}body\n`
}

interface Place {
  readonly path: string
  readonly mailboxes: SharedMailboxes
  readonly indexes: IndexFiles
}

function place(t: TestContext): Place {
  const path = makeTempDir('summaries')
  const [mailboxes, indexes] = [new SharedMailboxes(), new IndexFiles()]
  t.after(async () => {
    await mailboxes.close()
    indexes.close()
    removeTempDir(path)
  })
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part))
  for (const [at, text] of MESSAGES.entries()) writeFileSync(join(path, 'cur', messageName(at)), text, 'latin1')
  return { path, mailboxes, indexes }
}

function messageName(at: number): string {
  return `${1_700_000_000 + at}.M1P1.host:2,S`
}

async function open(t: TestContext, { path, mailboxes, indexes }: Place, format: MailFormat): Promise<Mailbox> {
  const store = openStore({
    user: 'joe',
    namespaces: [memoryNamespace({ location: { ...memoryLocation(path), format: 'maildir', layout: 'maildir++' } })],
    settings: memorySettings,
    context: { formats: new Map([['maildir', format]]), mailboxes, indexes, hostname: 'host', now: () => Date.now() },
    log: (_, text) => assert.fail(text),
  })
  const mailbox = await store.open('INBOX', 'read-write')
  t.after(async () => {
    await mailbox.close()
    await store.close()
  })
  return mailbox
}

const UIDS = MESSAGES.map((_, at) => at + 1)

async function headersOf(mailbox: Mailbox): Promise<ReadonlyMap<number, HeaderSummary>> {
  const all = new Map<number, HeaderSummary>()
  for await (const some of mailbox.headers(UIDS)) for (const [uid, one] of some) all.set(uid, one)
  return all
}

function assertHeaders(found: ReadonlyMap<number, HeaderSummary>): void {
  for (const [at, text] of MESSAGES.entries()) {
    const summary = summarise(Buffer.from(text, 'latin1'))
    const header = found.get(at + 1)
    assert.equal(header?.envelope, summary.envelope, `message ${at}`)
    for (const name of KEPT_FIELDS) assert.equal(header.field(name), summary.field(name))
  }
}

test('headers of any length are told as with their messages, from files and from the index', async (t) => {
  const here = place(t)
  const format = new FailingFormat(openMaildirFormat())
  const mailbox = await open(t, here, format)
  assertHeaders(await headersOf(mailbox))
  assert.equal(format.count('openMessage'), 2, 'those with too long headers')
  assertHeaders(await headersOf(mailbox))
  assert.equal(format.count('openMessage'), 2)
  await mailbox.close()
  await here.mailboxes.close()
  for (const at of MESSAGES.keys()) rmSync(join(here.path, 'cur', messageName(at)))
  for (const at of MESSAGES.keys()) writeFileSync(join(here.path, 'cur', messageName(at)), 'Subject: another\n\n')
  assertHeaders(await headersOf(await open(t, here, format)))
})

test('what was told of headers does not stand in the way of whole messages', async (t) => {
  const here = place(t)
  const format = openMaildirFormat()
  const mailbox = await open(t, here, format)
  await headersOf(mailbox)
  for (let turn = 0; turn < 2; turn++) {
    const all = new Map<number, number>()
    for await (const some of mailbox.summaries(UIDS)) for (const [uid, one] of some) all.set(uid, one.sizePhysical)
    assert.deepEqual(
      UIDS.map((uid) => all.get(uid)),
      MESSAGES.map(({ length }) => length),
    )
    assertHeaders(await headersOf(mailbox))
  }
})

test('a message that goes away is left out, also while its header is read', async (t) => {
  const here = place(t)
  const mailbox = await open(t, here, openMaildirFormat())
  rmSync(join(here.path, 'cur', messageName(1)))
  assert.deepEqual(
    [...(await headersOf(mailbox)).keys()],
    UIDS.filter((uid) => uid !== 2),
  )
})
