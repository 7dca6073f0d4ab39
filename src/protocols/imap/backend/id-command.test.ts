import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  streamAndPeer,
  type TestBackendIo,
  testBackendIo,
  testTarget,
} from '../../../../test/support/protocol-session.ts'
import type { ClientIdentity } from '../../protocol.ts'
import { idCommand } from './id-command.ts'

const WHO =
  '"x-session-id" "zCeS6dBg/7B/AE0B" "x-originating-ip" "127.0.77.1" "x-originating-port" "45311" ' +
  '"x-connected-ip" "127.0.77.2" "x-connected-port" "27143" "x-proxy-ttl" "4"'

function write(
  forward: readonly (readonly [string, string | null])[],
  identity: Partial<ClientIdentity> = {},
): { text: string; io: TestBackendIo } {
  const io = testBackendIo(streamAndPeer().stream, { identity })
  return { io, text: idCommand(io, testTarget({ forward: new Map(forward) })) }
}

test('ID says who the client is', () => {
  assert.equal(write([]).text, `I ID (${WHO})\r\n`)
})

test('the order is: what the client said itself, who it is, what the passdb adds', () => {
  const clientId = [
    ['name', 'Thunder'],
    ['x', null],
  ] as const
  const { text } = write([['foo', 'bar']], { clientId })
  assert.equal(text, `I ID ("name" "Thunder" "x" NIL ${WHO} "x-forward-foo" "bar")\r\n`)
})

test('forwarded keys keep their case, values without content are NIL', () => {
  const { text } = write([
    ['Abc', 'y"\\z'],
    ['bool', null],
    ['empty', ''],
    ['nil', 'NIL'],
    ['u', 'ü'],
  ])
  const fields =
    '"x-forward-Abc" "y\\"\\\\z" "x-forward-bool" NIL "x-forward-empty" NIL "x-forward-nil" NIL "x-forward-u" "\xc3\xbc"'
  assert.equal(text, `I ID (${WHO} ${fields})\r\n`)
})

const UNSENDABLE: readonly (readonly [key: string, value: string, why: string])[] = [
  ['k'.repeat(21), 'v', 'x-forward- leaves 20 bytes of the 30'],
  ['k', 'v'.repeat(1025), 'values have at most 1024 bytes'],
  ['k', 'ü'.repeat(513), 'bytes, not characters'],
  ['k', 'a\r\nb LOGOUT', 'no line breaks'],
  ['k', 'a\0b', 'no NUL'],
]

test('a field that receivers would not take is left out with a warning', () => {
  for (const [key, value, why] of UNSENDABLE) {
    const { text, io } = write([
      [key, value],
      ['ok', 'v'],
    ])
    assert.equal(text, `I ID (${WHO} "x-forward-ok" "v")\r\n`, why)
    assert.equal(io.done.warnings.length, 1, why)
    assert.match(io.done.warnings[0] ?? '', /^Not forwarding field forward_k/, why)
  }
})

test('fields beyond 8 KiB together are left out with a warning', () => {
  const { text, io } = write(Array.from({ length: 12 }, (_, i) => [`f${i}`, 'v'.repeat(1000)] as const))
  assert.ok(text.length <= 8192)
  assert.equal(io.done.warnings.length, 5)
  assert.match(text, /"x-forward-f6" "v+"\)\r\n$/)
})
