import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { skipWithoutBare as skip, Told } from '../../../test/support/bare-pair.ts'
import { doBare, MUCH } from '../../../test/support/bare-steps.ts'
import { turn, until } from '../../../test/support/until.ts'
import { own } from '../socket-owner.ts'
import { acceptBare } from './accept.ts'
import type { BareSocket } from './bare-socket.ts'
import { connectBare } from './connect.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Connections side by side. */
const AT_ONCE = 60
const ROUNDS = 50

/** What one end does with its connection, one step a turn. */
const STEPS = ['write', 'write much', 'end', 'destroy', 'reset', 'pause', 'resume', 'wait'] as const
type Step = (typeof STEPS)[number]

function doPlain(socket: Socket, step: Step): void {
  if (socket.destroyed || step === 'wait') return
  if (step === 'pause' || step === 'resume' || step === 'end') socket[step]()
  // Node forgets to close a socket that is to be reset once it has said its end.
  else if (!socket.writable || step === 'destroy') socket.destroy()
  else if (step === 'reset') socket.resetAndDestroy()
  else socket.write(step === 'write' ? 'word\r\n' : MUCH)
}

/** All that this process has open, by kind. */
function open(): { descriptors: number; sockets: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
  }
}

const script = fc.array(fc.constantFrom(...STEPS), { maxLength: 8 })
const connection = fc.record({ near: script, far: script, isNearDialled: fc.boolean() })

test('thousands of connections that break in every way: each is told closed once, and none stays', {
  skip,
}, async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const plainServer = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(plainServer, 'listening')
  t.after(() => plainServer.close())
  const all: { socket: BareSocket; told: Told }[] = []
  const waiting = new Map<number, (socket: BareSocket) => void>()
  const early = new Map<number, BareSocket>()
  acceptBare(server, {
    full: () => false,
    taken(socket) {
      const port = socket.remote().port ?? 0
      const taker = waiting.get(port)
      waiting.delete(port)
      if (taker === undefined) early.set(port, socket)
      else taker(socket)
    },
    refused: (error) => assert.fail(error.message),
  })
  const plainTakers = new Map<number, (socket: Socket) => void>()
  const plainEarly = new Map<number, Socket>()
  plainServer.on('connection', (socket) => {
    socket.on('error', () => undefined)
    const port = socket.remotePort ?? 0
    const taker = plainTakers.get(port)
    plainTakers.delete(port)
    if (taker === undefined) plainEarly.set(port, socket)
    else taker(socket)
  })

  async function accepted(): Promise<{ near: BareSocket; far: Socket }> {
    const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
    far.on('error', () => undefined)
    await once(far, 'connect')
    const port = far.localPort ?? 0
    const near = early.get(port) ?? (await new Promise<BareSocket>((resolve) => waiting.set(port, resolve)))
    early.delete(port)
    return { near, far }
  }

  async function dialled(): Promise<{ near: BareSocket; far: Socket }> {
    const near = await new Promise<BareSocket>((resolve, reject) => {
      const target = { ip: '127.0.0.1', port: (plainServer.address() as AddressInfo).port }
      const socket = connectBare(target, (error) =>
        error === undefined && socket !== undefined ? resolve(socket) : reject(error ?? new Error('no socket')),
      )
    })
    const port = near.local().port ?? 0
    const far = plainEarly.get(port) ?? (await new Promise<Socket>((resolve) => plainTakers.set(port, resolve)))
    plainEarly.delete(port)
    return { near, far }
  }

  const before = open()
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (connections) => {
      await Promise.all(
        connections.map(async ({ near: nearSteps, far: farSteps, isNearDialled }) => {
          const { near, far } = await (isNearDialled ? dialled() : accepted())
          const told = new Told(near)
          told.keep = false
          told.onTake = (chunk) => near.write(Buffer.from(chunk.subarray(0, 100)))
          all.push({ socket: near, told })
          far.on('end', () => undefined)
          near.resume()
          far.resume()
          for (let step = 0; step < Math.max(nearSteps.length, farSteps.length); step++) {
            doBare(near, nearSteps[step] ?? 'wait')
            doPlain(far, farSteps[step] ?? 'wait')
            if (step % 2 === 1) await turn()
          }
          near.destroy()
          far.destroy()
        }),
      )
    }),
    // The same connections each time.
    { numRuns: ROUNDS, seed: 1122, endOnFailure: true },
  )
  await until('all are closed', () => all.every(({ told }) => told.news.includes('close')))
  await until('none is open', () => open().sockets <= before.sockets && open().descriptors <= before.descriptors)
  assert.equal(all.length, AT_ONCE * ROUNDS)
  for (const { socket, told } of all) {
    const { news } = told
    assert.deepEqual(
      [news.filter((what) => what === 'close').length, news.at(-1), socket.writableLength],
      [1, 'close', 0],
      news.join(),
    )
    assert.ok(news.filter((what) => what.startsWith('error')).length <= 1, news.join())
    assert.ok(news.filter((what) => what === 'end').length <= 1, news.join())
  }
})

test('sessions go on when nobody but the kernel holds them', { skip }, async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  let closed = 0
  let drained = 0
  acceptBare(server, {
    full: () => false,
    taken(socket) {
      // Everything about it is in these closures; a weak reference would not keep them.
      own(
        socket,
        {
          socketData: () => undefined,
          socketEnded: () => socket.end(() => socket.destroy()),
          socketFailed: () => undefined,
          socketClosed: () => closed++,
          socketDrained: () => drained++,
        },
        false,
      )
      socket.reader = {
        take(buffer, count) {
          socket.write(Buffer.concat([buffer.subarray(0, count), Buffer.alloc(5_000_000)]))
          return true
        },
        nextBuffer: () => Buffer.alloc(1000),
      }
      socket.resume()
    },
    refused: (error) => assert.fail(error.message),
  })
  const { port } = server.address() as AddressInfo
  const users = Array.from({ length: 20 }, () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  t.after(() => {
    for (const user of users) user.destroy()
  })
  for (const user of users) if (user.connecting) await once(user, 'connect')
  for (let round = 1; round <= 3; round++) {
    for (const user of users) user.pause().write(`word ${round}\r\n`)
    for (let turns = 0; turns < 5; turns++) {
      await turn()
      collectGarbage()
    }
    await Promise.all(
      users.map(async (user) => {
        const word = `word ${round}\r\n`
        const chunks: Buffer[] = []
        let left = word.length + 5_000_000
        while (left > 0) {
          const chunk = user.read() as Buffer | null
          if (chunk === null) await turn()
          else {
            chunks.push(chunk)
            left -= chunk.length
          }
        }
        assert.equal(left, 0)
        assert.equal(Buffer.concat(chunks).toString('latin1', 0, word.length), word)
      }),
    )
    collectGarbage()
  }
  assert.ok(drained > 0, 'the queue was never used')
  for (const user of users) user.resume().end()
  await until('all are closed', () => closed === users.length)
})
