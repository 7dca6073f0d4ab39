import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { acceptBare } from '../../src/net/bare/accept.ts'
import type { BareSocket } from '../../src/net/bare/bare-socket.ts'
import type { BareStream } from '../../src/net/bare/bare-stream.ts'
import { bareBinding } from '../../src/net/bare/binding.ts'
import { connectBare } from '../../src/net/bare/connect.ts'
import type { OnreadReader } from '../../src/net/byte-stream.ts'
import { codeOf } from '../../src/net/fault-text.ts'
import { sharedReadBuffer } from '../../src/net/onread.ts'
import type { SocketOwner } from '../../src/net/socket-owner.ts'

/** For node:test's `skip`: false when this Node has bare sockets, else the reason. */
export const skipWithoutBare: false | string =
  bareBinding === undefined ? 'this Node has no bare sockets, or the environment forbids them' : false

/** Which end of its connection the bare socket is: both are made in their own way. */
export const BARE_ENDS = ['accepted', 'connected'] as const
export type BareEnd = (typeof BARE_ENDS)[number]

/** A bare socket and a `net.Socket` at the other end, both half-open, gone after the test. The near one does not read yet. */
export interface BarePair {
  readonly near: BareSocket
  readonly far: Socket
  readonly told: Told
}

export async function barePair(t: TestContext, end: BareEnd = 'accepted', address = '127.0.0.1'): Promise<BarePair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { near, far } = await (end === 'accepted' ? acceptedPair(server, port) : connectedPair(server, port))
  server.close()
  t.after(() => {
    near.destroy()
    far.destroy()
  })
  far.on('error', () => undefined)
  return { near, far, told: new Told(near) }

  async function acceptedPair(from: typeof server, at: number): Promise<Omit<BarePair, 'told'>> {
    const accepted = Promise.withResolvers<BareSocket>()
    acceptBare(from, { full: () => false, taken: accepted.resolve, refused: accepted.reject })
    const dialled = connect({ port: at, host: address, allowHalfOpen: true, noDelay: true })
    await once(dialled, 'connect')
    return { near: await accepted.promise, far: dialled }
  }

  async function connectedPair(from: typeof server, at: number): Promise<Omit<BarePair, 'told'>> {
    const accepted = once(from, 'connection') as Promise<[Socket]>
    const connected = Promise.withResolvers<undefined>()
    const socket = connectBare({ ip: address, port: at }, (error) =>
      error === undefined ? connected.resolve(undefined) : connected.reject(error),
    )
    if (socket === undefined) throw new Error('no bare sockets')
    const [[other]] = await Promise.all([accepted, connected.promise])
    return { near: socket, far: other }
  }
}

/** Whoever a bare socket belongs to in a test: remembers what it is told, in order, and may do something then. */
export class Told implements SocketOwner, OnreadReader {
  /** `end`, `error CODE`, `drain`, `close`. */
  readonly news: string[] = []
  /** What was read; with `keep` false its size only. */
  readonly chunks: Buffer[] = []
  keep = true
  bytes = 0
  /** Where the next read goes. */
  buffer = sharedReadBuffer()
  /** What `take` answers. */
  onTake: (chunk: Buffer) => boolean = () => true
  onNews: (what: string) => void = () => undefined

  constructor(socket: BareStream) {
    socket.owner = this
    socket.reader = this
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  take(buffer: Buffer, count: number): boolean {
    const chunk = Buffer.from(buffer.subarray(0, count))
    this.bytes += count
    if (this.keep) this.chunks.push(chunk)
    return this.onTake(chunk)
  }

  nextBuffer(): Buffer {
    return this.buffer
  }

  /** With an `onread` hook there is none. */
  socketData(): void {
    this.add('data')
  }

  socketEnded(): void {
    this.add('end')
  }

  socketFailed(error: Error): void {
    this.add(`error ${codeOf(error) ?? error.message}`)
  }

  socketClosed(): void {
    this.add('close')
  }

  socketDrained(): void {
    this.add('drain')
  }

  add(what: string): void {
    this.news.push(what)
    this.onNews(what)
  }
}
