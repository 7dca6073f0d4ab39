import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lendClient } from '../../../test/support/lent-client.ts'
import { type HandlePipe, handlePipes } from '../../net/handle-pipe.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { DeliveryOrder, SessionOrder } from './mail-order.ts'
import { type FromSessionPipe, MailWorkerLost, sessionPipePath, type ToSessionPipe } from './mail-wire.ts'
import type { HandedSession } from './session-pipe.ts'
import { WorkerLink } from './worker-link.ts'

const SESSION = { kind: 'session', user: 'joe' } as unknown as SessionOrder
const DELIVERY = { kind: 'delivery', user: 'joe' } as unknown as DeliveryOrder

/** A mail worker as a script: what it does with each order. */
interface Script {
  /** It closes its door while somebody waits before it. */
  readonly meetsNobody?: true
  readonly session?: (pipe: HandlePipe, said: ToSessionPipe, socket: Socket | undefined) => void
  readonly connection?: (socket: Socket) => void
}

/** A link to workers that are started one after the other, each time it asks. */
function linkTo(t: TestContext, scripts: readonly (Script | 'nobody')[]) {
  const directory = mkdtempSync(join(tmpdir(), 'postern-link-'))
  const closers: (() => void)[] = []
  const log: string[] = []
  let asked = 0
  const ask = async (): Promise<string> => {
    const path = join(directory, String(asked))
    const script = scripts[asked++]
    assert.ok(script, 'asked more often than expected')
    if (script === 'nobody') return path
    const pipes = handlePipes?.listen(sessionPipePath(path), (pipe) => {
      closers.push(() => pipe.close())
      if (script.meetsNobody === true) return pipe.close()
      say(pipe, { kind: 'hello' })
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

/** Begins whatever is ordered, and holds its connection. */
const willing: Script = {
  session: (pipe, said, socket) => {
    if (said.kind !== 'order') return
    socket?.once('end', () => socket.destroy()).resume()
    say(pipe, { kind: 'begun', ids: [said.id], pid: 7 })
  },
}

async function handed(t: TestContext, link: WorkerLink): Promise<HandedSession> {
  return await link.handed(SESSION, (await lendClient(t)).lent)
}

test('the supervisor is asked once for many sessions', async (t) => {
  const { link, asked } = linkTo(t, [willing])
  const sessions = await Promise.all([1, 2, 3].map(async () => await handed(t, link)))
  sessions.push(await handed(t, link))
  assert.equal(asked(), 1)
  assert.deepEqual(
    sessions.map(({ pid }) => pid),
    [7, 7, 7, 7],
  )
})

test('the connection comes with the order, and once its session has begun it is only there', async (t) => {
  const came = Promise.withResolvers<{
    said: ToSessionPipe
    socket: Socket | undefined
  }>()
  const { link } = linkTo(t, [
    {
      session: (pipe, said, socket) => {
        willing.session?.(pipe, said, socket)
        came.resolve({ said, socket })
      },
    },
  ])
  const { near, far, lent } = await lendClient(t)
  const closed = once(near, 'close')
  await link.handed(SESSION, { ...lent, unread: Buffer.from('b NOOP\r\n') })
  await closed
  const { said, socket } = await came.promise
  assert.deepEqual(said, {
    kind: 'order',
    id: 1,
    order: SESSION,
    unread: Buffer.from('b NOOP\r\n').toString('base64'),
  })
  socket?.write('a OK\r\n')
  const [answer] = await once(far, 'data')
  assert.equal(String(answer), 'a OK\r\n')
})

test('an order that meets a worker on its way out goes to the next one, and nobody notices', async (t) => {
  const leaving: Script = {
    session: (pipe) => {
      say(pipe, { kind: 'leaving' })
      pipe.close()
    },
  }
  const { link, asked, log } = linkTo(t, [leaving, willing])
  assert.equal((await handed(t, link)).pid, 7)
  assert.equal(asked(), 2)
  assert.deepEqual(log, [])
})

test('an order that waits before a door that closes goes to the next one, too', async (t) => {
  const { link, asked, log } = linkTo(t, [{ meetsNobody: true }, willing])
  assert.equal((await handed(t, link)).pid, 7)
  assert.equal(asked(), 2)
  assert.deepEqual(log, [])
})

test('a worker that is leaving gets no more orders, but keeps its sessions', async (t) => {
  const leaving: Script = {
    session: (pipe, said, socket) => {
      willing.session?.(pipe, said, socket)
      if (said.kind !== 'order' || socket === undefined) return
      say(pipe, { kind: 'leaving' })
      socket.once('end', () => say(pipe, { kind: 'ended', ids: [said.id] }))
    },
  }
  const { link, asked } = linkTo(t, [leaving, willing])
  const client = await lendClient(t)
  const { over } = await link.handed(SESSION, client.lent)
  while (asked() < 2) {
    await handed(t, link)
    await new Promise((resolve) => setImmediate(resolve))
  }
  client.far.end()
  await over
})

test('sessions end when their worker dies, and the log says how many', async (t) => {
  const dying: Script = {
    session: (pipe, said, socket) => {
      willing.session?.(pipe, said, socket)
      setImmediate(() => pipe.close())
    },
  }
  const { link, log } = linkTo(t, [dying])
  const { over } = await handed(t, link)
  await over
  assert.deepEqual(log, ['Mail worker ended under 1 sessions'])
})

test('a client whose worker dies before it said that the session has begun is cut off: it may have its OK', async (t) => {
  const dying: Script = {
    session: (pipe, _said, socket) => {
      socket?.destroy()
      pipe.close()
    },
  }
  const { link, asked, log } = linkTo(t, [dying])
  const { near, far, lent } = await lendClient(t)
  far.resume()
  const ended = once(far, 'end')
  await assert.rejects(link.handed(SESSION, lent), StoreRefusal)
  lent.giveBack()
  await ended
  assert.deepEqual([near.destroyed, asked(), log], [true, 1, ['Mail worker ended under 1 sessions']])
})

test('a worker that cannot be reached is given up at last', async (t) => {
  const { link, asked } = linkTo(t, Array(5).fill('nobody'))
  await assert.rejects(handed(t, link), MailWorkerLost)
  assert.equal(asked(), 5)
})

test('a refusal is an answer: nobody is asked again, and the client is as it was', async (t) => {
  const refusing: Script = {
    session: (pipe, said, socket) => {
      socket?.destroy()
      if (said.kind !== 'order') return
      say(pipe, {
        kind: 'refused',
        id: said.id,
        answer: { kind: 'refused', code: 'temporary', text: 'not now' },
      })
    },
  }
  const { link, asked } = linkTo(t, [refusing])
  const { near, far, lent } = await lendClient(t)
  await assert.rejects(
    link.handed(SESSION, lent),
    (error: Error) => error instanceof StoreRefusal && error.message === 'not now',
  )
  assert.equal(asked(), 1)
  lent.giveBack()
  far.write('again')
  const [bytes] = await once(near, 'data')
  assert.equal(String(bytes), 'again')
})

test('a session that is kicked is told of where it is served', async (t) => {
  const kicked = Promise.withResolvers<number>()
  const { link } = linkTo(t, [
    {
      session: (pipe, said, socket) => {
        willing.session?.(pipe, said, socket)
        if (said.kind === 'kick') kicked.resolve(said.id)
      },
    },
  ])
  const session = await handed(t, link)
  session.kick()
  assert.equal(await kicked.promise, 1)
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
