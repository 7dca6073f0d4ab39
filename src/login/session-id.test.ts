import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSessionId } from './session-id.ts'

/** Ids that Dovecot 2.3.19 made, and what was in them. */
const ids: readonly { id: string; ip: string; port: number; micros: number }[] = [
  { id: 'lzs/6dBgR7l/AE0B', ip: '127.0.77.1', port: 47431, micros: 0x60d0e93f3b97 },
  { id: 'ajyIStFgbJoAAAAAAAAAAAAAAAAAAAAB', ip: '::1', port: 39532, micros: 0x60d14a883c6a },
]

test('a session id has the time, port and address of the client', () => {
  for (const { id, ip, port, micros } of ids) assert.equal(makeSessionId({ ip, port }, micros), id)
})

test('only the low 48 bits of the time are used', () => {
  assert.equal(makeSessionId({ ip: '127.0.77.1', port: 47431 }, 0x60d0e93f3b97 + 2 ** 48 * 3), 'lzs/6dBgR7l/AE0B')
})

const addresses: readonly [string, string][] = [
  ['2001:db8::1:2', '20010db8000000000000000000010002'],
  ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
  ['::', '00000000000000000000000000000000'],
  ['fe80::1%lo', 'fe800000000000000000000000000001'],
]

test('IPv6 addresses are 16 bytes in network order', () => {
  for (const [ip, hex] of addresses) {
    const bytes = Buffer.from(makeSessionId({ ip, port: 1 }, 0), 'base64')
    assert.equal(bytes.subarray(8).toString('hex'), hex, ip)
  }
})
