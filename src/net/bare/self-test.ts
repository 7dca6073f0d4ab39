import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { codeOf } from '../fault-text.ts'
import { sharedReadBuffer } from '../onread.ts'
import type { SocketOwner } from '../socket-owner.ts'
import { acceptBare } from './accept.ts'
import type { BareSocket } from './bare-socket.ts'
import { bareBinding } from './binding.ts'
import { connectBare } from './connect.ts'

/** More than two sockets' buffers hold. */
const MUCH_BYTES = 32 * 1024 * 1024
const KEY = { psk: Buffer.alloc(32, 'k'), identity: 'self-test' }
const TLS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const

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
    await tlsOverIt(server, accepted)
  } finally {
    server.close()
  }
  await refusedConnect(port)
}

/** One end of a connection: counts and waits. */
class End implements SocketOwner {
  readonly socket: BareSocket
  text = ''
  bytes = 0
  readonly ended = Promise.withResolvers<void>()
  readonly closed = Promise.withResolvers<void>()
  readonly drained = Promise.withResolvers<void>()
  readonly failed = Promise.withResolvers<Error>()
  #wanted: { bytes: number; done: () => void } | undefined

  constructor(socket: BareSocket) {
    this.socket = socket
    socket.owner = this
    socket.reader = { take: (buffer, count) => this.#take(buffer, count), nextBuffer: sharedReadBuffer }
    socket.resume()
  }

  heard(bytes: number): Promise<void> {
    return new Promise((done) => {
      this.#wanted = { bytes, done }
      this.#look()
    })
  }

  #take(buffer: Buffer, count: number): boolean {
    this.bytes += count
    if (this.bytes < MUCH_BYTES / 2) this.text += buffer.toString('latin1', 0, Math.min(count, 100))
    this.#look()
    return true
  }

  #look(): void {
    if (this.#wanted !== undefined && this.bytes >= this.#wanted.bytes) this.#wanted.done()
  }

  socketData(): void {}
  socketEnded(): void {
    this.ended.resolve()
  }
  socketFailed(error: Error): void {
    this.failed.resolve(error)
  }
  socketClosed(): void {
    this.closed.resolve()
  }
  socketDrained(): void {
    this.drained.resolve()
  }
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
  near.socket.end()
  await far.ended.promise
  expect('an end closes one direction', !far.socket.destroyed && far.socket.writable)
  far.socket.write('bye')
  await near.heard(3)
  far.socket.end(() => far.socket.destroy())
  await near.ended.promise
  near.socket.destroy()
  await Promise.all([near.closed.promise, far.closed.promise])
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

async function tlsOverIt(server: Server, accepted: Accepted): Promise<void> {
  const [far, near] = await Promise.all([accepted(), dialled(server)])
  near.socket.write('STARTTLS')
  await far.heard(8)
  const pskCallback = (): typeof KEY => KEY
  const answering = new TLSSocket(plain(far), { isServer: true, ...TLS, pskCallback: () => KEY.psk } as object)
  const asking = new TLSSocket(plain(near), { ...TLS, pskCallback, checkServerIdentity: () => undefined } as object)
  answering.on('data', (chunk) => answering.end(chunk))
  asking.write('over TLS')
  const [heard] = (await once(asking, 'data')) as [Buffer]
  expect('TLS over it carries both ways', heard.toString() === 'over TLS' && asking.getProtocol() === 'TLSv1.2')
  for (const socket of [asking, answering]) {
    socket.destroy()
    await once(socket, 'close')
  }
}

function plain({ socket }: End): Socket {
  return socket.toSocket()
}

async function refusedConnect(port: number): Promise<void> {
  const error = await new Promise<Error | undefined>((resolve) => {
    connectBare({ ip: '127.0.0.1', port }, resolve)
  })
  expect('a connection nobody wants is refused', codeOf(error) === 'ECONNREFUSED')
}

function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`it does not hold that ${what}`)
}
