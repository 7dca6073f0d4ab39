import assert from 'node:assert/strict'
import { once } from 'node:events'
import { testEachWay } from '../../test/support/stream-pair.ts'
import { lendConnection } from './lent-connection.ts'

testEachWay('what was read before goes along, and what comes then is read by nobody', async (t, open) => {
  const { stream, near, far } = await open(t)
  far.write('a LOGIN joe pw\r\nb NO')
  assert.equal(await stream.readLine(100), 'a LOGIN joe pw')
  const lent = lendConnection(stream, () => assert.fail('nobody gives it back'))
  assert.equal(lent?.unread.toString(), 'b NO')
  far.write('OP\r\n')
  const other = await open(t)
  // A round trip through the same event loop: by now those bytes would have come.
  other.far.write('x\n')
  await other.stream.readLine(10)
  assert.deepEqual([lent.socket, stream.bytesIn, stream.buffered], [near, 20, 0])
})

testEachWay('a connection that is given back goes on where it was', async (t, open) => {
  const { stream, far } = await open(t)
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

testEachWay('one that was closed meanwhile is over when it is given back', async (t, open) => {
  const { stream } = await open(t)
  const lent = lendConnection(stream, () => undefined)
  lent?.socket.destroy()
  lent?.giveBack()
  assert.equal(await stream.readLine(100), undefined)
  assert.equal(stream.ended, true)
})

testEachWay('a connection that is over is not lent, nor one whose client has still to read', async (t, open) => {
  const [gone, slow] = [await open(t), await open(t)]
  gone.stream.destroy()
  slow.far.pause()
  while (slow.near.writableLength === 0) slow.stream.write(Buffer.alloc(1024 * 1024))
  const lent = [gone, slow].map(({ stream }) => lendConnection(stream, () => undefined))
  assert.deepEqual(lent, [undefined, undefined])
})
