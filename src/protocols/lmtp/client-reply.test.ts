import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReply, type SmtpReply, withoutEnhanced } from '../smtp/wire/reply.ts'
import { BackendFailure, BackendRefusal } from './backend/failure.ts'
import { failed, messageTaken, recipientTaken } from './client-reply.ts'
import { Recipient } from './recipient.ts'

const joe = new Recipient({ id: 'abc:R2', address: { localPart: 'joe+box', domain: 'x' }, forward: new Map() })

async function reply(...lines: string[]): Promise<SmtpReply> {
  return await readReply(async () => await Promise.resolve(lines.shift() ?? ''))
}

test('a refusal of the backend names the recipient as the client knows it', async () => {
  const rows: [lines: string[], expected: string, why: string][] = [
    [['550 5.1.1 <other@y> User unknown'], '550 5.1.1 <joe+box@x> User unknown\r\n', 'the address is replaced'],
    [['550 5.7.1 <other@z>: bad'], '550 5.7.1 <joe+box@x> <other@z>: bad\r\n', 'not in the usual form'],
    [['452 quota'], '452 4.0.0 <joe+box@x> quota\r\n', 'a code is made up'],
    [['550 5.1.1 <>'], '550 5.1.1 <joe+box@x> <>\r\n', 'no address'],
    [['550 5.1.1 <a'], '550 5.1.1 <joe+box@x> <a\r\n', 'half an address'],
    [['550 2.0.0 well'], '550 5.0.0 <joe+box@x> well\r\n', 'a code of another class'],
    [['450-4.2.1 <q@q> one', '450 4.2.1 two'], '450-4.2.1 <joe+box@x> one\r\n450 4.2.1 two\r\n', 'several lines'],
    [['550 5.1.1 a\0b\x1bc\rd'], '550 5.1.1 <joe+box@x> a b c d\r\n', 'control characters'],
    [['554'], '554 5.0.0 <joe+box@x> \r\n', 'no text'],
  ]
  for (const [lines, expected, why] of rows) {
    assert.equal(failed(new BackendRefusal(await reply(...lines)), joe, false), expected, why)
  }
  const plain = withoutEnhanced(await reply('550 5.1.1 <other@y> User unknown'))
  assert.equal(failed(new BackendRefusal(plain), joe, false), '550 5.0.0 <joe+box@x> 5.1.1 <other@y> User unknown\r\n')
})

test('a failure of the way there is temporary, and verbose where that is wanted', () => {
  const rows: [failure: BackendFailure, short: string, verbose: string][] = [
    [
      new BackendFailure('connect', 'connect(h:24) failed: Connection refused', { detail: 'Failed to connect' }),
      '451 4.4.0 Proxy failed (connect, session=abc:R2)\r\n',
      '451 4.4.0 Proxy failed: Failed to connect (session=abc:R2)\r\n',
    ],
    [
      new BackendFailure('bad reply', 'Invalid\r\nreply'),
      '451 4.4.0 Proxy failed (bad reply, session=abc:R2)\r\n',
      '451 4.4.0 Proxy failed: Invalid  reply (session=abc:R2)\r\n',
    ],
    [
      new BackendFailure('not answering', 'late'),
      '451 4.4.0 <joe+box@x> Remote server not answering (transaction timed out while waiting for reply to DATA)\r\n',
      '451 4.4.0 <joe+box@x> Remote server not answering (transaction timed out while waiting for reply to DATA)\r\n',
    ],
  ]
  for (const [failure, short, verbose] of rows) {
    assert.equal(failed(failure, joe, false), short)
    assert.equal(failed(failure, joe, true), verbose)
  }
})

test('success keeps the codes of the backend, and its words only at RCPT', async () => {
  assert.equal(recipientTaken(await reply('250 fine')), '250 2.1.0 fine\r\n')
  assert.equal(recipientTaken(await reply('251-2.1.5 a', '251 2.1.5 b')), '251-2.1.5 a\r\n251 2.1.5 b\r\n')
  assert.equal(recipientTaken(await reply('250 5.1.1 odd')), '250 2.1.0 odd\r\n')
  assert.equal(messageTaken(await reply('250 2.6.0 queued'), joe), '250 2.6.0 <joe+box@x> abc:R2 Saved\r\n')
  assert.equal(messageTaken(await reply('250 ok'), joe), '250 2.0.0 <joe+box@x> abc:R2 Saved\r\n')
})
