import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HashQueue } from './hash-queue.ts'
import { HashUnavailable } from './scheme.ts'

const limits = { running: 2, waiting: 3, waitMs: 10_000, memoryKiB: 100 }

/** Jobs that end when told to, and the order in which they started. */
function jobs(queue: HashQueue) {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const run = (name: string, memoryKiB?: number) =>
    queue.run(() => {
      started.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
    }, memoryKiB)
  return { started, run, end: (name: string) => ends.get(name)?.() }
}

test('a few run, the others wait in order', async () => {
  const { started, run, end } = jobs(new HashQueue(limits))
  const all = ['a', 'b', 'c', 'd'].map((name) => run(name))
  assert.deepEqual(started, ['a', 'b'])
  end('b')
  assert.equal(await all[1], 'b')
  assert.deepEqual(started, ['a', 'b', 'c'])
  end('a')
  await all[0]
  assert.deepEqual(started, ['a', 'b', 'c', 'd'])
  end('c')
  end('d')
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd'])
})

test('what no longer fits is refused at once, and later ones fit again', async () => {
  const { run, end, started } = jobs(new HashQueue(limits))
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => run(name))
  await assert.rejects(run('f'), new HashUnavailable('Too many passwords are being verified (3 waiting)'))
  end('a')
  await all[0]
  const late = run('g')
  for (const name of ['b', 'c', 'd', 'e', 'g']) {
    end(name)
    await new Promise(setImmediate)
  }
  await Promise.all([...all, late])
  assert.deepEqual(started, ['a', 'b', 'c', 'd', 'e', 'g'])
})

test('a job that fails makes room like any other', async () => {
  const queue = new HashQueue({ ...limits, running: 1 })
  const failing = queue.run(() => Promise.reject(new Error('no')))
  const next = queue.run(() => Promise.resolve('next'))
  await assert.rejects(failing, /no/)
  assert.equal(await next, 'next')
})

test('memory is shared out, but one job alone may take what it needs', async () => {
  const { started, run, end } = jobs(new HashQueue(limits))
  const big = run('big', 1000)
  const small = run('small', 1)
  assert.deepEqual(started, ['big'])
  end('big')
  await big
  assert.deepEqual(started, ['big', 'small'])
  end('small')
  await small
})

test('a wait has an end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { run, end, started } = jobs(new HashQueue({ ...limits, running: 1 }))
  const first = run('first')
  const waiting = run('waiting')
  t.mock.timers.tick(limits.waitMs)
  await assert.rejects(waiting, new HashUnavailable('Password verification did not start within 10000 msecs'))
  end('first')
  await first
  assert.deepEqual(started, ['first'])
})
