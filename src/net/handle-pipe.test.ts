import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { barePair, skipWithoutBare } from '../../test/support/bare-pair.ts'
import { socketPair } from '../../test/support/socket-pair.ts'
import { until } from '../../test/support/until.ts'
import { type HandlePipe, handlePipes, readAgain, stopReading } from './handle-pipe.ts'

interface Heard {
  readonly message: unknown
  readonly socket: Socket | undefined
}

/** Two ends of a pipe, what the far one hears, and how to wait for so much of it. */
async function pipePair(t: TestContext) {
  assert.ok(handlePipes, 'this Node can hand over connections')
  const directory = mkdtempSync(join(tmpdir(), 'postern-pipe-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const heard: Heard[] = []
  const far = Promise.withResolvers<HandlePipe>()
  const closed = Promise.withResolvers<void>()
  let news = Promise.withResolvers<void>()
  const server = handlePipes.listen(join(directory, 'pipe'), (pipe) => {
    pipe.owner = {
      pipeMessage(message, socket) {
        heard.push({ message, socket })
        news.resolve()
      },
      pipeClosed: () => closed.resolve(),
    }
    far.resolve(pipe)
  })
  const near = await handlePipes.connect(join(directory, 'pipe'))
  const other = await far.promise
  t.after(() => {
    near.close()
    other.close()
    server.close()
    for (const { socket } of heard) socket?.destroy()
  })
  const hear = async (count: number): Promise<readonly Heard[]> => {
    for (; heard.length < count; news = Promise.withResolvers()) await news.promise
    return heard
  }
  return { near, far: other, hear, closed: closed.promise }
}

test('messages come whole and in order, whatever letters they have', async (t) => {
  const { near, hear } = await pipePair(t)
  const said = [{ text: 'line\nline' }, { text: 'joë 😀' }, { text: 'x'.repeat(300_000) }, { text: '' }]
  for (const message of said) near.send(message)
  assert.deepEqual(
    (await hear(said.length)).map(({ message }) => message),
    said,
  )
})

test('a connection that was sent along is served at the other end, from the first byte nobody read', async (t) => {
  const { near, hear } = await pipePair(t)
  const client = await socketPair(t)
  const sent: boolean[] = []
  client.near.once('data', () => {
    const rest = stopReading(client.near)
    client.far.write('third ')
    near.send({ before: true })
    near.sendSocket({ rest: rest?.toString() }, client.near, (isSent) => sent.push(isSent))
    near.send({ after: true })
  })
  client.far.write('first ')
  const [before, handed, after] = await hear(3)
  assert.deepEqual([before?.message, before?.socket, after?.socket], [{ before: true }, undefined, undefined])
  assert.deepEqual(handed?.message, { rest: '' })
  const socket = handed?.socket
  assert.ok(socket)
  const [bytes] = await once(socket, 'data')
  assert.equal(String(bytes), 'third ')
  socket.write('answer')
  const [answer] = await once(client.far, 'data')
  assert.equal(String(answer), 'answer')
  assert.deepEqual(sent, [true])
  // What this end closes is not what the client has.
  client.near.destroy()
  socket.write('more')
  const [more] = await once(client.far, 'data')
  assert.equal(String(more), 'more')
  socket.end()
  client.far.resume()
  await once(client.far, 'end')
})

test('what was read ahead while nobody took it is found again', async (t) => {
  const { near, hear } = await pipePair(t)
  const client = await socketPair(t)
  client.near.on('readable', () => undefined)
  client.far.write('ahead')
  while (client.near.readableLength < 5) await once(client.near, 'readable')
  const read = stopReading(client.near)
  assert.equal(read?.toString(), 'ahead')
  near.sendSocket({}, client.near, () => undefined)
  const [handed] = await hear(1)
  client.far.end('later')
  const [bytes] = await once(handed?.socket as Socket, 'data')
  assert.equal(String(bytes), 'later')
})

test('many connections at once keep to their messages', async (t) => {
  const { near, hear } = await pipePair(t)
  const clients = await Promise.all(Array.from({ length: 40 }, async () => await socketPair(t)))
  for (const [number, client] of clients.entries()) {
    stopReading(client.near)
    near.send({ filler: 'x'.repeat(number * 100) })
    near.sendSocket({ port: client.far.localPort }, client.near, () => undefined)
  }
  const handed = (await hear(80)).filter(({ socket }) => socket !== undefined)
  assert.equal(handed.length, 40)
  for (const { message, socket } of handed) assert.deepEqual(message, { port: socket?.remotePort })
})

test('it is said when a connection could not be sent', async (t) => {
  const { near, far, closed } = await pipePair(t)
  const client = await socketPair(t)
  far.close()
  await closed
  while (near.isOpen) await new Promise((resolve) => setImmediate(resolve))
  const sent: boolean[] = []
  near.sendSocket({}, client.near, (isSent) => sent.push(isSent))
  assert.deepEqual([sent, client.near.destroyed], [[false], false])
})

test('who lets go of a connection unread leaves every byte to the one who sent it', async (t) => {
  const { near, hear } = await pipePair(t)
  const client = await socketPair(t)
  client.far.write('first ')
  await once(client.near, 'readable')
  const read = stopReading(client.near)
  client.far.write('second')
  near.sendSocket({}, client.near, () => undefined)
  const [handed] = await hear(1)
  handed?.socket?.destroy()
  readAgain(client.near)
  const [bytes] = await once(client.near, 'data')
  assert.deepEqual([read?.toString(), String(bytes)], ['first ', 'second'])
})

test('a connection that is gone cannot be given away', async (t) => {
  const client = await socketPair(t)
  client.near.destroy()
  assert.equal(stopReading(client.near), undefined)
})

test('a bare connection is given away like another, and what this end closes is not what the client has', {
  skip: skipWithoutBare,
}, async (t) => {
  const { near, hear } = await pipePair(t)
  const client = await barePair(t)
  const sent: boolean[] = []
  client.told.onTake = () => {
    assert.equal(stopReading(client.near)?.length, 0)
    client.far.write('second ')
    near.sendSocket({ first: client.told.text }, client.near, (isSent) => sent.push(isSent))
    return true
  }
  client.near.resume()
  client.far.write('first ')
  const [handed] = await hear(1)
  assert.deepEqual(handed?.message, { first: 'first ' })
  const socket = handed?.socket as Socket
  const [bytes] = await once(socket, 'data')
  assert.equal(String(bytes), 'second ')
  assert.deepEqual([client.told.text, sent], ['first ', [true]])
  client.near.destroy()
  await until('it is closed here', () => client.told.news.includes('close'))
  socket.write('answer')
  const [answer] = await once(client.far, 'data')
  assert.equal(String(answer), 'answer')
  socket.end()
  await once(client.far.resume(), 'end')
})

test('a bare connection that comes back unread goes on, and one that is gone is not given away', {
  skip: skipWithoutBare,
}, async (t) => {
  const { near, hear } = await pipePair(t)
  const client = await barePair(t)
  client.near.resume()
  client.far.write('first ')
  await until('the first', () => client.told.text === 'first ')
  stopReading(client.near)
  client.far.write('second')
  near.sendSocket({}, client.near, () => undefined)
  const [handed] = await hear(1)
  handed?.socket?.destroy()
  assert.equal(client.told.text, 'first ')
  readAgain(client.near)
  await until('the second', () => client.told.text === 'first second')
  client.near.write('answer')
  const [answer] = await once(client.far, 'data')
  assert.equal(String(answer), 'answer')
  client.near.destroy()
  assert.equal(stopReading(client.near), undefined)
  readAgain(client.near)
  const sent: boolean[] = []
  near.sendSocket({}, client.near, (isSent) => sent.push(isSent))
  assert.deepEqual(sent, [false])
})

test('many bare connections at once keep to their messages', { skip: skipWithoutBare }, async (t) => {
  const { near, hear } = await pipePair(t)
  const clients = await Promise.all(Array.from({ length: 40 }, async () => await barePair(t)))
  for (const client of clients) {
    near.sendSocket({ port: client.far.localPort }, client.near, () => client.near.destroy())
  }
  for (const { message, socket } of await hear(40)) assert.deepEqual(message, { port: socket?.remotePort })
  await until('all are closed here', () => clients.every(({ told }) => told.news.includes('close')))
})

test('nobody listening is said at once', async () => {
  await assert.rejects(
    async () => await handlePipes?.connect('/nonexistent/pipe'),
    /connect\(\/nonexistent\/pipe\) failed/,
  )
})
