import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { skipWithoutBare as skip, Told } from '../../../test/support/bare-pair.ts'
import { until } from '../../../test/support/until.ts'
import { acceptBare, type BareAcceptor } from './accept.ts'
import type { BareSocket } from './bare-socket.ts'

interface Opened {
  readonly server: Server
  readonly taken: BareSocket[]
  readonly refused: string[]
  readonly dial: () => Promise<Socket>
}

async function open(t: TestContext, full: BareAcceptor['full'] = () => false): Promise<Opened> {
  const [taken, refused]: [BareSocket[], string[]] = [[], []]
  const server = createServer({ allowHalfOpen: true })
  server.on('connection', () => assert.fail('it went by way of net.Socket'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  acceptBare(server, {
    full,
    taken: (socket) => taken.push(socket),
    refused: (error) => refused.push(error.message),
  })
  t.after(() => {
    server.close()
    for (const socket of taken) socket.destroy()
  })
  const dial = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { server, taken, refused, dial }
}

test('connections come as they are, with both ends, and not read yet', { skip }, async (t) => {
  const { taken, refused, dial } = await open(t)
  const clients = [await dial(), await dial()]
  await until('both are there', () => taken.length === 2)
  for (const socket of taken) {
    const client = clients.find(({ localPort }) => localPort === socket.remote().port)
    assert.ok(client)
    assert.deepEqual([socket.local().port, socket.isPaused()], [client.remotePort, true])
    const told = new Told(socket)
    socket.resume()
    client.end('hello')
    await until('it is read', () => told.text === 'hello' && told.news.includes('end'))
  }
  assert.deepEqual(refused, [])
})

test('one too many is closed and told, and there is room again', { skip }, async (t) => {
  const { taken, refused, dial } = await open(t, () => taken.some(({ destroyed }) => !destroyed))
  await dial()
  await until('one is in', () => taken.length === 1)
  const second = await dial()
  await once(second.resume(), 'close')
  assert.deepEqual([taken.length, refused], [1, ['too many connections']])
  taken[0]?.destroy()
  await dial()
  await until('the next is in', () => taken.length === 2)
})

test('a server that accepts no more leaves its connections', { skip }, async (t) => {
  const { server, taken, dial } = await open(t)
  const client = await dial()
  await until('it is in', () => taken.length === 1)
  const closed = once(server, 'close')
  server.close()
  await closed
  taken[0]?.write('still here')
  const [bytes] = (await once(client, 'data')) as [Buffer]
  assert.equal(bytes.toString(), 'still here')
})

test('a server that does not listen stays as it is', { skip }, () => {
  acceptBare(createServer(), {
    full: () => false,
    taken: () => assert.fail('from where?'),
    refused: () => assert.fail('of whom?'),
  })
})
