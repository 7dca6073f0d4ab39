import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeText, encodeLine, encodeText, sanitize, percentEncode } from './wire-text.ts'

test('text survives the wire', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(decodeText(encodeText(text)), text)))
})

test('bytes that are no UTF-8 stay what they are', () => {
  assert.equal(decodeText('j\xe9'), 'j\xe9')
  assert.equal(decodeText('j\xc3\xa9'), 'jé')
})

test('a reply text stays on its line', () => {
  assert.equal(encodeLine('a\r\nb\0c\td\x7f'), 'a  b c d ')
})

test('a log line shows what a stranger sent without trusting it', () => {
  assert.equal(sanitize('a\r\n\x1b[31m\xe9', 80), 'a???[31m?')
  assert.equal(sanitize(encodeText('jü\u202e\u2028x'), 80), 'jü??x')
  assert.equal(sanitize('abcdef', 5), 'ab...')
})

test('a user in a URL is its unreserved characters, and codes for the rest', () => {
  assert.equal(percentEncode('joe.O_Neil-1~'), 'joe.O_Neil-1~')
  assert.equal(percentEncode('joe@x;AUTH=é\r\n/%'), 'joe%40x%3bAUTH%3d%c3%a9%0d%0a%2f%25')
})
