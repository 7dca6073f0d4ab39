import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type AddressInfo, connect as dial, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { skipWithoutBare as skip, Told } from '../../../test/support/bare-pair.ts'
import { peerOver, TEST_CONTEXT, TLS_KINDS, tlsOver } from '../../../test/support/bare-tls-pair.ts'
import { doBare, MUCH } from '../../../test/support/bare-steps.ts'
import { turn, until } from '../../../test/support/until.ts'
import { own } from '../socket-owner.ts'
import { acceptBare } from './accept.ts'
import { BareSocket } from './bare-socket.ts'
import { BareTls } from './bare-tls.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How many times more than `npm test` has time for: 40 are minutes. */
const FACTOR = Number(process.env['POSTERN_TEST_CROWD'] ?? 1)
/** Connections side by side. */
const AT_ONCE = 40
const ROUNDS = 20 * FACTOR
const HANDSHAKES = 500 * FACTOR
const PLAN = { secureContext: TEST_CONTEXT.secureContext, asksCertificate: false }

const NOISE = Buffer.from('this is no TLS record, whatever is before it')

/** What our end does, one step a turn. */
const NEAR_STEPS = [
  'write',
  'write much',
  'end',
  'destroy',
  'reset',
  'leave',
  'pause',
  'resume',
  'wait',
  'wait',
] as const
type NearStep = (typeof NEAR_STEPS)[number]

/** What the other end does, over TLS and below it. */
const FAR_STEPS = ['write', 'write much', 'end', 'destroy', 'pause', 'resume', 'reset', 'fin', 'noise', 'wait'] as const
type FarStep = (typeof FAR_STEPS)[number]

function doNear(socket: BareTls, step: NearStep): void {
  if (step === 'leave') socket.leave()
  else doBare(socket, step)
}

function doFar(client: TLSSocket, far: Socket, step: FarStep): void {
  if (far.destroyed) return
  switch (step) {
    case 'write':
      return void (client.writable && client.write('word\r\n'))
    case 'write much':
      return void (client.writable && client.write(MUCH))
    case 'end':
      return void client.end()
    case 'destroy':
      return void client.destroy()
    case 'pause':
      return void client.pause()
    case 'resume':
      return void client.resume()
    case 'reset':
      // Node forgets to close a socket that is to be reset once it has said its end.
      return void (client.writable && far.writable ? far.resetAndDestroy() : far.destroy())
    case 'fin':
      return void far.end()
    case 'noise':
      return void (far.writable && far.write(NOISE))
    case 'wait':
  }
}

/** All that this process has open, by kind. */
function open(): { descriptors: number; sockets: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
  }
}

/** A listener that gives each connection to whoever dials it. */
async function crowdedServer(t: TestContext): Promise<() => Promise<{ under: BareSocket; far: Socket }>> {
  const server: Server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const waiting = new Map<number, PromiseWithResolvers<BareSocket>>()
  const known = (port: number): PromiseWithResolvers<BareSocket> => {
    const there = waiting.get(port) ?? Promise.withResolvers<BareSocket>()
    waiting.set(port, there)
    return there
  }
  acceptBare(server, {
    full: () => false,
    taken: (socket) => known(socket.remote().port ?? 0).resolve(socket),
    refused: (error) => assert.fail(error.message),
  })
  return async () => {
    const far = dial({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
    far.on('error', () => undefined)
    await once(far, 'connect')
    const port = far.localPort ?? 0
    const under = await known(port).promise
    waiting.delete(port)
    return { under, far }
  }
}

const connection = fc.record({
  near: fc.array(fc.constantFrom(...NEAR_STEPS), { maxLength: 8 }),
  far: fc.array(fc.constantFrom(...FAR_STEPS), { maxLength: 8 }),
  /** Within the handshake, after so many turns, or behind it. */
  begins: fc.constantFrom('at once', 'in a turn', 'in three turns', 'secure'),
  kind: fc.constantFrom(...TLS_KINDS),
})

test('TLS connections that break in every way: each is told closed once, and none stays', { skip }, async (t) => {
  const dialled = await crowdedServer(t)
  const all: { socket: BareTls; told: Told; closed: () => number }[] = []
  let secured = 0
  const before = open()
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (connections) => {
      await Promise.all(
        connections.map(async ({ near: nearSteps, far: farSteps, begins, kind }) => {
          const { under, far } = await dialled()
          const near = tlsOver(under, kind.role)
          const told = new Told(near)
          told.keep = false
          told.onTake = (chunk) => near.write(Buffer.from(chunk.subarray(0, 100)))
          near.onSecure = () => told.add('secure')
          let closed = 0
          under.onClosed = () => closed++
          all.push({ socket: near, told, closed: () => closed })
          const client = peerOver(far, kind.role, kind).on('end', () => undefined)
          near.begin()
          client.resume()
          if (begins === 'secure') await until('the handshake', () => told.news.includes('secure'))
          else
            for (let turns = ['at once', 'in a turn', '', 'in three turns'].indexOf(begins); turns > 0; turns--)
              await turn()
          for (let step = 0; step < Math.max(nearSteps.length, farSteps.length); step++) {
            doNear(near, nearSteps[step] ?? 'wait')
            doFar(client, far, farSteps[step] ?? 'wait')
            if (step % 2 === 1) await turn()
          }
          if (told.news.includes('secure')) secured++
          near.destroy()
          client.destroy()
          far.destroy()
        }),
      )
      collectGarbage()
    }),
    // The same connections each time.
    { numRuns: ROUNDS, seed: 1122, endOnFailure: true },
  )
  await until('all are closed', () => all.every(({ told }) => told.news.includes('close')))
  await until('none is open', () => open().sockets <= before.sockets && open().descriptors <= before.descriptors)
  assert.equal(all.length, AT_ONCE * ROUNDS)
  assert.ok(secured > all.length / 4, `only ${secured} of ${all.length} handshakes were ever done`)
  for (const { socket, told, closed } of all) {
    const { news } = told
    assert.deepEqual(
      [news.filter((what) => what === 'close').length, news.at(-1), socket.writableLength, closed()],
      [1, 'close', 0, 1],
      news.join(),
    )
    for (const once of ['secure', 'end', 'error']) {
      assert.ok(news.filter((what) => what.startsWith(once)).length <= 1, news.join())
    }
  }
})

/** The class of Node's own object for TLS: clients have it, too. */
function handleClass(client: TLSSocket): abstract new () => unknown {
  return (client as unknown as { _handle: object })._handle.constructor as abstract new () => unknown
}

test('nothing stays of handshakes that were done, or were not', { skip }, async (t) => {
  const dialled = await crowdedServer(t)
  const first = await dialled()
  const one = first.under.toTls(PLAN)
  const other = peerOver(first.far, 'server', {})
  const kinds = [BareTls, BareSocket, handleClass(other)]

  async function round(count: number): Promise<void> {
    const closed: Promise<void>[] = []
    for (let number = 0; number < count; number++) {
      closed.push(
        (async () => {
          const { under: socket, far: other } = await dialled()
          const kind = TLS_KINDS[number % TLS_KINDS.length]
          assert.ok(kind !== undefined)
          const near = tlsOver(socket, kind.role)
          const told = new Told(near)
          near.onSecure = () => {
            near.write('* OK ready\r\n')
            if (number % 3 !== 0) near.end(() => near.destroy())
          }
          if (number % 3 === 0) told.onTake = () => false
          const client = peerOver(other, kind.role, kind).on('end', () => undefined)
          near.begin()
          if (number % 5 === 0) {
            await turn()
            other.destroy()
          } else {
            const [greeting] = (await Promise.race([once(client, 'data'), once(client, 'close')])) as [Buffer | boolean]
            assert.ok(Buffer.isBuffer(greeting))
          }
          client.destroy()
          // Some have not heard yet that their peer is gone.
          near.destroy()
          await until('it is closed', () => told.news.includes('close'))
        })(),
      )
    }
    await Promise.all(closed)
  }

  const live = async (): Promise<number[]> => {
    for (let turns = 0; turns < 5; turns++) await turn()
    collectGarbage()
    await turn()
    return kinds.map((kind) => queryObjects(kind as never, { format: 'count' }))
  }
  await round(20)
  const before = await live()
  assert.ok(
    before.every((count) => count > 0 && count <= 7),
    `these are counted: ${before.join()}`,
  )
  for (let done = 0; done < HANDSHAKES; done += 50) await round(50)
  const after = await live()
  for (const [index, count] of after.entries()) {
    // What was used last may still be held.
    assert.ok(count <= (before[index] ?? 0) + 2, `${after.join()} stay; before it were ${before.join()}`)
  }
  one.destroy()
  other.destroy()
})

test('TLS sessions go on when nobody but the kernel holds them', { skip }, async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  let [closed, drained] = [0, 0]
  acceptBare(server, {
    full: () => false,
    taken(under) {
      const socket = under.toTls({ ...PLAN, byServerName: () => TEST_CONTEXT.secureContext })
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
          socket.write(Buffer.from(buffer.subarray(0, count)))
          for (let part = 0; part < 5; part++) socket.write(Buffer.alloc(200_000))
          return true
        },
        nextBuffer: () => Buffer.alloc(1000),
      }
      socket.resume()
    },
    refused: (error) => assert.fail(error.message),
  })
  const { port } = server.address() as AddressInfo
  const users = Array.from({ length: 20 }, (_, number) =>
    connect({
      socket: dial({ port, host: '127.0.0.1', allowHalfOpen: true }),
      servername: 'x.example',
      rejectUnauthorized: false,
      maxVersion: number % 2 === 0 ? 'TLSv1.2' : 'TLSv1.3',
    }),
  )
  t.after(() => {
    for (const user of users) user.destroy()
  })
  const collecting = setInterval(collectGarbage, 2)
  t.after(() => clearInterval(collecting))
  await Promise.all(users.map(async (user) => await once(user, 'secureConnect')))
  for (let round = 1; round <= 3; round++) {
    const word = `word ${round}\r\n`
    for (const user of users) user.pause().write(word)
    for (let turns = 0; turns < 5; turns++) {
      await turn()
      collectGarbage()
    }
    await Promise.all(
      users.map(async (user) => {
        const chunks: Buffer[] = []
        let left = word.length + 1_000_000
        while (left > 0) {
          const chunk = user.read() as Buffer | null
          if (chunk === null) await once(user, 'readable')
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
