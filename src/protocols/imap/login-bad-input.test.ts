import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type LoginOptions,
  play,
  type Peer,
  streamAndPeer,
  type TestLoginIo,
  testLoginIo,
} from '../../../test/support/protocol-session.ts'
import { READ_AHEAD_BYTES } from '../../net/byte-stream.ts'
import type { LoginEnd } from '../protocol.ts'
import { login } from './login.ts'

async function start(options: LoginOptions = {}): Promise<{ io: TestLoginIo; peer: Peer; end: Promise<LoginEnd> }> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  await peer.line()
  return { io, peer, end }
}

const FULL = 'Input buffer full'

const TOO_LONG: readonly (readonly [input: string, bye: string, reason: string, why: string])[] = [
  [`a NOOP ${'x'.repeat(8192)}\r\n`, `${FULL}, aborting`, FULL, 'a line over the limit of commands'],
  [`a ID ("a" "${'x'.repeat(16_384)}")\r\n`, `${FULL}, aborting`, FULL, 'a line over the limit of ID'],
  ['x'.repeat(16_385), `${FULL}, aborting`, FULL, 'a line that does not end'],
  ['a LOGIN {8192}\r\n', 'Literal size too large', 'Literal size too large', 'a literal over the limit'],
  ['a LOGIN {8192+}\r\n', 'Literal size too large', 'Literal size too large', 'the same without asking'],
  ['a LOGIN {99999999999999999999}\r\n', 'Literal size too large', 'Literal size too large', 'an endless literal'],
  [`a NOOP${' {0+}\r\n'.repeat(65)}`, 'Too many literals', 'Too many literals', 'literals without end'],
]

test('what is too long is cut off with a line that says so', async () => {
  for (const [input, bye, reason, why] of TOO_LONG) {
    const { peer, end } = await start()
    peer.send(input)
    assert.deepEqual(await end, { kind: 'closed', reason }, why)
    await play(peer, [`S: * BYE ${bye}`])
  }
})

test('ten megabytes on one line are not buffered', async () => {
  const { io, peer, end } = await start()
  peer.send('a NOOP ')
  for (let i = 0; i < 160; i++) peer.send('x'.repeat(65_536))
  assert.deepEqual(await end, { kind: 'closed', reason: FULL })
  assert.ok(io.stream.buffered <= READ_AHEAD_BYTES * 2, `${io.stream.buffered} bytes buffered`)
  assert.deepEqual(io.done.remarks, ['input line too long'])
})

test('LITERAL- is held to its 4096 bytes', async () => {
  const { peer, end } = await start({ settings: { imap_literal_minus: true } })
  peer.send('a LOGIN {4097+}\r\n')
  await play(peer, ['S: * BYE Non-synchronizing literal size too large'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Non-synchronizing literal size too large' })
})

const byte = fc.oneof(
  fc.constantFrom(
    ...'\\"{}()%* +\r\n]~\0'.split(''),
    '\xe9',
    'a ',
    '\r\n',
    'a LOGIN ',
    'a AUTHENTICATE PLAIN ',
    '{3+}\r\n',
    'a ID (',
  ),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)

test('no bytes whatsoever make a session hang, throw or reply with a line that is not its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: byte, maxLength: 120 }), async (input) => {
      const { peer, end } = await start()
      peer.send(input)
      peer.end()
      assert.ok(['closed', 'proxied'].includes((await end).kind))
      for (const line of peer.writes.slice(1).join('').split('\r\n')) {
        assert.match(line, /^$|^\* (BAD|BYE|OK|ID|CAPABILITY|ENABLED)|^\+ (OK)?$|^[^ ]{1,126} (OK|NO|BAD) /)
      }
    }),
    { numRuns: 200 },
  )
})
