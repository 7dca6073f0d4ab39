import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { streamAndPeer } from '../../test/support/protocol-session.ts'
import { InvalidBase64, SaslAborted } from '../sasl/mechanism.ts'
import {
  decodeBase64,
  decodeInitialResponse,
  encodeInitialResponse,
  SASL_MESSAGE_BYTES,
  type SaslFault,
  SaslLines,
} from './sasl-wire.ts'

test('any bytes survive the base64 of an initial response', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const data = Buffer.from(bytes)
      assert.deepEqual(decodeInitialResponse(encodeInitialResponse(data)), data)
    }),
  )
})

test('base64 is read strictly', () => {
  for (const good of ['', 'AA==', 'AAA=', 'AAAA', 'am9l']) assert.ok(decodeBase64(good), good)
  for (const bad of [
    'A',
    'AA',
    'AA=',
    'A===',
    '====',
    '=',
    'AA=A',
    'AA AA',
    'AAA*',
    'am9l\r',
    ' am9l',
    'AA\0A',
    '-_-_',
  ]) {
    assert.equal(decodeBase64(bad), undefined, JSON.stringify(bad))
  }
})

test('a challenge goes out and its answer comes back', async () => {
  const { stream, peer } = streamAndPeer()
  const lines = new SaslLines(stream, '334 ')
  const answer = lines.challenge(Buffer.from('Username:'))
  assert.equal(await peer.line(), '334 VXNlcm5hbWU6')
  peer.send('am9l\r\n')
  assert.equal((await answer).toString(), 'joe')
  const finished = lines.finish(Buffer.from('v=x'))
  assert.equal(await peer.line(), '334 dj14')
  peer.send('\r\n')
  await finished
  assert.equal(lines.fault, undefined)
})

const FAULTS: readonly (readonly [answer: string, fault: SaslFault, error: new () => Error, why: string])[] = [
  ['*\r\n', 'aborted', SaslAborted, 'the client gives up'],
  ['!!!\r\n', 'bad-characters', InvalidBase64, 'no base64'],
  ['* \r\n', 'bad-characters', InvalidBase64, 'not quite giving up'],
  ['AA\0AA\r\n', 'bad-characters', InvalidBase64, 'NUL'],
  ['=\r\n', 'bad-padding', InvalidBase64, 'padding of nothing'],
  ['AAA\r\n', 'bad-padding', InvalidBase64, 'cut short'],
  [`${'A'.repeat(SASL_MESSAGE_BYTES + 1)}\r\n`, 'too-large', SaslAborted, 'one byte too long'],
]

test('whatever else a client answers ends the exchange and is remembered', async () => {
  for (const [answer, fault, error, why] of FAULTS) {
    const { stream, peer } = streamAndPeer()
    const lines = new SaslLines(stream, '+ ')
    peer.send(answer)
    await assert.rejects(lines.challenge(Buffer.alloc(0)), error, why)
    assert.equal(lines.fault, fault, why)
    await assert.rejects(lines.challenge(Buffer.alloc(0)), SaslAborted, 'there is no second chance')
    assert.deepEqual(peer.writes, ['+ \r\n'], why)
  }
})

test('a client that leaves instead of answering closes the exchange', async () => {
  const { stream, peer } = streamAndPeer()
  const lines = new SaslLines(stream, '+ ')
  peer.send('AAA')
  peer.end()
  await assert.rejects(lines.challenge(Buffer.alloc(0)), SaslAborted)
  assert.equal(lines.fault, 'closed')
})
