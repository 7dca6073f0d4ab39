import assert from 'node:assert/strict'
import test from 'node:test'
import { Deferred } from '../../util/deferred.ts'
import { JointCommits } from './joint-commits.ts'
import { Queue } from './queue.ts'

test('commits that wait for their turn run together and share one look; each fails for itself', async () => {
  const queue = new Queue()
  const happened: string[] = []
  const commits = new JointCommits({
    exclusively: (work) => queue.run(work),
    look: () => Promise.resolve(void happened.push('look')),
  })
  const busy = new Deferred<void>()
  const before = queue.run(() => busy.promise)
  const begun = new Deferred<void>()
  const all = ['a', 'b', 'c'].map((name) =>
    commits.add(async () => {
      happened.push(name)
      // Each waits for the last to begin.
      if (name === 'c') begun.resolve()
      await begun.promise
      if (name === 'b') throw new Error('b failed')
      return name
    }),
  )
  busy.resolve()
  await before
  const outcomes = await Promise.allSettled(all)
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason))),
    ['a', 'Error: b failed', 'c'],
  )
  assert.deepEqual(happened, ['a', 'b', 'c', 'look'])
})

test('when all of them fail, or the look does, nobody is told otherwise', async () => {
  let looks = 0
  const commits = new JointCommits({
    exclusively: (work) => work(),
    look() {
      looks += 1
      return Promise.reject(new Error('gone'))
    },
  })
  await assert.rejects(
    commits.add(() => Promise.reject(new Error('locked'))),
    /locked/,
  )
  assert.equal(looks, 0)
  await assert.rejects(
    commits.add(() => Promise.resolve(1)),
    /gone/,
  )
  const closed = new JointCommits({
    exclusively: () => Promise.reject(new Error('deleted')),
    look: () => Promise.resolve(),
  })
  const commit = (): Promise<number> => Promise.resolve(1)
  const outcomes = await Promise.allSettled([closed.add(commit), closed.add(commit)])
  for (const outcome of outcomes) assert.match(String(outcome.status === 'rejected' && outcome.reason), /deleted/)
})
