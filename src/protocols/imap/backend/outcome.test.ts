import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyFailureClass } from '../../proxy-failure.ts'
import { refusal, welcome, type WelcomeContext } from './outcome.ts'

const WELCOMES: readonly (readonly [
  text: string,
  context: Partial<WelcomeContext>,
  untagged: readonly string[],
  line: string,
  why: string,
])[] = [
  ['OK [CAPABILITY A B] in', { capability: 'X' }, [], 'OK [CAPABILITY A B] in', 'the code of the backend, unchanged'],
  ['OK in', { capability: 'X Y' }, [], 'OK [CAPABILITY X Y] in', 'the capabilities it announced before'],
  ['OK in', {}, [], 'OK in', 'nothing known, nothing told'],
  ['OK [OTHER x] in', { capability: 'X' }, ['* CAPABILITY X'], 'OK [OTHER x] in', 'one code only: the rest untagged'],
  ['OK [OTHER x] in', {}, [], 'OK [OTHER x] in', 'another code and nothing known'],
  ['OK [CAPABILITY A] in', { asked: true }, ['* CAPABILITY A'], 'OK [CAPABILITY A] in', 'for a client that asks'],
  ['OK in', { asked: true, capability: 'X' }, ['* CAPABILITY X'], 'OK in', 'the same, from before'],
  ['OK [FOO] in', { asked: true, capability: 'X' }, ['* CAPABILITY X'], 'OK [FOO] in', 'the same beside another code'],
  ['OK in', { untagged: ['* FOO'] }, ['* FOO'], 'OK in', 'untagged lines first'],
  [
    'OK in',
    { untagged: ['* FOO'], asked: true, capability: 'X' },
    ['* FOO', '* CAPABILITY X'],
    'OK in',
    'in this order',
  ],
  ['ok in', {}, [], 'OK in', 'lower case is still a success'],
  ['OK', { capability: 'X' }, [], 'OK [CAPABILITY X] Logged in', 'a reply always has a text'],
  ['OK a\rb\0c', {}, [], 'OK a b c', 'what a client might take for a line end is gone'],
]

test('a client that is let in learns what the backend can do', () => {
  for (const [text, context, untagged, line, why] of WELCOMES) {
    const result = welcome(text, { capability: undefined, asked: false, untagged: [], ...context })
    assert.deepEqual(result, { untagged, lines: [line] }, why)
  }
})

const REFUSALS: readonly (readonly [text: string, failureClass: ProxyFailureClass, message: string, why: string])[] = [
  ['NO [AUTHENTICATIONFAILED] x', 'auth', '[AUTHENTICATIONFAILED] x', 'a wrong password'],
  ['NO [UNAVAILABLE] x', 'auth-temp', '[UNAVAILABLE] x', 'worth another try'],
  ['NO [unavailable] x', 'auth-temp', '[unavailable] x', 'codes have no case'],
  ['NO [ALERT] x', 'auth', '[ALERT] x', 'another code'],
  ['NO x', 'auth', 'x', 'no code'],
  ['BAD [UNAVAILABLE] x', 'auth', 'BAD [UNAVAILABLE] x', 'no refusal but a complaint'],
  ['no [UNAVAILABLE] x', 'auth', 'no [UNAVAILABLE] x', 'lower case, as Dovecot'],
  ['', 'auth', '', 'nothing at all'],
  ['NO a\x1b[1m\n', 'auth', 'a?[1m?', 'the log line is clean'],
]

test('a refusal is temporary only when the backend says UNAVAILABLE', () => {
  for (const [text, failureClass, message, why] of REFUSALS) {
    assert.equal(welcome(text, { capability: 'X', asked: false, untagged: [] }), undefined, why)
    const failure = refusal(text, { untagged: ['* FOO'] })
    assert.equal(failure.class, failureClass, why)
    assert.equal(failure.message, message, why)
    assert.deepEqual(failure.reply, { lines: [text], untagged: ['* FOO'] }, why)
  }
})

test('what the backend says about a token goes with the refusal', () => {
  const oauthDetail = Buffer.from('{"status":"invalid_token"}')
  assert.equal(refusal('NO x', { untagged: [], oauthDetail }).reply?.oauthDetail, oauthDetail)
})
