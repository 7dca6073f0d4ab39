import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disconnectReason, type LoginHistory, newHistory } from './disconnect-reason.ts'

const once = { attempts: 1, firstAttemptMs: 5_000 }

const rows: readonly { history: Partial<LoginHistory>; is: string }[] = [
  { history: {}, is: '(no auth attempts in 10 secs)' },
  { history: { ...once, lastRefusal: 'failed' }, is: '(auth failed, 1 attempts in 5 secs)' },
  { history: { ...once, attempts: 3, lastRefusal: 'failed' }, is: '(auth failed, 3 attempts in 5 secs)' },
  { history: { ...once, lastRefusal: 'temporary' }, is: '(auth service reported temporary failure)' },
  { history: { ...once, lastRefusal: 'authorization-failed' }, is: '(authorization failed, 1 attempts in 5 secs)' },
  { history: { ...once, lastRefusal: 'user-disabled' }, is: '(user disabled)' },
  { history: { ...once, lastRefusal: 'password-expired' }, is: '(password expired)' },
  { history: { ...once, lastRefusal: 'invalid-base64' }, is: '(sent invalid base64 in response)' },
  { history: { ...once, lastRefusal: 'unsupported-mechanism' }, is: '(tried to use unsupported auth mechanism)' },
  { history: { ...once, lastRefusal: 'plaintext-disabled' }, is: '(tried to use disallowed plaintext auth)' },
  { history: { ...once, lastRefusal: 'aborted' }, is: '(aborted authentication)' },
  { history: { ...once, lastRefusal: 'nologin', successes: 1 }, is: '(internal failure, 1 successful auths)' },
  { history: { ...once, successes: 2 }, is: '(internal failure, 2 successful auths)' },
  { history: { ...once, successes: 1, backendRefused: true }, is: '(proxy dest auth failed)' },
  { history: { ...once, phase: 'sasl' }, is: "(client didn't finish SASL auth, waited 5 secs)" },
  { history: { ...once, phase: 'auth' }, is: '(disconnected while authenticating, waited 5 secs)' },
  { history: { ...once, successes: 1, phase: 'backend' }, is: '(disconnected while finishing login, waited 5 secs)' },
  { history: { remark: 'tried to use disallowed plaintext auth' }, is: '(tried to use disallowed plaintext auth)' },
  {
    history: { ...once, remark: 'tried to use disallowed plaintext auth', lastRefusal: 'failed' },
    is: '(auth failed, 1 attempts in 5 secs)',
  },
  {
    history: { ...once, remark: 'sent invalid base64 in response', lastRefusal: 'aborted' },
    is: '(sent invalid base64 in response)',
  },
  {
    history: { ...once, remark: "client didn't finish SASL auth" },
    is: "(client didn't finish SASL auth, waited 5 secs)",
  },
  { history: { remark: 'too many invalid commands' }, is: '(no auth attempts in 10 secs)' },
]

test('how a stranger left, in the words of Dovecot 2.3.19', () => {
  for (const { history, is } of rows) assert.equal(disconnectReason({ ...newHistory(0), ...history }, 10_000), is)
})
