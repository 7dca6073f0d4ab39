import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeWords } from './encoded-word.ts'

const rows: ReadonlyArray<readonly [why: string, value: string, text: string]> = [
  ['no word', 'plain', 'plain'],
  ['UTF-8 outside of words', 'gr\xc3\xbc\xc3\x9fe', 'grüße'],
  ['Q', '=?utf-8?q?gr=C3=BC=C3=9Fe_x?=', 'grüße x'],
  ['B', '=?UTF-8?B?Z3LDvMOfZQ==?=', 'grüße'],
  ['white space between words goes', '=?utf-8?q?a?= \r\n\t=?utf-8?q?b?=', 'ab'],
  ['other white space stays', 'x =?utf-8?q?a?= y', 'x a y'],
  ['a language', '=?utf-8*de?q?a?=', 'a'],
  ['an unknown charset', '=?x?q?a?=', 'a'],
  ['an unknown encoding', '=?utf-8?x?a?=', '=?utf-8?x?a?='],
  ['no end', '=?utf-8?q?a', '=?utf-8?q?a'],
  ['what is no escape', '=?utf-8?q?=zz?=', '=zz'],
  ['beginnings only', '=?=?=?', '=?=?=?'],
]

for (const [why, value, text] of rows) {
  test(`${why}: ${JSON.stringify(value)}`, () => assert.equal(decodeWords(value), text))
}
