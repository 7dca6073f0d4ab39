import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { socketPair } from '../../test/support/socket-pair.ts'
import { lendConnection } from './lent-connection.ts'
import { SocketStream } from './socket-stream.ts'

test('what was read before goes along, and what comes then is read by nobody', async (t) => {
  const { near, far } = await socketPair(t)
  const stream = new SocketStream(near)
  far.write('a LOGIN joe pw\r\nb NO')
  assert.equal(await stream.readLine(100), 'a LOGIN joe pw')
  const lent = lendConnection(stream, () => assert.fail('nobody gives it back'))
  assert.equal(lent?.unread.toString(), 'b NO')
  far.write('OP\r\n')
  const other = await socketPair(t)
  // A round trip through the same event loop: by now those bytes would have come.
  other.far.write('x')
  await once(other.near, 'data')
  assert.deepEqual([lent.socket, near.bytesRead], [near, 20])
})

test('a connection that is given back goes on where it was', async (t) => {
  const { near, far } = await socketPair(t)
  const stream = new SocketStream(near)
  far.write('a LOGIN joe pw\r\nb NO')
  await stream.readLine(100)
  let back = 0
  const lent = lendConnection(stream, () => back++)
  far.write('OP\r\n')
  lent?.giveBack()
  assert.equal(back, 1)
  assert.equal(await stream.readLine(100), 'b NOOP')
  stream.write('b OK\r\n')
  const [reply] = await once(far, 'data')
  assert.equal(String(reply), 'b OK\r\n')
  far.end()
  assert.equal(await stream.readLine(100), undefined)
})

test('one that was closed meanwhile is over when it is given back', async (t) => {
  const { near } = await socketPair(t)
  const stream = new SocketStream(near)
  const lent = lendConnection(stream, () => undefined)
  lent?.socket.destroy()
  lent?.giveBack()
  assert.equal(await stream.readLine(100), undefined)
  assert.equal(stream.ended, true)
})

test('a connection that is over is not lent, nor one whose client has still to read', async (t) => {
  const [gone, slow] = [await socketPair(t), await socketPair(t)]
  const streams = [new SocketStream(gone.near), new SocketStream(slow.near)]
  streams[0]?.destroy()
  slow.far.pause()
  while (slow.near.writableLength === 0) streams[1]?.write(Buffer.alloc(1024 * 1024))
  const lent = streams.map((stream) => lendConnection(stream, () => undefined))
  assert.deepEqual(lent, [undefined, undefined])
})
