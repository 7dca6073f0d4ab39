import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthRefusal } from '../../auth/auth.ts'
import type { BackendReply, DisconnectRemark } from '../protocol.ts'
import { faultReply, refusalReply, type ReplyContext, verdictReply } from './status.ts'

const context: ReplyContext = {
  command: 'AUTHENTICATE',
  hostname: 'mail.example.org',
  now: () => new Date(2026, 10, 2, 3, 4, 5),
}

const REFUSALS: readonly (readonly [why: AuthRefusal, status: string, remark?: DisconnectRemark])[] = [
  [{ kind: 'failed' }, 'NO [AUTHENTICATIONFAILED] Authentication failed.'],
  [{ kind: 'failed', reason: 'Too many failures' }, 'NO [ALERT] Too many failures'],
  [{ kind: 'failed', reason: '[LIMIT] Later' }, 'NO [LIMIT] Later'],
  [{ kind: 'failed', reason: 'a\r\n* BYE b\0' }, 'NO [ALERT] a  * BYE b '],
  [{ kind: 'temporary' }, 'NO [UNAVAILABLE] Temporary authentication failure. [mail.example.org:2026-11-02 03:04:05]'],
  [
    { kind: 'unsupported-mechanism' },
    'NO [ALERT] Unsupported authentication mechanism.',
    'tried to use unsupported auth mechanism',
  ],
  [
    { kind: 'plaintext-disabled' },
    'NO [PRIVACYREQUIRED] Plaintext authentication disabled.',
    'tried to use disallowed plaintext auth',
  ],
  [{ kind: 'tls-required' }, 'NO [PRIVACYREQUIRED] Authentication not allowed until SSL/TLS is enabled.'],
  [{ kind: 'aborted' }, 'BAD Authentication aborted by client.', 'aborted authentication'],
  [
    { kind: 'invalid-base64', initial: true },
    'BAD Invalid base64 data in initial response',
    'sent invalid base64 in response',
  ],
  [
    { kind: 'invalid-base64', initial: false },
    'NO [ALERT] Invalid base64 in response',
    'sent invalid base64 in response',
  ],
  [{ kind: 'nologin' }, 'NO [CONTACTADMIN] Login disabled for this user'],
  [{ kind: 'nologin', reason: '[LIMIT]GoAway' }, 'NO [CONTACTADMIN] [LIMIT]GoAway'],
  [{ kind: 'nologin', reason: 'Gesperrt für heute' }, 'NO [CONTACTADMIN] Gesperrt f\xc3\xbcr heute'],
  [
    { kind: 'referral', user: 'joe@x', mechanism: 'PLAIN', host: 'imap2.example.com', port: 1143 },
    'NO [REFERRAL imap://joe%40x;AUTH=PLAIN@imap2.example.com:1143/] Try this server instead.',
  ],
  [
    { kind: 'referral', user: 'é]\r\n', mechanism: 'PLAIN', host: 'h', port: 143, reason: 'Moved' },
    'NO [REFERRAL imap://%c3%a9%5d%0d%0a;AUTH=PLAIN@h/] Moved',
  ],
  [{ kind: 'password-expired' }, 'NO [EXPIRED] Password expired'],
  [{ kind: 'user-disabled' }, 'NO [AUTHENTICATIONFAILED] Authentication failed.'],
  [{ kind: 'authorization-failed' }, 'NO [AUTHORIZATIONFAILED] Authorization failed'],
  [
    { kind: 'too-many-connections', text: 'Maximum number of connections from user+IP exceeded' },
    'NO [LIMIT] Maximum number of connections from user+IP exceeded',
  ],
]

test('every refusal has the words of Dovecot', () => {
  for (const [why, status, remark] of REFUSALS) {
    const expected = remark === undefined ? { untagged: [], status } : { untagged: [], status, remark }
    assert.deepEqual(refusalReply(why, context), expected, JSON.stringify(why))
  }
})

test('a password sent by LOGIN in clear text is called exposed, also where all mechanisms need TLS', () => {
  for (const kind of ['plaintext-disabled', 'tls-required'] as const) {
    assert.deepEqual(refusalReply({ kind }, { ...context, command: 'LOGIN' }), {
      untagged: [
        '* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.',
      ],
      status: 'NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
      remark: 'tried to use disallowed plaintext auth',
    })
  }
})

test('a response that is no base64 is told from one that is cut short', () => {
  assert.equal(faultReply('bad-characters').status, 'NO [ALERT] Invalid base64 in response')
  assert.equal(faultReply('bad-padding').status, 'BAD Invalid base64 data in continued response')
  assert.equal(faultReply('aborted').status, 'BAD Authentication aborted by client.')
})

test('a proxy that fails says whether to try again', () => {
  const status = (retryLater: boolean): string => verdictReply({ kind: 'proxy-failed', retryLater }, context).status
  assert.equal(status(true), 'NO [UNAVAILABLE] Account is temporarily unavailable.')
  assert.equal(status(false), 'NO [SERVERBUG] Account is temporarily unavailable.')
})

const FAILED = 'NO [AUTHENTICATIONFAILED] Authentication failed.'
const BACKEND: readonly (readonly [line: string, status: string, why: string])[] = [
  ['NO [AUTHENTICATIONFAILED] No such user joe', FAILED, 'the wording could tell whether the user exists'],
  ['NO Wrong password', FAILED, 'no code'],
  ['NO', FAILED, 'no text'],
  ['BAD [LIMIT] x', FAILED, 'BAD is no refusal that a client could do anything about'],
  ['no [LIMIT] x', FAILED, 'lower case, as Dovecot'],
  ['NO [UNAVAILABLE] Down', 'NO [UNAVAILABLE] Down', 'temporary'],
  ['NO [ALERT] Read this', 'NO [ALERT] Read this', 'other codes as they are'],
  ['NO [LIMIT] Too many', 'NO [LIMIT] Too many', 'other codes as they are'],
  ['NO [REFERRAL imap://a/] b', 'NO [REFERRAL imap://a/] b', 'with an argument'],
  ['NO [broken', FAILED, 'a code that never ends is none'],
  ['', FAILED, 'nothing at all'],
]

test('a backend that refuses is quoted only when its reply has a code', () => {
  for (const [line, status, why] of BACKEND) {
    const reply: BackendReply = { lines: line === '' ? [] : [line], untagged: ['* FOO'] }
    const result = verdictReply({ kind: 'backend-refused', temporary: false, reply }, context)
    assert.deepEqual(result, { untagged: ['* FOO'], status }, why)
  }
})
