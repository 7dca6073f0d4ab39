import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { maildirPlace } from '../../../test/maildir/place.ts'
import { InternedFlags } from '../flag-table.ts'
import type { FormatMailbox } from '../formats/format.ts'
import { AppendTargets } from './append-targets.ts'

async function append({ format }: { readonly format: FormatMailbox }): Promise<readonly number[]> {
  const appending = await format.beginAppend()
  await appending.begin({ bits: 0, keywords: [] })
  await appending.write(Buffer.from('Subject: x\n\n'))
  await appending.end()
  return (await appending.commit()).uids
}

test('a mailbox that messages were put into is open for the next, as long as it is there and gave no trouble', async (t) => {
  const { root, store } = maildirPlace(t)
  await store.create('INBOX', {})
  const targets = new AppendTargets()
  t.after(() => targets.close())
  let opened = 0
  const acquire = (): ReturnType<AppendTargets['acquire']> =>
    targets.acquire('inbox', async () => {
      opened += 1
      return await store.open('INBOX', new InternedFlags())
    })
  const [one, other] = await Promise.all([acquire(), acquire()])
  assert.equal(one.format, other.format, 'those who come at the same time share it')
  assert.deepEqual(await append(one), [1])
  one.release('fine')
  other.release('fine')
  const again = await acquire()
  assert.equal(opened, 1)
  assert.deepEqual(await append(again), [2])
  again.release('trouble')
  const fresh = await acquire()
  assert.equal(opened, 2, 'after trouble')
  await fresh.format.sync()
  fresh.release('fine')
  const light = await acquire()
  assert.equal(opened, 3, 'one that was read is not used again')
  assert.deepEqual(await append(light), [3])
  light.release('fine')
  targets.end((key) => key === 'inbox')
  const other2 = await acquire()
  assert.equal(opened, 4, 'after its end')
  other2.release('fine')
  rmSync(root, { recursive: true })
  await assert.rejects(acquire(), /doesn't exist/)
  await store.create('INBOX', {})
  const anew = await acquire()
  assert.deepEqual(await append(anew), [1], 'of the new mailbox')
  anew.release('fine')
})

test('what others do to the uidlist is seen by the next message', async (t) => {
  const { root, store, complaints } = maildirPlace(t)
  await store.create('INBOX', {})
  const targets = new AppendTargets()
  t.after(() => targets.close())
  const put = async (): Promise<readonly number[]> => {
    const held = await targets.acquire('inbox', () => store.open('INBOX', new InternedFlags()))
    try {
      return await append(held)
    } finally {
      held.release('fine')
    }
  }
  assert.deepEqual(await put(), [1])
  const theirs = await store.open('INBOX', new InternedFlags())
  assert.deepEqual(await append({ format: theirs }), [2])
  assert.deepEqual(await put(), [3])
  const list = join(root, 'dovecot-uidlist')
  rmSync(list)
  assert.deepEqual(await put(), [4], 'UIDs go on where the list was lost')
  assert.ok(existsSync(list))
  assert.deepEqual(complaints, [])
})
