import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { testEachWay } from '../../test/support/stream-pair.ts'
import { ConnectionLost, DeadlineExceeded, LineTooLong, READ_AHEAD_BYTES } from './byte-stream.ts'
import { DISCARD } from './onread.ts'
import { NOBODY, own } from './socket-owner.ts'
import { SocketStream } from './socket-stream.ts'

/** More output than this makes a socket wait: Node's default, and a bare socket's. */
const WRITE_MARK_BYTES = 64 * 1024

/** How many listeners each event of a socket has; a bare one has no events. */
function listenersOf(socket: object): unknown {
  if (!(socket instanceof EventEmitter)) return []
  return socket.eventNames().map((event) => [event, socket.listenerCount(event)])
}

function memoryPair(): { stream: SocketStream; far: Duplex } {
  const [near, far] = duplexPair({ allowHalfOpen: true })
  return { stream: new SocketStream(near), far }
}

/** Resolves when the condition holds; looked at each turn of the loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

test('lines and counted bytes come in the order they were sent', async () => {
  const { stream, far } = memoryPair()
  far.write('a LOGIN joe {3}\r\nx\0y\r\nb NOOP\r\n\xff')
  assert.equal(await stream.readLine(100), 'a LOGIN joe {3}')
  assert.deepEqual(await stream.readBytes(3), Buffer.from('x\0y'))
  assert.equal(await stream.readLine(100), '')
  assert.equal(await stream.readLine(100), 'b NOOP')
  assert.deepEqual(await stream.readSome(100), Buffer.from('\xff'))
  const waiting = stream.readLine(100)
  far.end('last\n')
  assert.equal(await waiting, 'last')
  assert.equal(await stream.readLine(100), undefined)
  assert.ok(stream.ended)
})

test('what came before the end is read, half a line is not', async () => {
  const { stream, far } = memoryPair()
  far.end('whole\r\nhalf')
  await until(() => stream.ended)
  assert.equal(await stream.readLine(100), 'whole')
  assert.equal(await stream.readLine(100), undefined)
  assert.equal(await stream.readBytes(5), undefined)
  assert.deepEqual(await stream.readSome(2), Buffer.from('ha'))
  assert.deepEqual(await stream.readSome(9), Buffer.from('lf'))
  assert.equal(await stream.readSome(9), undefined)
})

testEachWay('an answer can still be sent after the peer finished sending', async (t, open) => {
  const { stream, far } = await open(t)
  far.end('a NOOP\r\n')
  await until(() => stream.ended)
  assert.equal(await stream.readLine(100), 'a NOOP')
  stream.write('a OK\r\n')
  const [answer] = (await once(far, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'a OK\r\n')
  await stream.close()
})

testEachWay('10 MB without an end of line stay outside', async (t, open) => {
  const { stream, near, far } = await open(t)
  far.write(Buffer.alloc(10 * 1024 * 1024, 'x'))
  await assert.rejects(async () => await stream.readLine(8192), LineTooLong)
  const readAhead = (): number => stream.buffered + ((near as Partial<Duplex>).readableLength ?? 0)
  await until(() => readAhead() >= READ_AHEAD_BYTES)
  let most = 0
  for (let turn = 0; turn < 200; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, readAhead())
  }
  assert.ok(most <= 3 * READ_AHEAD_BYTES, `${most} bytes were read ahead`)
  await assert.rejects(async () => await stream.readLine(8192), LineTooLong, 'it stays too long')
})

testEachWay('reading goes on when what was read ahead is taken', async (t, open) => {
  const { stream, far } = await open(t)
  const line = `${'x'.repeat(98)}\r\n`
  const count = 10_000
  far.write(line.repeat(count))
  await until(() => stream.buffered >= READ_AHEAD_BYTES)
  for (let i = 0; i < count; i++) assert.equal((await stream.readLine(100))?.length, 98)
  assert.equal(stream.bytesIn, count * 100)
})

testEachWay('a reader may ask for more than the read-ahead', async (t, open) => {
  const { stream, far } = await open(t)
  far.write(Buffer.alloc(1024 * 1024, 7))
  await until(() => stream.buffered >= READ_AHEAD_BYTES)
  assert.equal((await stream.readBytes(1024 * 1024))?.length, 1024 * 1024)
})

testEachWay('a peer that reads nothing is read no further', async (t, open) => {
  const { stream, near, far } = await open(t)
  far.pause()
  const answers = 100_000
  const sent = (async () => {
    for (let i = 0; i < answers; i++) if (!far.write(`a${i} NOOP\r\n`)) await once(far, 'drain')
  })()
  let served = 0
  const serving = (async () => {
    for (;;) {
      const line = await stream.readLine(100)
      if (line === undefined) return
      served++
      stream.write(`${line} ${'x'.repeat(1000)}\r\n`)
    }
  })()
  await until(() => near.writableNeedDrain)
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(near.writableLength < 2 * WRITE_MARK_BYTES, `${near.writableLength} bytes of output wait`)
  assert.ok(served < answers)
  far.resume()
  await sent
  far.end()
  await serving
  assert.equal(served, answers)
})

test('a deadline fails the reader, also one that finds bytes, until it is set anew', async () => {
  const { stream, far } = memoryPair()
  stream.setDeadline(20)
  await assert.rejects(async () => await stream.readLine(100), DeadlineExceeded)
  far.write('late\r\n')
  await until(() => stream.buffered > 0)
  await assert.rejects(async () => await stream.readLine(100), DeadlineExceeded)
  stream.setDeadline(60_000)
  assert.equal(await stream.readLine(100), 'late')
  stream.setDeadline(undefined)
})

test('an endless deadline is one that never comes', async () => {
  const { stream, far } = memoryPair()
  stream.setDeadline(Number.POSITIVE_INFINITY)
  await new Promise((resolve) => setTimeout(resolve, 10))
  far.write('x\r\n')
  assert.equal(await stream.readLine(100), 'x')
  stream.setDeadline(undefined)
})

test('a deadline of the same length starts again', async () => {
  const { stream, far } = memoryPair()
  const started = performance.now()
  stream.setDeadline(60)
  await new Promise((resolve) => setTimeout(resolve, 40))
  stream.setDeadline(60)
  await assert.rejects(async () => await stream.readLine(100), DeadlineExceeded)
  assert.ok(performance.now() - started >= 95)
  stream.setDeadline(60_000)
  far.write('x\r\n')
  assert.equal(await stream.readLine(100), 'x', 'and again after it passed')
  stream.setDeadline(undefined)
})

testEachWay('a reset is a fault, told to readers and to whoever watches for the end', async (t, open) => {
  const { stream, far } = await open(t)
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  far.write('whole\r\nhalf')
  await until(() => stream.buffered > 0)
  far.resetAndDestroy()
  const fault = await ended
  assert.ok(fault instanceof ConnectionLost)
  assert.equal(fault.message, 'Connection reset by peer')
  assert.equal(await stream.readLine(100), 'whole')
  await assert.rejects(async () => await stream.readLine(100), ConnectionLost)
  stream.write('to nobody')
  await assert.rejects(stream.drained(), ConnectionLost)
  const late = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  assert.equal(await late, fault, 'a watcher that comes late is told as well')
})

testEachWay('a peer leaving is noticed while nobody reads', async (t, open) => {
  const { stream, far } = await open(t)
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  far.end()
  assert.equal(await ended, undefined)
})

testEachWay('drained waits for the peer to read', async (t, open) => {
  const { stream, far } = await open(t)
  far.pause()
  await stream.drained()
  stream.write(Buffer.alloc(32 * 1024 * 1024))
  let drained = false
  const done = stream.drained().then(() => {
    drained = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(!drained)
  far.resume()
  await done
  stream.setDeadline(20)
  far.pause()
  stream.write(Buffer.alloc(32 * 1024 * 1024))
  await assert.rejects(stream.drained(), DeadlineExceeded)
})

testEachWay('who waits for the peer to read is told when the connection is closed here', async (t, open) => {
  for (const how of ['close', 'destroy'] as const) {
    const { stream, near, far } = await open(t)
    far.pause()
    stream.write(Buffer.alloc(32 * 1024 * 1024))
    const waiting = stream.drained()
    void stream[how]()
    await assert.rejects(waiting, ConnectionLost, how)
    near.destroy()
  }
})

testEachWay('close sends the last words although the peer sent more than was read', async (t, open) => {
  const { stream, far } = await open(t)
  const heard: Buffer[] = []
  far.on('data', (data: Buffer) => heard.push(data))
  far.write(Buffer.alloc(300_000, 'x'))
  await until(() => stream.buffered > 0)
  stream.write('* BYE Too many invalid commands.\r\n')
  const closed = stream.close()
  await once(far, 'end')
  far.end()
  await closed
  assert.equal(Buffer.concat(heard).toString(), '* BYE Too many invalid commands.\r\n')
})

testEachWay('close does not wait for a peer that never leaves', async (t, open) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { stream, near, far } = await open(t)
  const waiting = stream.readLine(100)
  const closed = stream.close()
  assert.equal(await waiting, undefined, 'a reader is told')
  await once(far.resume(), 'end')
  t.mock.timers.tick(5_000)
  await closed
  assert.ok(near.destroyed)
})

test('destroy ends a waiting reader and tells the watcher', async () => {
  const { stream } = memoryPair()
  const waiting = stream.readLine(100)
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  stream.destroy()
  assert.equal(await waiting, undefined)
  assert.equal(await ended, undefined)
  await stream.close()
})

testEachWay('a detached socket lost nothing, and its next owner hears everything', async (t, open) => {
  const { stream, near, far } = await open(t)
  stream.setDeadline(60_000)
  stream.onEnd(() => assert.fail('nobody asked'))
  stream.write('* OK\r\n')
  far.write('a LOGIN\r\nb NOOP\r\nc ')
  assert.equal(await stream.readLine(100), 'a LOGIN')
  const listeners = listenersOf(near)
  const { socket, leftover, bytesIn, bytesOut, onread } = stream.detach()
  const heard: string[] = []
  const socketData = (chunk: Buffer): void => void heard.push(chunk.toString())
  const ended = new Promise<void>((resolve) => {
    own(socket, { ...NOBODY, socketData, socketEnded: resolve }, onread === undefined)
  })
  const take = (chunk: Buffer): boolean => {
    socketData(chunk)
    return true
  }
  if (onread !== undefined) onread.reader = { ...DISCARD, take: (buffer, count) => take(buffer.subarray(0, count)) }
  assert.equal(leftover.toString(), 'b NOOP\r\nc ')
  assert.deepEqual([bytesIn, bytesOut], [19, 6])
  far.end('IDLE\r\n')
  await ended
  assert.equal(heard.join(''), 'IDLE\r\n')
  assert.deepEqual(listenersOf(near), listeners, 'a socket gets its listeners once')
})

test('two readers at once are a mistake of ours', async () => {
  const { stream, far } = memoryPair()
  const first = stream.readLine(100)
  await assert.rejects(async () => await stream.readLine(100), /two readers/)
  far.write('x\r\n')
  assert.equal(await first, 'x')
})

test('where the pieces were cut changes nothing', async () => {
  const piece = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', '\0', '\xff'), maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const { stream, far } = memoryPair()
      const whole = pieces.join('')
      const feeding = (async () => {
        for (const bytes of pieces) {
          far.write(bytes, 'latin1')
          await new Promise((resolve) => setImmediate(resolve))
        }
        far.end()
      })()
      const lines: string[] = []
      for (let line = await stream.readLine(1000); line !== undefined; line = await stream.readLine(1000))
        lines.push(line)
      await feeding
      const expected = whole.split('\n').slice(0, -1)
      assert.deepEqual(
        lines,
        expected.map((line) => line.replace(/\r$/, '')),
      )
    }),
    { numRuns: 50 },
  )
})

testEachWay('addresses are those of the connection, IPv6 as well', async (t, open) => {
  for (const address of ['127.0.0.1', '::1']) {
    const { stream, near, far } = await open(t, address)
    assert.deepEqual(stream.remote, { ip: address, port: far.localPort })
    assert.deepEqual(stream.local, { ip: address, port: far.remotePort })
    near.destroy()
    assert.equal(stream.remote.ip, address, 'and are remembered')
  }
  assert.deepEqual(memoryPair().stream.remote, { ip: '', port: 0 })
})
