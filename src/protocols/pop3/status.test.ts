import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthRefusal } from '../../auth/auth.ts'
import type { DisconnectRemark } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { faultReply, refusalReply, type ReplyContext, verdictReply } from './status.ts'

const context: ReplyContext = {
  command: 'AUTH',
  hostname: 'mail.example.org',
  now: new Date(2026, 10, 2, 3, 4, 5),
}

const REFUSALS: readonly (readonly [why: AuthRefusal, line: string, remark?: DisconnectRemark])[] = [
  [{ kind: 'failed' }, '-ERR [AUTH] Authentication failed.'],
  [{ kind: 'failed', reason: 'Too many failures' }, '-ERR [AUTH] Too many failures'],
  [{ kind: 'failed', reason: '[IN-USE] Later' }, '-ERR [IN-USE] Later'],
  [{ kind: 'failed', reason: 'a\r\n+OK b\0' }, '-ERR [AUTH] a  +OK b '],
  [{ kind: 'user-disabled' }, '-ERR [AUTH] Authentication failed.'],
  [{ kind: 'temporary' }, '-ERR [SYS/TEMP] Temporary authentication failure. [mail.example.org:2026-11-02 03:04:05]'],
  [
    { kind: 'unsupported-mechanism' },
    '-ERR [AUTH] Unsupported authentication mechanism.',
    'tried to use unsupported auth mechanism',
  ],
  [
    { kind: 'plaintext-disabled' },
    '-ERR [AUTH] Plaintext authentication disabled.',
    'tried to use disallowed plaintext auth',
  ],
  [{ kind: 'tls-required' }, '-ERR [AUTH] Authentication not allowed until SSL/TLS is enabled.'],
  [{ kind: 'aborted' }, '-ERR Authentication aborted by client.', 'aborted authentication'],
  [
    { kind: 'invalid-base64', initial: true },
    '-ERR [AUTH] Invalid base64 data in initial response',
    'sent invalid base64 in response',
  ],
  [
    { kind: 'invalid-base64', initial: false },
    '-ERR [AUTH] Invalid base64 in response',
    'sent invalid base64 in response',
  ],
  [{ kind: 'nologin' }, '-ERR [AUTH] Login disabled for this user'],
  [{ kind: 'nologin', reason: 'Gesperrt für heute' }, '-ERR [AUTH] Gesperrt f\xc3\xbcr heute'],
  [{ kind: 'nologin', reason: '[IN-USE]GoAway' }, '-ERR [IN-USE]GoAway'],
  [{ kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h' }, '-ERR Try this server instead.'],
  [{ kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h', reason: 'Elsewhere' }, '-ERR Elsewhere'],
  [{ kind: 'password-expired' }, '-ERR [AUTH] Password expired'],
  [{ kind: 'authorization-failed' }, '-ERR [AUTH] Authorization failed'],
  [
    { kind: 'too-many-connections', text: 'Maximum number of connections from user+IP exceeded' },
    '-ERR [IN-USE] Maximum number of connections from user+IP exceeded',
  ],
]

test('every refusal has its line', () => {
  for (const [why, line, remark] of REFUSALS) {
    assert.deepEqual(refusalReply(why, context), remark === undefined ? { line } : { line, remark }, line)
  }
})

test('PASS tells in its own words that the password was shown', () => {
  assert.deepEqual(refusalReply({ kind: 'plaintext-disabled' }, { ...context, command: 'PASS' }), {
    line: '-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
    remark: 'tried to use disallowed plaintext auth',
  })
})

const FAULTS: readonly (readonly [fault: SaslMessageFault, line: string])[] = [
  ['aborted', '-ERR Authentication aborted by client.'],
  ['invalid-initial', '-ERR [AUTH] Invalid base64 data in initial response'],
  ['bad-characters', '-ERR [AUTH] Invalid base64 in response'],
  ['bad-padding', '-ERR [AUTH] Invalid base64 data in continued response'],
]

test('every fault of a SASL message has its line', () => {
  for (const [fault, line] of FAULTS) assert.equal(faultReply(fault).line, line)
})

test('a proxy that failed says whether to come again', () => {
  const line = (retryLater: boolean): string => verdictReply({ kind: 'proxy-failed', retryLater }, context).line
  assert.equal(line(true), '-ERR [SYS/TEMP] Account is temporarily unavailable.')
  assert.equal(line(false), '-ERR Account is temporarily unavailable.')
})

const BACKEND: readonly (readonly [reply: string | undefined, line: string, why: string])[] = [
  ['-ERR [AUTH] no', '-ERR [AUTH] no', 'with a code'],
  ['-ERR [SYS/TEMP] later', '-ERR [SYS/TEMP] later', 'a temporary one'],
  ['-ERR no', '-ERR no', 'without'],
  ['-ERR ', '-ERR ', 'an empty text is a text'],
  ['-ERR', '-ERR Authentication failed.', 'no text'],
  ['-ERRATIC', '-ERR Authentication failed.', 'another word'],
  ['+ok', '-ERR Authentication failed.', 'no POP3'],
  ['', '-ERR Authentication failed.', 'nothing'],
  [undefined, '-ERR Authentication failed.', 'not even that'],
]

test("a backend's refusal goes to the client as it is, or in our words when it has none", () => {
  for (const [text, line, why] of BACKEND) {
    const reply = { lines: text === undefined ? [] : [text] }
    assert.equal(verdictReply({ kind: 'backend-refused', temporary: false, reply }, context).line, line, why)
  }
})
