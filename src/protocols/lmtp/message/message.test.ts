import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Message, MESSAGE_LIMITS, MessageAborted, type MessageReader, ReaderTooSlow } from './message.ts'

const { blockBytes, heldBytes } = MESSAGE_LIMITS

async function readAll(reader: MessageReader): Promise<{ text: string; sizes: number[] }> {
  const pieces: Buffer[] = []
  const sizes: number[] = []
  for (;;) {
    const block = await reader.next()
    pieces.push(...block.pieces)
    sizes.push(block.size)
    if (block.last) return { text: Buffer.concat(pieces).toString('latin1'), sizes }
  }
}

test('a small message comes in one block, once it is complete', async () => {
  const message = new Message()
  const reader = message.open(1000)
  const read = readAll(reader)
  message.append(Buffer.from('hello '))
  await turn()
  assert.equal(reader.starving, true)
  message.append(Buffer.from('world'))
  message.finish()
  assert.deepEqual(await read, { text: 'hello world', sizes: [11] })
})

test('blocks are full but for the last, which may be empty', async () => {
  const rows: [size: number, sizes: number[]][] = [
    [0, [0]],
    [1, [1]],
    [blockBytes, [blockBytes]],
    [blockBytes + 1, [blockBytes, 1]],
    [2 * blockBytes, [blockBytes, blockBytes]],
  ]
  for (const [size, sizes] of rows) {
    const message = new Message()
    const reader = message.open(1000)
    message.append(Buffer.alloc(size, 'x'))
    message.finish()
    assert.deepEqual((await readAll(reader)).sizes, sizes)
  }
  const message = new Message()
  const read = readAll(message.open(1000))
  message.append(Buffer.alloc(blockBytes, 'x'))
  await turn()
  message.finish()
  assert.deepEqual((await read).sizes, [blockBytes, 0], 'the end was not known when the block was given out')
})

test('every reader gets the same bytes, in pieces of whatever size they came', async () => {
  for (const pieceBytes of [1, 7, 1000, MESSAGE_LIMITS.smallBytes, 50_000]) {
    const message = new Message()
    const readers = [message.open(1000), message.open(1000)].map(readAll)
    let sent = ''
    for (let number = 0; sent.length < Math.min(300_000, 40_000 * pieceBytes); number++) {
      const piece = `${number}.`.padEnd(pieceBytes, '-').slice(0, pieceBytes)
      sent += piece
      message.append(Buffer.from(piece))
      await message.room()
    }
    message.finish()
    for (const read of readers) assert.equal((await read).text, sent, `pieces of ${pieceBytes}`)
  }
})

test('the writer waits while the window is full, for the slowest reader', async () => {
  const message = new Message()
  const quick = message.open(60_000)
  const slow = message.open(60_000)
  const piece = Buffer.alloc(64 * 1024)
  while (message.size < heldBytes) message.append(piece)
  let hasRoom = false
  const room = message.room().then(() => (hasRoom = true))
  for (let taken = 0; taken < heldBytes; taken += blockBytes) await quick.next()
  await turn()
  assert.equal(hasRoom, false, 'the quick one alone makes no room')
  await slow.next()
  await turn()
  assert.equal(hasRoom, false, 'a block that was given out is still in memory')
  await slow.next()
  await room
  message.abort()
})

test('a window without readers is as good as no window', async () => {
  const message = new Message()
  const reader = message.open(1000)
  while (message.size < heldBytes) message.append(Buffer.alloc(64 * 1024))
  const room = message.room()
  reader.close()
  await room
  for (let count = 0; count < 1000; count++) {
    message.append(Buffer.alloc(64 * 1024))
    await message.room()
  }
  assert.deepEqual(message.slice(0, message.size), [])
})

test('a reader that holds up another loses its place when its patience is used up', async () => {
  let nowMs = 0
  const message = new Message(() => nowMs)
  const stuck = message.open(30)
  const quick = message.open(30)
  const read = readAll(quick)
  while (message.size < heldBytes) message.append(Buffer.alloc(64 * 1024))
  const clock = setInterval(() => (nowMs += 10), 5)
  await message.room()
  clearInterval(clock)
  message.finish()
  assert.equal(
    (await read).sizes.reduce((sum, size) => sum + size),
    heldBytes,
  )
  await assert.rejects(stuck.next(), ReaderTooSlow)
})

test('a reader that is the only one may take as long as it likes', async () => {
  let nowMs = 0
  const message = new Message(() => nowMs)
  const reader = message.open(10)
  while (message.size < heldBytes) message.append(Buffer.alloc(64 * 1024))
  const room = message.room()
  await turn()
  nowMs += 1_000_000
  await reader.next()
  await reader.next()
  await room
  await reader.next()
  message.abort()
})

test('what a reader takes gives it patience back, but never more than it had', async () => {
  const message = new Message()
  const reader = message.open(5_000)
  message.append(Buffer.alloc(3 * blockBytes))
  reader.charge(3_000)
  await reader.next()
  await reader.next()
  assert.equal(reader.patienceMs, 4_000)
  await reader.next()
  assert.equal(reader.patienceMs, 5_000)
})

test('a message that is taken back has no end for any reader', async () => {
  const message = new Message()
  const reading = message.open(1000).next()
  const full = message.open(1000)
  message.append(Buffer.alloc(blockBytes))
  await full.next()
  assert.equal((await reading).last, false)
  const waiting = full.next()
  message.abort()
  await assert.rejects(waiting, MessageAborted)
  message.finish()
  assert.equal(message.state, 'aborted', 'and cannot be finished afterwards')
})

test('a message in single bytes costs about its size in memory', () => {
  const message = new Message()
  const reader = message.open(1000)
  for (let count = 0; count < 100_000; count++) message.append(Buffer.from('x'))
  const pieces = message.slice(0, message.size)
  assert.ok(pieces.length <= Math.ceil(100_000 / MESSAGE_LIMITS.smallBytes), `${pieces.length} pieces`)
  reader.close()
})
