import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthRefusal } from '../../auth/auth.ts'
import type { DisconnectRemark } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { faultReply, refusalReply, type ReplyContext, verdictReply } from './status.ts'

const context: ReplyContext = { hostname: 'mail.example.org', now: new Date(2026, 10, 2, 3, 4, 5) }

const REFUSALS: readonly (readonly [why: AuthRefusal, line: string, remark?: DisconnectRemark])[] = [
  [{ kind: 'failed' }, '535 5.7.8 Authentication failed.'],
  [{ kind: 'failed', reason: 'Too many failures' }, '535 5.7.8 Too many failures'],
  [{ kind: 'failed', reason: 'a\r\n235 b\0' }, '535 5.7.8 a  235 b '],
  [{ kind: 'user-disabled' }, '535 5.7.8 Authentication failed.'],
  [{ kind: 'temporary' }, '454 4.7.0 Temporary authentication failure. [mail.example.org:2026-11-02 03:04:05]'],
  [
    { kind: 'unsupported-mechanism' },
    '504 5.5.4 Unsupported authentication mechanism.',
    'tried to use unsupported auth mechanism',
  ],
  [
    { kind: 'plaintext-disabled' },
    '523 5.7.10 Plaintext authentication disabled.',
    'tried to use disallowed plaintext auth',
  ],
  [{ kind: 'tls-required' }, '530 5.7.0 TLS required.'],
  [{ kind: 'aborted' }, '501 5.5.2 Authentication aborted by client.', 'aborted authentication'],
  [
    { kind: 'invalid-base64', initial: true },
    '501 5.5.2 Invalid base64 data in initial response',
    'sent invalid base64 in response',
  ],
  [
    { kind: 'invalid-base64', initial: false },
    '535 5.7.8 Invalid base64 in response',
    'sent invalid base64 in response',
  ],
  [{ kind: 'nologin' }, '525 5.7.13 Login disabled for this user'],
  [{ kind: 'nologin', reason: 'Gesperrt für heute' }, '525 5.7.13 Gesperrt f\xc3\xbcr heute'],
  [{ kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h' }, '535 5.7.8 Try this server instead.'],
  [{ kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h', reason: 'Elsewhere' }, '535 5.7.8 Elsewhere'],
  [{ kind: 'password-expired' }, '535 5.7.8 Password expired'],
  [{ kind: 'authorization-failed' }, '535 5.7.8 Authorization failed'],
  [{ kind: 'too-many-connections', text: 'Too many of you' }, '454 4.7.0 Too many of you'],
]

test('every refusal has its reply', () => {
  for (const [why, line, remark] of REFUSALS) {
    assert.deepEqual(refusalReply(why, context), remark === undefined ? { lines: [line] } : { lines: [line], remark })
  }
})

const FAULTS: readonly (readonly [fault: SaslMessageFault, line: string])[] = [
  ['aborted', '501 5.5.2 Authentication aborted by client.'],
  ['invalid-initial', '501 5.5.2 Invalid base64 data in initial response'],
  ['bad-characters', '535 5.7.8 Invalid base64 in response'],
  ['bad-padding', '501 5.5.2 Invalid base64 data in continued response'],
]

test('every fault of a SASL message has its reply', () => {
  for (const [fault, line] of FAULTS) assert.deepEqual(faultReply(fault).lines, [line])
})

test('a proxy that failed says the same whether it may help to come again or not', () => {
  for (const retryLater of [true, false]) {
    const { lines } = verdictReply({ kind: 'proxy-failed', retryLater }, context)
    assert.deepEqual(lines, ['454 4.7.0 Account is temporarily unavailable.'])
  }
})

test("a backend's refusal goes to the client whole", () => {
  const lines = (reply: readonly string[]): readonly string[] =>
    verdictReply({ kind: 'backend-refused', temporary: false, reply: { lines: reply } }, context).lines
  assert.deepEqual(lines(['535-5.7.8 No', '535 5.7.8 and no']), ['535-5.7.8 No', '535 5.7.8 and no'])
  assert.deepEqual(lines(['535']), ['535'])
  assert.deepEqual(lines([]), ['535 5.7.8 Authentication failed.'])
})
