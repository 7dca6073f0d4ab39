import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { BARE_ENDS, type BarePair, barePair, skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import { turn, until } from '../../../test/support/until.ts'

/** A peer that is gone without a word; the near end has not heard of it. */
async function resetBehindItsBack(t: TestContext): Promise<BarePair> {
  const pair = await barePair(t)
  const closed = once(pair.far, 'close')
  pair.far.resetAndDestroy()
  await closed
  for (let turns = 0; turns < 5; turns++) await turn()
  return pair
}

for (const end of BARE_ENDS) {
  test(`a reset while it reads is told once, before the close: ${end}`, { skip }, async (t) => {
    const { near, far, told } = await barePair(t, end)
    near.resume()
    far.write('half')
    await until('what came before', () => told.text === 'half')
    far.resetAndDestroy()
    await until('it is closed', () => told.news.includes('close'))
    assert.deepEqual(told.news, ['error ECONNRESET', 'close'])
    assert.deepEqual([near.destroyed, near.writable, near.readableEnded], [true, false, false])
  })
}

test('writing to a peer that is gone fails the connection once, however much is written', { skip }, async (t) => {
  const { near, told } = await resetBehindItsBack(t)
  for (let count = 0; count < 5; count++) near.write('to nobody')
  near.write(Buffer.alloc(2_000_000))
  near.end(() => near.destroy())
  assert.deepEqual([near.destroyed, told.news], [true, []], 'nobody is told within the call')
  await until('it is closed', () => told.news.includes('close'))
  assert.match(told.news.join(), /^error (ECONNRESET|EPIPE),close$/)
})

test('a peer that is gone is found by reading, too', { skip }, async (t) => {
  const { near, told } = await resetBehindItsBack(t)
  near.resume()
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual(told.news, ['error ECONNRESET', 'close'])
})

test('a reset with bytes in the queue forgets them', { skip }, async (t) => {
  for (const reads of [true, false]) {
    const { near, far, told } = await barePair(t)
    if (reads) near.resume()
    far.pause()
    while (near.writableLength < 4_000_000) near.write(Buffer.alloc(1_000_000))
    const done: string[] = []
    near.end(() => done.push('end'))
    far.resetAndDestroy()
    await until('it is closed', () => told.news.includes('close'))
    assert.match(told.news.join(), /^error (ECONNRESET|EPIPE),close$/)
    assert.deepEqual([done, near.writableFinished], [['end'], false])
    await until('the queue is gone', () => near.writableLength === 0)
  }
})

test('a peer that closed and reads no more is written to until the kernel says so', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  near.resume()
  const closed = once(far, 'close')
  far.destroy()
  await closed
  await until('its end', () => told.news.includes('end'))
  let writes = 0
  while (!near.destroyed && writes < 1000) {
    near.write('more')
    writes++
    await turn()
  }
  await until('it is closed', () => told.news.includes('close'))
  assert.match(told.news.join(), /^end,error (ECONNRESET|EPIPE),close$/)
})

test('an error given to destroy is told to whoever owns it then, in a later turn', { skip }, async (t) => {
  const { near, told } = await barePair(t)
  near.destroy(Object.assign(new Error('enough'), { code: 'EOWN' }))
  assert.deepEqual(told.news, [])
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual(told.news, ['error EOWN', 'close'])
})

test('it may be destroyed within anything it tells', { skip }, async (t) => {
  const rows: { why: string; act: (pair: BarePair) => unknown; news: RegExp }[] = [
    {
      why: 'a read',
      act({ near, far, told }) {
        told.onTake = () => {
          near.destroy()
          return true
        }
        near.resume()
        far.write('x')
      },
      news: /^close$/,
    },
    {
      why: 'a read, which also has had enough and wants another buffer',
      act({ near, far, told }) {
        told.onTake = () => {
          told.buffer = Buffer.alloc(100)
          near.destroy()
          return false
        }
        near.resume()
        far.write(Buffer.alloc(1_000_000))
      },
      news: /^close$/,
    },
    {
      why: 'a read that was answered before',
      act({ near, far, told }) {
        told.onTake = () => {
          near.write(Buffer.alloc(8_000_000))
          near.end()
          near.destroy()
          return true
        }
        near.resume()
        far.pause().write('x')
      },
      news: /^close$/,
    },
    {
      why: 'what runs behind a read, before the next',
      act({ near, far, told }) {
        told.onTake = () => {
          void Promise.resolve().then(() => near.destroy())
          return true
        }
        near.resume()
        far.write(Buffer.alloc(1_000_000))
      },
      news: /^close$/,
    },
    {
      why: 'its end',
      act({ near, far, told }) {
        told.onNews = (what) => what === 'end' && near.destroy()
        near.resume()
        far.end('x')
      },
      news: /^end,close$/,
    },
    {
      why: 'drain',
      act({ near, far, told }) {
        told.onNews = (what) => what === 'drain' && near.destroy()
        far.pause()
        while (near.writableLength < 1_000_000) near.write(Buffer.alloc(1_000_000))
        far.resume()
      },
      news: /^drain,close$/,
    },
    {
      why: 'drain, with more written before',
      act({ near, far, told }) {
        told.onNews = (what) => {
          if (what !== 'drain') return
          near.write(Buffer.alloc(8_000_000))
          near.destroy()
        }
        far.pause()
        while (near.writableLength < 1_000_000) near.write(Buffer.alloc(1_000_000))
        far.resume()
      },
      news: /^drain,close$/,
    },
    {
      why: 'an error',
      act({ near, far, told }) {
        told.onNews = (what) => what.startsWith('error') && near.destroy(new Error('another'))
        near.resume()
        far.resetAndDestroy()
      },
      news: /^error ECONNRESET,close$/,
    },
    {
      why: 'the close',
      act({ near, told }) {
        told.onNews = (what) => what === 'close' && near.destroy(new Error('another'))
        near.destroy()
      },
      news: /^close$/,
    },
    {
      why: 'the end of what was written',
      act({ near, far }) {
        far.resume()
        near.write('x')
        near.end(() => near.destroy())
      },
      news: /^close$/,
    },
    {
      why: 'the end of what was written, which was queued',
      act({ near, far }) {
        near.write(Buffer.alloc(8_000_000))
        near.end(() => near.destroy())
        far.resume()
      },
      news: /^close$/,
    },
  ]
  for (const end of BARE_ENDS) {
    for (const { why, act, news } of rows) {
      const pair = await barePair(t, end)
      let closed = 0
      pair.near.onClosed = () => closed++
      act(pair)
      await until(`closed: ${why}, ${end}`, () => pair.told.news.includes('close'))
      for (let turns = 0; turns < 5; turns++) await turn()
      assert.match(pair.told.news.join(), news, `${why}, ${end}`)
      assert.deepEqual([pair.near.destroyed, closed], [true, 1], why)
    }
  }
})

test('a reset and its own end, in every order in one turn', { skip }, async (t) => {
  const acts: readonly ((pair: BarePair) => unknown)[] = [
    ({ far }) => far.resetAndDestroy(),
    ({ near }) => near.end(),
    ({ near }) => near.write('word'),
    ({ near }) => near.write(Buffer.alloc(3_000_000)),
  ]
  for (const first of acts) {
    for (const second of acts) {
      for (const third of acts) {
        const pair = await barePair(t)
        pair.near.resume()
        first(pair)
        second(pair)
        third(pair)
        pair.far.resetAndDestroy()
        await until('it is over', () => pair.told.news.includes('close') || pair.told.news.includes('end'))
        pair.near.destroy()
        await until('it is closed', () => pair.told.news.includes('close'))
        assert.equal(pair.told.news.filter((news) => news === 'close').length, 1)
      }
    }
  }
})
