import assert from 'node:assert/strict'
import test from 'node:test'
import { AppendedNotes } from './appended-notes.ts'

test('what comes in one turn is written once for each mailbox', async () => {
  const notes = new AppendedNotes()
  const written: string[] = []
  const add = (key: string, ...uids: number[]): Promise<void> =>
    notes.add(key, uids, (first, uidNext) => written.push(`${key} ${first} ${uidNext}`))
  await Promise.all([add('inbox', 5, 6), add('sent', 1), add('inbox', 3), add('inbox', 7, 9), add('inbox')])
  assert.deepEqual(written, ['inbox 3 10', 'sent 1 2'])
  await add('inbox', 10)
  assert.deepEqual(written.slice(2), ['inbox 10 11'])
  const failing = [1, 2].map((uid) =>
    notes.add('inbox', [uid], () => {
      throw new Error('no index')
    }),
  )
  for (const one of failing) await assert.rejects(one, /no index/)
})
