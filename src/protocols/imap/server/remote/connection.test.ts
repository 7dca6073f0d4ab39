import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { socketPair } from '../../../../../test/support/socket-pair.ts'
import { SocketStream } from '../../../../net/socket-stream.ts'
import type { RemotePlace } from '../../../remote-mail.ts'
import { RemoteConnection, RemoteLost, type ResponseSink } from './connection.ts'

const PLACE = { server: 'b.test:143', answerMs: 2_000 } as RemotePlace

async function connected(t: TestContext): Promise<{ readonly connection: RemoteConnection; readonly server: Socket }> {
  const { near, far } = await socketPair(t)
  return { connection: new RemoteConnection(PLACE, new SocketStream(near)), server: far }
}

/** Hands everything on, and keeps it. */
class Everything implements ResponseSink {
  heard = ''
  readonly answers: (readonly string[])[] = []

  choose(line: string): ReturnType<ResponseSink['choose']> {
    if (line.startsWith('* LIST')) return 'gather'
    return line.startsWith('* SECRET') ? 'drop' : 'pass'
  }

  text(text: string): void {
    this.heard += text
  }

  bytes(bytes: Buffer): void {
    this.heard += bytes.toString('latin1')
  }

  drained(): void {
    // There is always room.
  }

  gathered(parts: readonly string[]): void {
    this.answers.push(parts)
  }
}

const LINE = fc.string({ unit: fc.constantFrom('a', '{', '}', '1', '"', ' ', ')', '\u00ff'), maxLength: 12 })
const BYTES = fc.string({ unit: fc.constantFrom('x', '\r', '\n', '*', ' ', '\0', '\u00fe'), maxLength: 40 })
/** A response whose literals may hold anything, line ends above all. */
const RESPONSE = fc
  .tuple(
    fc.constantFrom('* 1 FETCH (', '* SEARCH ', '* LIST () "/" ', '* SECRET '),
    fc.array(fc.tuple(LINE, BYTES), { maxLength: 3 }),
    LINE,
  )
  .map(([start, literals, end]) => {
    // The end of a line must not look as if a literal came.
    const rest = `${end}.\r\n`
    return {
      start,
      text: `${start}${literals.map(([line, bytes]) => `${line}{${bytes.length}}\r\n${bytes}`).join('')}${rest}`,
    }
  })

test('whatever comes is handed on byte by byte, in however many pieces it came', async (t) => {
  const { connection, server } = await connected(t)
  await fc.assert(
    fc.asyncProperty(
      fc.array(RESPONSE, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 5 }),
      async (responses, cuts) => {
        const sink = new Everything()
        const all = Buffer.from(`${responses.map(({ text }) => text).join('')}t1 OK done\r\n`, 'latin1')
        connection.send('t1 NOOP\r\n')
        let from = 0
        for (const cut of cuts) server.write(all.subarray(from, (from += cut)))
        server.write(all.subarray(from))
        assert.deepEqual(await connection.next('t1', sink), { kind: 'tagged', text: 'OK done' })
        const passed = responses.filter(({ start }) => !/LIST|SECRET/.test(start))
        assert.equal(sink.heard, passed.map(({ text }) => text).join(''))
        assert.equal(sink.answers.length, responses.filter(({ start }) => start.includes('LIST')).length)
      },
    ),
    { numRuns: 60 },
  )
})

test('a client that does not read holds the other server up, and not our memory', async (t) => {
  const { connection, server } = await connected(t)
  const sizeBytes = 40_000_000
  const room = Promise.withResolvers<void>()
  let taken = 0
  const sink = new Everything()
  sink.bytes = (bytes) => void (taken += bytes.length)
  const slow: ResponseSink = Object.assign(sink, { drained: () => (taken === 0 ? undefined : room.promise) })
  connection.send('t1 FETCH 1 BODY[]\r\n')
  const reply = connection.next('t1', slow)
  server.write(`* 1 FETCH (BODY[] {${sizeBytes}}\r\n`)
  const writing = (async () => {
    for (let left = sizeBytes; left > 0; left -= 1_000_000)
      if (!server.write(Buffer.alloc(1_000_000))) await once(server, 'drain')
    server.write(')\r\nt1 OK done\r\n')
  })()
  const until = performance.now() + 5_000
  while (server.writableLength === 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(taken <= 64 * 1024, `${taken} bytes were taken`)
  room.resolve()
  await writing
  assert.equal((await reply).kind, 'tagged')
  assert.equal(taken, sizeBytes)
})

test('what makes no sense ends the connection, and says whether the client heard half of something', async (t) => {
  const rows: readonly [why: string, text: string, message: RegExp, isMidResponse: boolean, wasSilent: boolean][] = [
    ['garbage', 'nonsense\r\n', /makes no sense/, false, false],
    ['goodbye', '* BYE see you\r\n', /said goodbye: see you/, false, false],
    ['another tag', 't2 OK\r\n', /makes no sense/, false, false],
    ['half a literal', '* 1 FETCH (BODY[] {10}\r\n123', /closed the connection/, true, false],
    ['half a response', '* 1 FETCH (BODY[] {3}\r\n123', /closed the connection/, true, false],
    ['half of what nobody hears', '* SECRET {10}\r\n123', /closed the connection/, false, false],
    ['nothing', '', /closed the connection/, false, true],
    ['half a line', '* 1 FETCH', /closed the connection/, false, true],
  ]
  for (const [why, text, message, isMidResponse, wasSilent] of rows) {
    const { connection, server } = await connected(t)
    connection.send('t1 NOOP\r\n')
    server.end(Buffer.from(text, 'latin1'))
    const error = await connection.next('t1', new Everything()).catch((reason: unknown) => reason)
    assert.ok(error instanceof RemoteLost, why)
    assert.match(error.message, message, why)
    assert.deepEqual([error.isMidResponse, error.wasSilent], [isMidResponse, wasSilent], why)
    assert.ok(connection.isOver)
  }
})
