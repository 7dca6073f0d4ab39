import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { codeOf } from '../fault-text.ts'
import { acceptBare } from './accept.ts'
import { bareBinding } from './binding.ts'
import { connectBare } from './connect.ts'
import { End, expect, sayGoodbye } from './self-test-end.ts'
import { testBareTls } from './self-test-tls.ts'

/** More than two sockets' buffers hold. */
const MUCH_BYTES = 32 * 1024 * 1024

/**
 * Tries on loopback all that is relied upon below `net.Socket`. Rejects with what does not hold. A Node that behaves otherwise may
 * as well abort: for a process of its own, with a deadline.
 */
export async function bareSelfTest(): Promise<void> {
  if (bareBinding === undefined) throw new Error('process.binding has no tcp_wrap and stream_wrap as they should be')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const waiting: ((end: End) => void)[] = []
  acceptBare(server, {
    full: () => false,
    taken: (socket) => waiting.shift()?.(new End(socket)),
    refused: (error) => {
      throw error
    },
  })
  const accepted = (): Promise<End> => new Promise((resolve) => waiting.push(resolve))
  try {
    await wordsBothWays(server, accepted)
    await muchToOneWhoWaits(server, accepted)
    await resetByPeer(server, accepted)
    await testBareTls(async () => await Promise.all([accepted(), dialled(server)]))
  } finally {
    server.close()
  }
  await refusedConnect(port)
}

type Accepted = () => Promise<End>

async function dialled(server: Server): Promise<End> {
  const target = { ip: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return await new Promise((resolve, reject) => {
    const socket = connectBare(target, (error) => {
      if (error !== undefined || socket === undefined) reject(error ?? new Error('no socket'))
      else resolve(new End(socket))
    })
  })
}

async function wordsBothWays(server: Server, accepted: Accepted): Promise<void> {
  const [far, near] = await Promise.all([accepted(), dialled(server)])
  expect('the peer of one end is the other', near.socket.local().port === far.socket.remote().port)
  near.socket.write('caf\xe9\r\n')
  near.socket.write(Buffer.from('more'))
  await far.heard(10)
  expect('text and bytes arrive', far.text === 'caf\xe9\r\nmore')
  far.socket.forgetBuffer()
  near.socket.write('again')
  await far.heard(15)
  expect('another buffer may be given between two reads', far.text.endsWith('again'))
  near.socket.end()
  await far.ended.promise
  expect('an end closes one direction', !far.socket.destroyed && far.socket.writable)
  await sayGoodbye(far, near)
}

async function muchToOneWhoWaits(server: Server, accepted: Accepted): Promise<void> {
  const [far, near] = await Promise.all([accepted(), dialled(server)])
  far.socket.pause()
  const block = Buffer.alloc(MUCH_BYTES / 4, 'x')
  for (let count = 0; count < 4; count++) near.socket.write(block)
  expect('what the kernel does not take waits', near.socket.writableNeedDrain)
  near.socket.end()
  far.socket.resume()
  await Promise.all([far.heard(MUCH_BYTES), far.ended.promise])
  expect('all of it arrives, once', far.bytes === MUCH_BYTES && near.socket.writableLength === 0)
  for (const { socket, closed } of [near, far]) {
    socket.destroy()
    await closed.promise
  }
}

async function resetByPeer(server: Server, accepted: Accepted): Promise<void> {
  const { port } = server.address() as AddressInfo
  const peer = connect(port, '127.0.0.1')
  const far = await accepted()
  peer.resetAndDestroy()
  const error = await far.failed.promise
  expect('a reset is an error', codeOf(error) === 'ECONNRESET')
  await far.closed.promise
}

async function refusedConnect(port: number): Promise<void> {
  const error = await new Promise<Error | undefined>((resolve) => {
    connectBare({ ip: '127.0.0.1', port }, resolve)
  })
  expect('a connection nobody wants is refused', codeOf(error) === 'ECONNREFUSED')
}
