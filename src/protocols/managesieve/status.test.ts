import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthRefusal } from '../../auth/auth.ts'
import type { DisconnectRemark } from '../protocol.ts'
import type { SaslMessageFault } from '../sasl-exchange.ts'
import { faultReply, refusalReply, type ReplyContext, verdictReply } from './status.ts'

const context: ReplyContext = { hostname: 'mail.example.org', now: new Date(2026, 10, 2, 3, 4, 5) }

const REFUSALS: readonly (readonly [why: AuthRefusal, line: string, remark?: DisconnectRemark])[] = [
  [{ kind: 'failed' }, 'NO "Authentication failed."'],
  [{ kind: 'failed', reason: 'Too "many" failures\\' }, 'NO "Too \\"many\\" failures\\\\"'],
  [{ kind: 'failed', reason: 'a\r\nOK "b"\0' }, 'NO "a  OK \\"b\\" "'],
  [{ kind: 'user-disabled' }, 'NO "Authentication failed."'],
  [{ kind: 'temporary' }, 'NO (TRYLATER) "Temporary authentication failure. [mail.example.org:2026-11-02 03:04:05]"'],
  [
    { kind: 'unsupported-mechanism' },
    'NO "Unsupported authentication mechanism."',
    'tried to use unsupported auth mechanism',
  ],
  [{ kind: 'plaintext-disabled' }, 'NO "Plaintext authentication disabled."', 'tried to use disallowed plaintext auth'],
  [{ kind: 'tls-required' }, 'NO (ENCRYPT-NEEDED) "Authentication not allowed until SSL/TLS is enabled."'],
  [{ kind: 'aborted' }, 'NO "Authentication aborted by client."', 'aborted authentication'],
  [
    { kind: 'invalid-base64', initial: true },
    'NO "Invalid base64 data in initial response"',
    'sent invalid base64 in response',
  ],
  [{ kind: 'invalid-base64', initial: false }, 'NO "Invalid base64 in response"', 'sent invalid base64 in response'],
  [{ kind: 'nologin' }, 'NO "Login disabled for this user"'],
  [{ kind: 'nologin', reason: 'Gesperrt für heute' }, 'NO "Gesperrt f\xc3\xbcr heute"'],
  [
    { kind: 'referral', user: 'joe@x', mechanism: 'PLAIN', host: 'h', port: 14190 },
    'NO (REFERRAL sieve://joe%40x;AUTH=PLAIN@h:14190) "Try this server instead."',
  ],
  [
    { kind: 'referral', user: 'é)\r\n', mechanism: 'PLAIN', host: 'h', port: 4190, reason: 'Moved' },
    'NO (REFERRAL sieve://%c3%a9%29%0d%0a;AUTH=PLAIN@h) "Moved"',
  ],
  [{ kind: 'password-expired' }, 'NO "Password expired"'],
  [{ kind: 'authorization-failed' }, 'NO "Authorization failed"'],
  [{ kind: 'too-many-connections', text: 'Too many of you' }, 'NO "Too many of you"'],
]

test('every refusal has its line', () => {
  for (const [why, line, remark] of REFUSALS) {
    assert.deepEqual(refusalReply(why, context), remark === undefined ? { line } : { line, remark }, line)
  }
})

const FAULTS: readonly (readonly [fault: SaslMessageFault, line: string])[] = [
  ['aborted', 'NO "Authentication aborted by client."'],
  ['invalid-initial', 'NO "Invalid base64 data in initial response"'],
  ['bad-characters', 'NO "Invalid base64 in response"'],
  ['bad-padding', 'NO "Invalid base64 data in continued response"'],
]

test('every fault of a SASL message has its line', () => {
  for (const [fault, line] of FAULTS) assert.equal(faultReply(fault).line, line)
})

test('a proxy that failed says whether to come again', () => {
  const line = (retryLater: boolean): string => verdictReply({ kind: 'proxy-failed', retryLater }, context).line
  assert.equal(line(true), 'NO (TRYLATER) "Account is temporarily unavailable."')
  assert.equal(line(false), 'NO "Account is temporarily unavailable."')
})

const BACKEND: readonly (readonly [reply: string | undefined, line: string, why: string])[] = [
  ['NO (TRYLATER) "later"', 'NO (TRYLATER) "later"', 'try later'],
  ['no (trylater) "later"', 'no (trylater) "later"', 'in lower case'],
  ['NO "Said the backend"', 'NO "Authentication failed."', 'in plain words'],
  ['NO (QUOTA/MAX) "x"', 'NO "Authentication failed."', 'another code'],
  ['NO "(TRYLATER)"', 'NO "Authentication failed."', 'a text is no code'],
  ['BYE "x"', 'NO "Authentication failed."', 'a goodbye'],
  [undefined, 'NO "Authentication failed."', 'nothing at all'],
]

test('only "try later" of a backend goes to the client as it is', () => {
  for (const [text, line, why] of BACKEND) {
    const reply = { lines: text === undefined ? [] : [text] }
    assert.equal(verdictReply({ kind: 'backend-refused', temporary: false, reply }, context).line, line, why)
  }
})
