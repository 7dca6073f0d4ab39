import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destination } from '../../../../test/support/lmtp-session.ts'
import { FORWARD_BYTES } from '../../smtp-identity.ts'
import { Recipient } from '../recipient.ts'
import { mailCommand, rcptCommand } from './envelope.ts'

const ALL = new Map(['8BITMIME', 'SMTPUTF8', 'SIZE', 'DSN', 'XRCPTFORWARD'].map((name) => [name, [] as string[]]))
const NONE = new Map<string, string[]>()

test('MAIL carries what the backend knows', () => {
  const from = { localPart: 'a', domain: 'b' }
  const full = { from, eightBit: true, smtpUtf8: true, sizeBytes: 12 }
  assert.equal(mailCommand(full, ALL), 'MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8 SIZE=12\r\n')
  assert.equal(mailCommand(full, NONE), 'MAIL FROM:<a@b>\r\n')
  const empty = { from: undefined, eightBit: false, smtpUtf8: false, sizeBytes: undefined }
  assert.equal(mailCommand(empty, ALL), 'MAIL FROM:<>\r\n')
})

function joe(target: string, forward: Record<string, string | null> = {}, orcpt?: string): Recipient {
  const recipient = new Recipient({ id: 'x', address: { localPart: 'joe', domain: 'x' }, orcpt, forward: new Map() })
  recipient.target = { address: { localPart: target, domain: 'x' }, forward: new Map(Object.entries(forward)) }
  return recipient
}

const CHUNKING: typeof NONE = new Map([['CHUNKING', []]])

test('RCPT carries the original recipient and the fields for the next hop', () => {
  const rows: [
    recipient: Recipient,
    to: Parameters<typeof destination>[0],
    offered: typeof NONE,
    expected: string,
    why: string,
  ][] = [
    [joe('joe'), {}, ALL, 'RCPT TO:<joe@x>', 'nothing changed, nothing to tell'],
    [
      joe('other'),
      {},
      CHUNKING,
      'RCPT TO:<other@x> ORCPT=rfc822;joe@x',
      "Dovecot's LMTP knows ORCPT without saying so",
    ],
    [joe('other'), {}, NONE, 'RCPT TO:<other@x>', 'Cyrus IMAP would refuse it'],
    [joe('other'), { protocol: 'smtp' }, NONE, 'RCPT TO:<other@x>', 'SMTP without DSN'],
    [joe('other'), { protocol: 'smtp' }, ALL, 'RCPT TO:<other@x> ORCPT=rfc822;joe@x', 'SMTP with DSN'],
    [joe('joe', {}, 'rfc822;a+2Bb'), {}, CHUNKING, 'RCPT TO:<joe@x> ORCPT=rfc822;a+2Bb', "the client's own"],
    [joe('joe', { a: 'x=y', b: null }), {}, ALL, 'RCPT TO:<joe@x> XRCPTFORWARD=a+3Dx+3Dy+09b', 'fields'],
    [joe('joe', { a: 'b' }), {}, NONE, 'RCPT TO:<joe@x>', 'fields to a backend that does not know them'],
    [
      joe('joe', { a: 'b' }),
      { notTrusted: true },
      ALL,
      'RCPT TO:<joe@x>',
      'fields to a backend that must not have them',
    ],
    [joe('joe', { a: 'b\r\nDATA' }), {}, ALL, 'RCPT TO:<joe@x> XRCPTFORWARD=a+3Db+01r+01nDATA', 'no line ends'],
  ]
  for (const [recipient, to, offered, expected, why] of rows) {
    assert.deepEqual(rcptCommand(recipient, destination(to), offered), { line: `${expected}\r\n`, dropped: [] }, why)
  }
})

test('fields that are too long for the receiver stay behind, and the others go', () => {
  const recipient = joe('joe', { small: 'a', big: 'y'.repeat(FORWARD_BYTES), plus: '+'.repeat(FORWARD_BYTES / 3) })
  const { line, dropped } = rcptCommand(recipient, destination(), ALL)
  assert.equal(line, 'RCPT TO:<joe@x> XRCPTFORWARD=small+3Da\r\n')
  assert.deepEqual(dropped, ['big', 'plus'])
})
