import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilityCode, hasResponseCode, responseCode } from './capability-code.ts'
import { isNil, isTag } from './grammar.ts'

test('tags are what Dovecot takes for tags', () => {
  const good = ['a', 'A001', "a.b-c_d:e/f&g'h#i!j@k$l^m~n`o|p<q>r?s,t;u=v", 'a[', 'a}', 'a\x7f', 'x'.repeat(126)]
  for (const tag of good) assert.equal(isTag(tag), true, JSON.stringify(tag))
  const bad = [
    '',
    '*',
    '+',
    'a+',
    'a"',
    'a{',
    'a(',
    'a)',
    'a%',
    'a\\',
    'a]',
    '\xe9',
    'a\0b',
    'a\x01',
    'a\tb',
    'x'.repeat(127),
  ]
  for (const tag of bad) assert.equal(isTag(tag), false, JSON.stringify(tag))
})

test('NIL is an atom in any case', () => {
  assert.deepEqual(['NIL', 'nil', 'Nil', 'NILS', ''].map(isNil), [true, true, true, false, false])
})

const CODES: readonly (readonly [
  text: string,
  capability: string | undefined,
  code: string | undefined,
  why: string,
])[] = [
  ['[CAPABILITY IMAP4rev1 ID] ready', 'IMAP4rev1 ID', 'CAPABILITY', 'a list'],
  ['[capability IMAP4rev1]', 'IMAP4rev1', 'CAPABILITY', 'lower case'],
  ['[CAPABILITY] x', undefined, 'CAPABILITY', 'no list'],
  ['[CAPABILITY x', undefined, undefined, 'never closed'],
  ['[UNAVAILABLE] x', undefined, 'UNAVAILABLE', 'another code'],
  ['[REFERRAL imap://x/] y', undefined, 'REFERRAL', 'with an argument'],
  ['x [CAPABILITY y]', undefined, undefined, 'not at the start'],
  ['', undefined, undefined, 'nothing'],
]

test('response codes are found at the start of a text', () => {
  for (const [text, capability, code, why] of CODES) {
    assert.equal(capabilityCode(text), capability, why)
    assert.equal(responseCode(text), code, why)
    assert.equal(hasResponseCode(text), code !== undefined, why)
  }
})
