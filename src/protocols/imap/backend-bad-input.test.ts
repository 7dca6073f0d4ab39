import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Peer,
  streamAndPeer,
  type TestBackendIo,
  testBackendIo,
  testTarget,
} from '../../../test/support/protocol-session.ts'
import { ConnectionLost, DeadlineExceeded } from '../../net/byte-stream.ts'
import type { BackendWelcome } from '../protocol.ts'
import { ProxyFailure } from '../proxy-failure.ts'
import { backend } from './backend.ts'
import { BACKEND_LIMITS } from './backend/dialogue.ts'

function start(): { io: TestBackendIo; peer: Peer; result: Promise<BackendWelcome> } {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream)
  const result = backend(io, testTarget())
  result.catch(() => {})
  return { io, peer, result }
}

const BANNER = '* OK [CAPABILITY IMAP4rev1] x\r\n'

const ENDLESS: readonly (readonly [input: string, message: string, why: string])[] = [
  [`${BANNER}* ${'x'.repeat(5000)}\r\n`, 'Too long input line', 'a long line'],
  ['* OK '.padEnd(10_000_000, 'x'), 'Too long input line', 'a line without an end'],
  [`${BANNER}${`* ${'x'.repeat(1000)}\r\n`.repeat(70)}`, 'Too many untagged replies', 'untagged lines without an end'],
  [`${BANNER}${'zzz\r\n'.repeat(25)}`, 'Too many unexpected lines', 'lines that make no sense, without an end'],
]

test('a backend that does not stop talking is a protocol failure', async () => {
  for (const [input, message, why] of ENDLESS) {
    const { peer, result, io } = start()
    peer.send(input)
    await assert.rejects(result, { class: 'protocol', message }, why)
    assert.ok(io.done.warnings.length <= BACKEND_LIMITS.unexpectedLines, why)
  }
})

test('a backend that leaves before the login is decided was disconnected', async () => {
  for (const input of ['', '* OK', BANNER, `${BANNER}L O`]) {
    const { peer, result } = start()
    peer.send(input)
    peer.end()
    await assert.rejects(result, { class: 'connect', message: 'Disconnected by server: Connection closed' }, input)
  }
})

test('a connection that breaks says how', async () => {
  const { stream } = streamAndPeer()
  const io = testBackendIo(
    Object.assign(Object.create(stream) as typeof stream, {
      readLine: () => Promise.reject(new ConnectionLost('read(size=4096) failed: Connection reset by peer')),
    }),
  )
  await assert.rejects(backend(io, testTarget()), {
    class: 'connect',
    message: 'Disconnected by server: Connection closed: read(size=4096) failed: Connection reset by peer',
  })
})

test('a backend that stops in the middle of a line runs into the deadline, and the step says where', async () => {
  const { peer, result, io } = start()
  io.stream.setDeadline(20)
  peer.send(`${BANNER}L OK [CAPA`)
  await assert.rejects(result, DeadlineExceeded)
  assert.equal(io.step, 'login/banner')
})

test('a backend that answers in single bytes is understood', async () => {
  const { peer, result } = start()
  await peer.sendByteByByte(`${BANNER}* FOO\r\nL OK in\r\n`)
  assert.deepEqual(await result, { untagged: ['* FOO'], lines: ['OK [CAPABILITY IMAP4rev1] in'] })
})

const byte = fc.oneof(
  fc.constantFrom(
    '* OK [CAPABILITY SASL-IR ID]',
    '* OK ',
    '\r\n',
    'L OK ',
    'L NO [',
    'I OK',
    'C OK',
    '+ ',
    '* ',
    ']',
    '\0',
    '\r',
  ),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)

test('no bytes whatsoever from a backend lead to anything but a welcome or a ProxyFailure', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: byte, maxLength: 60 }), async (input) => {
      const { peer, result } = start()
      peer.send(input)
      peer.end()
      const lines = await result.then(
        (welcome) => [...welcome.untagged, ...welcome.lines],
        (error: unknown) => {
          assert.ok(error instanceof ProxyFailure)
          return [...(error.reply?.lines ?? []), ...(error.reply?.untagged ?? []), error.message]
        },
      )
      for (const line of lines) assert.doesNotMatch(line, /[\r\n\0]/)
    }),
    { numRuns: 200 },
  )
})
