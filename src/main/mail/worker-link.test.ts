import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { socketPair } from '../../../test/support/socket-pair.ts'
import { type HandlePipe, handlePipes } from '../../net/handle-pipe.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { DeliveryOrder, SessionOrder } from './mail-order.ts'
import { type FromSessionPipe, MailWorkerLost, sessionPipePath, type ToSessionPipe } from './mail-wire.ts'
import { WorkerLink } from './worker-link.ts'

const SESSION = { kind: 'session', user: 'joe' } as unknown as SessionOrder
const DELIVERY = { kind: 'delivery', user: 'joe' } as unknown as DeliveryOrder

/** A mail worker as a script: what it does with each order. */
interface Script {
  readonly session?: (pipe: HandlePipe, said: ToSessionPipe, socket: Socket | undefined) => void
  readonly connection?: (socket: Socket) => void
}

/** A link to workers that are started one after the other, each time it asks. */
function linkTo(t: TestContext, scripts: readonly Script[]) {
  const directory = mkdtempSync(join(tmpdir(), 'postern-link-'))
  const closers: (() => void)[] = []
  const log: string[] = []
  let asked = 0
  const ask = async (): Promise<string> => {
    const path = join(directory, String(asked))
    const script = scripts[asked++]
    assert.ok(script, 'asked more often than expected')
    const pipes = handlePipes?.listen(sessionPipePath(path), (pipe) => {
      closers.push(() => pipe.close())
      pipe.owner = {
        pipeMessage: (said, socket) => script.session?.(pipe, said as ToSessionPipe, socket),
        pipeClosed: () => undefined,
      }
    })
    const server: Server = createServer((socket) => {
      closers.push(() => socket.destroy())
      script.connection?.(socket)
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    closers.push(
      () => void server.close(),
      () => pipes?.close(),
    )
    return path
  }
  t.after(() => {
    for (const close of closers) close()
    rmSync(directory, { recursive: true })
  })
  return { link: new WorkerLink(ask, (text) => log.push(text)), log, asked: () => asked }
}

function say(pipe: HandlePipe, message: FromSessionPipe): void {
  pipe.send(message)
}

/** Opens whatever is ordered. */
const willing: Script = {
  session: (pipe, said) => {
    if (said.kind === 'order')
      say(pipe, { kind: 'answer', id: said.id, answer: { kind: 'ready', pid: 7, plugins: ['acl'] } })
  },
}

test('the supervisor is asked once for many sessions', async (t) => {
  const { link, asked } = linkTo(t, [willing])
  const sessions = await Promise.all([1, 2, 3].map(async () => await link.handed(SESSION)))
  sessions.push(await link.handed(SESSION))
  assert.equal(asked(), 1)
  assert.deepEqual([sessions[3]?.pid, [...(sessions[3]?.plugins ?? [])]], [7, ['acl']])
})

test('an order that meets a worker on its way out goes to the next one, and nobody notices', async (t) => {
  const { link, asked } = linkTo(t, [{ session: (pipe) => pipe.close() }, willing])
  assert.equal((await link.handed(SESSION)).pid, 7)
  assert.equal(asked(), 2)
})

test('a worker that is leaving gets no more orders, but keeps its sessions', async (t) => {
  const taken = Promise.withResolvers<Socket>()
  const leaving: Script = {
    session: (pipe, said, socket) => {
      willing.session?.(pipe, said, socket)
      if (said.kind !== 'take' || socket === undefined) return
      say(pipe, { kind: 'leaving' })
      taken.resolve(socket)
      socket.once('end', () => say(pipe, { kind: 'ended', ids: [said.id] }))
      socket.resume()
    },
  }
  const { link, asked } = linkTo(t, [leaving, willing])
  const client = await socketPair(t)
  const first = await link.handed(SESSION)
  const over = first.handOver({ socket: client.near, leftover: Buffer.alloc(0), bytesIn: 0, bytesOut: 0 })
  const socket = await taken.promise
  t.after(() => socket.destroy())
  while (asked() < 2) {
    await link.handed(SESSION)
    await new Promise((resolve) => setImmediate(resolve))
  }
  client.far.end()
  await over
})

test('sessions end when their worker dies, and the log says how many', async (t) => {
  const dying: Script = {
    session: (pipe, said, socket) => {
      willing.session?.(pipe, said, socket)
      if (said.kind !== 'take') return
      socket?.destroy()
      pipe.close()
    },
  }
  const { link, log } = linkTo(t, [dying])
  const client = await socketPair(t)
  client.far.resume()
  const session = await link.handed(SESSION)
  await session.handOver({ socket: client.near, leftover: Buffer.alloc(0), bytesIn: 0, bytesOut: 0 })
  assert.deepEqual(log, ['Mail worker ended under 1 sessions'])
})

test('a worker that cannot be reached is given up at last', async (t) => {
  const { link, asked } = linkTo(t, Array(5).fill({ session: (pipe: HandlePipe) => pipe.close() }))
  await assert.rejects(link.handed(SESSION), MailWorkerLost)
  assert.equal(asked(), 5)
})

test('a refusal is an answer: nobody is asked again', async (t) => {
  const refusing: Script = {
    session: (pipe, said) => {
      if (said.kind !== 'order') return
      say(pipe, { kind: 'answer', id: said.id, answer: { kind: 'refused', code: 'temporary', text: 'not now' } })
    },
  }
  const { link, asked } = linkTo(t, [refusing])
  await assert.rejects(
    link.handed(SESSION),
    (error: Error) => error instanceof StoreRefusal && error.message === 'not now',
  )
  assert.equal(asked(), 1)
})

test('deliveries use a connection again, and another when that was closed meanwhile', async (t) => {
  const seen: number[] = []
  let connections = 0
  const connection = (socket: Socket): void => {
    const number = ++connections
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        const text = bytes.toString()
        if (text.startsWith('{')) {
          seen.push(number)
          // The second order on the first connection finds it closed.
          if (number === 1 && seen.length === 3) return socket.destroy()
        }
        socket.write('{"kind":"done"}\n')
      })
  }
  const { link, asked } = linkTo(t, [{ connection }])
  for (let count = 0; count < 3; count++) {
    const delivery = await link.delivery(DELIVERY)
    await delivery.begin()
    await delivery.finish()
    delivery.close()
  }
  assert.deepEqual(seen, [1, 1, 1, 2])
  assert.equal(asked(), 1)
})
