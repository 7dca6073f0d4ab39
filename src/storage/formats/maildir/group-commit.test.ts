import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { maildirPlace, TestMailbox, type MaildirPlace } from '../../../../test/maildir/place.ts'
import { SEEN } from '../../flags.ts'
import type { FormatAppending } from '../format.ts'
import { realSyncing, type Syncing } from './disk.ts'

/** Counts what is synced, and waits before it does where a test wants it. */
class WatchedSyncing implements Syncing {
  readonly counts = { file: 0, data: 0, directory: 0 }
  /** Called before a uidlist is synced. */
  beforeData: () => Promise<void> = () => Promise.resolve()

  async file(fd: number): Promise<void> {
    this.counts.file += 1
    await realSyncing.file(fd)
  }

  async data(fd: number): Promise<void> {
    this.counts.data += 1
    await this.beforeData()
    await realSyncing.data(fd)
  }

  async directory(path: string): Promise<void> {
    this.counts.directory += 1
    await realSyncing.directory(path)
  }
}

interface Scene {
  readonly place: MaildirPlace
  readonly mailbox: TestMailbox
  readonly syncing: WatchedSyncing
}

async function openScene(t: TestContext): Promise<Scene> {
  const syncing = new WatchedSyncing()
  const place = maildirPlace(t, { syncing, settings: { mail_fsync: 'optimized' } })
  const mailbox = await TestMailbox.open(place.store)
  await mailbox.append('Subject: first\n\n')
  Object.assign(syncing.counts, { file: 0, data: 0, directory: 0 })
  return { place, mailbox, syncing }
}

async function written(
  mailbox: TestMailbox,
  texts: readonly string[],
  given: { readonly bits?: number; readonly keywords?: readonly string[] } = {},
): Promise<FormatAppending> {
  const appending = await mailbox.format.beginAppend()
  for (const text of texts) {
    await appending.begin({ bits: 0, keywords: [], ...given })
    await appending.write(Buffer.from(`Subject: ${text}\n\n`))
    await appending.end()
  }
  await appending.settle?.()
  return appending
}

async function uidsOf(appending: FormatAppending): Promise<readonly number[]> {
  return (await appending.commit()).uids
}

test('messages that are ready at the same time are committed together', async (t) => {
  const { place, mailbox, syncing } = await openScene(t)
  const ready: FormatAppending[] = []
  for (const name of ['a', 'b', 'c']) ready.push(await written(mailbox, [name]))
  ready.push(await written(mailbox, ['d', 'e'], { bits: SEEN }))
  const uids = await Promise.all(ready.map(uidsOf))
  assert.deepEqual(uids, [[2], [3], [4], [5, 6]], 'in the order in which they were ready, each in one piece')
  assert.deepEqual(syncing.counts, { file: 5, data: 1, directory: 2 }, 'one write to the uidlist, each directory once')
  assert.deepEqual(await mailbox.lines(), [
    '1  Subject: first',
    '2  Subject: a',
    '3  Subject: b',
    '4  Subject: c',
    '5 \\Seen Subject: d',
    '6 \\Seen Subject: e',
  ])
  assert.deepEqual(readdirSync(join(place.root, 'tmp')), [])
})

test('those that come while others are committed go with the next, together', async (t) => {
  const { mailbox, syncing } = await openScene(t)
  const late = [await written(mailbox, ['b']), await written(mailbox, ['c'])]
  const answers: string[] = []
  let lateUids: Promise<(readonly number[])[]> | undefined
  syncing.beforeData = () => {
    syncing.beforeData = () => Promise.resolve()
    lateUids = Promise.all(late.map(uidsOf))
    void lateUids.then(() => answers.push('late'))
    return Promise.resolve()
  }
  assert.deepEqual(await uidsOf(await written(mailbox, ['a'])), [2])
  answers.push('early')
  assert.deepEqual(await lateUids, [[3], [4]])
  assert.deepEqual(answers, ['early', 'late'])
  assert.equal(syncing.counts.data, 2)
})

test('what fails for one message fails for that one', async (t) => {
  const { place, mailbox } = await openScene(t)
  const before = await written(mailbox, ['a'])
  const lost = await written(mailbox, ['b', 'c'])
  const inTmp = join(place.root, 'tmp')
  const after = await written(mailbox, ['d'])
  const doomed = readdirSync(inTmp).find((name) => readFileSync(join(inTmp, name), 'latin1').startsWith('Subject: c'))
  rmSync(join(inTmp, doomed ?? ''))
  const outcomes = await Promise.allSettled([before, lost, after].map(uidsOf))
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed')),
    [[2], 'failed', [3]],
  )
  await lost.abort()
  assert.deepEqual(await mailbox.lines(), ['1  Subject: first', '2  Subject: a', '3  Subject: d'])
  assert.deepEqual(readdirSync(inTmp), [])
})

test('keywords that cannot be written down fail only those that have some', async (t) => {
  const { place, mailbox } = await openScene(t)
  const plain = await written(mailbox, ['a'])
  const marked = await written(mailbox, ['b'], { keywords: ['work'] })
  mkdirSync(join(place.root, 'dovecot-keywords.lock'))
  const outcomes = await Promise.allSettled([plain, marked].map(uidsOf))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  await marked.abort()
  rmSync(join(place.root, 'dovecot-keywords.lock'), { recursive: true })
  assert.deepEqual(await mailbox.lines(), ['1  Subject: first', '2  Subject: a'])
})

test('what all have in common fails for all, and leaves nothing', async (t) => {
  const { place, mailbox, syncing } = await openScene(t)
  const ready = [await written(mailbox, ['a']), await written(mailbox, ['b'])]
  syncing.beforeData = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
  const outcomes = await Promise.allSettled(ready.map(uidsOf))
  for (const outcome of outcomes) assert.match(String(outcome.status === 'rejected' && outcome.reason), /disk/)
  syncing.beforeData = () => Promise.resolve()
  for (const one of ready) await one.abort()
  assert.deepEqual(readdirSync(join(place.root, 'tmp')), [])
  assert.deepEqual(await mailbox.lines(), ['1  Subject: first'])
  const uids = [...(await uidsOf(await written(mailbox, ['c']))), ...(await uidsOf(await written(mailbox, ['d'])))]
  assert.ok(Number(uids[0]) > 1 && Number(uids[1]) > Number(uids[0]))
})
