import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { BARE_ENDS, type BarePair, barePair, skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import { turn, until } from '../../../test/support/until.ts'
import { sharedReadBuffer } from '../onread.ts'

/** Collects what a socket of Node reads. */
function heard(far: Socket): { text: () => string; bytes: () => number; ended: () => boolean } {
  const chunks: Buffer[] = []
  let ended = false
  far.on('data', (chunk: Buffer) => chunks.push(chunk))
  far.on('end', () => {
    ended = true
  })
  return {
    text: () => Buffer.concat(chunks).toString('latin1'),
    bytes: () => chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    ended: () => ended,
  }
}

/** Makes the near end queue: the far one reads nothing until it is told to. Returns how many bytes were written. */
function fill({ near, far }: BarePair, block = Buffer.alloc(1024 * 1024, 'x')): number {
  far.pause()
  let bytes = 0
  while (near.writableLength < 4 * block.length) {
    near.write(block)
    bytes += block.length
  }
  return bytes
}

for (const end of BARE_ENDS) {
  test(`either side may finish first, and still hears the other: ${end}`, { skip }, async (t) => {
    const first = await barePair(t, end)
    const far = heard(first.far)
    first.near.resume()
    first.far.end('question')
    await until('the end', () => first.told.news.includes('end'))
    assert.equal(first.told.text, 'question')
    assert.deepEqual([first.near.readableEnded, first.near.writable, first.near.destroyed], [true, true, false])
    assert.ok(first.near.write('answer'))
    first.near.end(() => first.near.destroy())
    await until('its end', () => far.ended())
    assert.equal(far.text(), 'answer')
    await until('it is closed', () => first.told.news.includes('close'))
    assert.deepEqual(first.told.news, ['end', 'close'])

    const second = await barePair(t, end)
    const other = heard(second.far)
    second.near.resume()
    second.near.write('question')
    second.near.end()
    await until('the end', () => other.ended())
    assert.equal(other.text(), 'question')
    assert.deepEqual([second.near.writable, second.near.writableFinished, second.near.destroyed], [false, true, false])
    second.far.end('answer')
    await until('its end', () => second.told.news.includes('end'))
    assert.equal(second.told.text, 'answer')
    assert.equal(second.near.destroyed, false, 'it closes when it is told to')
    second.near.destroy()
    await until('it is closed', () => second.told.news.includes('close'))
  })

  test(`many bytes both ways at once, to a reader who is slow: ${end}`, { skip }, async (t) => {
    const { near, far, told } = await barePair(t, end)
    told.keep = false
    const [sent, got, back, arrived] = ['', '', '', ''].map(() => createHash('sha256'))
    const block = randomBytes(333_333)
    const [count, size] = [30, 30 * 333_333]
    told.onTake = (chunk) => {
      arrived?.update(chunk)
      // Each read stops the reading, and something else starts it again.
      setImmediate(() => near.resume())
      return false
    }
    let farBytes = 0
    far.on('data', (chunk: Buffer) => {
      got?.update(chunk)
      farBytes += chunk.length
      far.pause()
      setImmediate(() => far.resume())
    })
    near.resume()
    const drains = () => told.news.filter((news) => news === 'drain').length
    let waits = 0
    const speaking = (async () => {
      for (let i = 0; i < count; i++) {
        sent?.update(block)
        if (near.write(block)) continue
        waits++
        assert.ok(near.writableNeedDrain && near.writableLength >= 64 * 1024)
        await until('it is drained', () => !near.writableNeedDrain)
        assert.deepEqual([near.writableLength, drains()], [0, waits], 'it is told once, when all is gone')
      }
    })()
    const answering = (async () => {
      for (let i = 0; i < count; i++) {
        back?.update(block)
        if (!far.write(block)) await once(far, 'drain')
      }
    })()
    await Promise.all([speaking, answering])
    await until('all is there', () => farBytes === size && told.bytes === size)
    assert.ok(waits > 0, 'the kernel did not take all of it at once')
    assert.deepEqual([got?.digest('hex'), arrived?.digest('hex')], [sent?.digest('hex'), back?.digest('hex')])
    assert.deepEqual([near.writableLength, near.writableNeedDrain], [0, false])
  })
}

test('what is queued is sent before the end', { skip }, async (t) => {
  const pair = await barePair(t)
  const bytes = fill(pair)
  const done: string[] = []
  pair.near.end(() => done.push('first'))
  pair.near.end(() => done.push('second'))
  assert.equal(pair.near.write('too late'), false)
  assert.deepEqual([pair.near.writableFinished, done], [false, []])
  const far = heard(pair.far.resume())
  await until('the end', () => far.ended())
  assert.equal(far.bytes(), bytes)
  await until('both are told', () => done.length === 2)
  assert.deepEqual([done, pair.near.writableFinished], [['first', 'second'], true])
  pair.near.end(() => done.push('third'))
  assert.equal(done.length, 2, 'never within the call')
  await until('the third is told', () => done.length === 3)
  assert.deepEqual(pair.told.news, [], 'nobody waits to be drained who has ended')
})

test('who destroys it with bytes in the queue is told of everything that waits, and of nothing else', {
  skip,
}, async (t) => {
  const pair = await barePair(t)
  fill(pair)
  const done: string[] = []
  pair.near.end(() => done.push('end'))
  pair.near.destroy()
  assert.deepEqual(done, ['end'])
  pair.near.end(() => done.push('later'))
  await until('it is closed', () => pair.told.news.includes('close'))
  pair.near.destroy()
  assert.deepEqual(done, ['end', 'later'])
  assert.deepEqual([pair.near.writable, pair.near.write('x'), pair.near.handle], [false, false, undefined])
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual([pair.told.news, pair.near.writableLength], [['close'], 0])
})

test('nothing that is asked of a destroyed one does anything', { skip }, async (t) => {
  const { near, told } = await barePair(t)
  let closed = 0
  near.onClosed = () => closed++
  near.destroy()
  near.resume()
  near.pause()
  near.end()
  near.destroy(new Error('late'))
  assert.deepEqual([near.write('x'), near.local(), near.remote()], [false, {}, {}])
  await until('it is closed', () => told.news.includes('close'))
  near.destroy()
  for (let turns = 0; turns < 5; turns++) await turn()
  assert.deepEqual([told.news, closed], [['close'], 1])
})

test('text is bytes, a character each, however long', { skip }, async (t) => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))
  const wide = `\u0100${all.repeat(100)}`
  const rows = [
    { why: 'nothing at all', text: '' },
    { why: 'every byte', text: all },
    { why: 'text within the buffer on the stack', text: all.repeat(60) },
    { why: 'more than 16 KB', text: all.repeat(80) },
    { why: 'more than the kernel takes at once', text: all.repeat(20_000) },
    { why: 'a short piece of text that Node keeps in two bytes a letter', text: wide.slice(1, 100) },
    { why: 'a long piece of it', text: wide.slice(1) },
  ]
  for (const { why, text } of rows) {
    for (const data of [text, Buffer.from(text, 'latin1'), new Uint8Array(Buffer.from(text, 'latin1'))]) {
      const pair = await barePair(t)
      const far = heard(pair.far)
      pair.near.write(data)
      pair.near.write('.')
      pair.near.end()
      await until(`the end: ${why}`, () => far.ended())
      assert.ok(far.text() === `${text}.`, why)
      pair.near.destroy()
    }
  }
})

test('pieces written behind each other keep their order, also behind a queue', { skip }, async (t) => {
  const pair = await barePair(t)
  const first = fill(pair)
  let expected = ''
  for (let number = 0; number < 2_000; number++) {
    const piece = `${number}${'\xe9'.repeat(number % 50)};`
    expected += piece
    pair.near.write(number % 3 === 0 ? Buffer.from(piece, 'latin1') : piece)
  }
  assert.equal(pair.near.writableLength > expected.length, true)
  pair.near.end()
  const far = heard(pair.far.resume())
  await until('the end', () => far.ended())
  assert.ok(far.text().slice(first) === expected)
})

test('bytes that are written over at once, when the kernel took them, arrive as they were', { skip }, async (t) => {
  const { near, far } = await barePair(t)
  const there = heard(far)
  const buffer = Buffer.alloc(1000)
  for (let value = 0; value < 60; value++) {
    near.write(buffer.fill(value))
    assert.equal(near.writableLength, 0)
  }
  near.end()
  await until('the end', () => there.ended())
  assert.deepEqual(
    [...new Set(there.text())].map((letter) => letter.charCodeAt(0)),
    [...Array(60).keys()],
  )
})

test('a paused one reads nothing, and loses nothing', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  far.write('one')
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual(
    [told.text, near.isPaused(), near.readableFlowing],
    ['', true, false],
    'nothing before it is asked for',
  )
  near.resume()
  near.resume()
  assert.deepEqual([near.isPaused(), near.readableFlowing], [false, true])
  await until('the first', () => told.text === 'one')
  near.pause()
  near.pause()
  far.end('two')
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual([told.text, told.news, near.isPaused()], ['one', [], true])
  near.resume()
  await until('the end', () => told.news.includes('end'))
  assert.equal(told.text, 'onetwo')
  near.resume()
  near.pause()
  assert.deepEqual(told.news, ['end'])
})

test('a reader who has enough is not read to any more, not even in the same turn', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  told.onTake = () => false
  far.write(Buffer.alloc(500_000, 'x'))
  let reads = 0
  while (told.bytes < 500_000) {
    near.resume()
    const before = told.chunks.length
    await until('a read', () => told.chunks.length > before)
    for (let turns = 0; turns < 3; turns++) await turn()
    assert.equal(told.chunks.length, before + 1)
    assert.ok(near.isPaused())
    reads++
  }
  assert.ok(reads >= 500_000 / sharedReadBuffer().length)
})

test('a reader may change while another is told, and gets the next read', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  let second = ''
  told.onTake = () => {
    near.reader = {
      take(buffer, count) {
        second += buffer.toString('latin1', 0, count)
        return true
      },
      nextBuffer: sharedReadBuffer,
    }
    return true
  }
  near.resume()
  far.write('for the first')
  await until('the first', () => told.text === 'for the first')
  far.write('for the second')
  await until('the second', () => second === 'for the second')
  assert.equal(told.text, 'for the first')
})

test('the buffer may become a large one and the shared one again, between any two reads', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  const shared = sharedReadBuffer()
  const large = [Buffer.allocUnsafeSlow(256 * 1024), Buffer.allocUnsafeSlow(10)]
  const hash = createHash('sha256')
  told.keep = false
  let largest = 0
  let number = 0
  told.onTake = (chunk) => {
    hash.update(chunk)
    largest = Math.max(largest, chunk.length)
    assert.ok(chunk.length <= told.buffer.length)
    told.buffer = [shared, ...large][number++ % 3] ?? shared
    return number % 7 !== 0
  }
  const resuming = setInterval(() => near.resume(), 1)
  t.after(() => clearInterval(resuming))
  near.resume()
  const bytes = randomBytes(8_000_000)
  far.end(bytes)
  await until('the end', () => told.news.includes('end'))
  assert.equal(told.bytes, bytes.length)
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
  assert.ok(largest > shared.length, `the large buffer was never full: ${largest}`)
})

test('a buffer that was wanted is left alone once it is forgotten', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  near.forgetBuffer()
  near.resume()
  told.buffer = Buffer.alloc(1000)
  far.write('one')
  await until('it is read', () => told.text === 'one')
  const wanted = told.buffer
  told.buffer = sharedReadBuffer()
  near.forgetBuffer()
  far.write('two')
  await until('it is read', () => told.text === 'onetwo')
  assert.deepEqual(wanted, Buffer.alloc(1000))
  near.destroy()
  near.forgetBuffer()
})

test('an answer written while a read is told, and its end, get there', { skip }, async (t) => {
  const { near, far, told } = await barePair(t)
  const there = heard(far)
  told.onTake = (chunk) => {
    near.write(chunk)
    if (chunk.includes('LOGOUT')) near.end(() => near.destroy())
    return true
  }
  near.resume()
  far.write('NOOP\r\n')
  await until('an answer', () => there.text() === 'NOOP\r\n')
  far.write('LOGOUT\r\n')
  await until('the end', () => there.ended())
  assert.equal(there.text(), 'NOOP\r\nLOGOUT\r\n')
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual(told.news, ['close'])
})

test('both ends are known while it is open', { skip }, async (t) => {
  for (const end of BARE_ENDS) {
    for (const address of ['127.0.0.1', '::1']) {
      const { near, far } = await barePair(t, end, address)
      const { address: ip, port } = near.remote()
      assert.deepEqual([ip, port], [address, far.localPort])
      assert.deepEqual([near.local().address, near.local().port], [address, far.remotePort])
    }
  }
})
