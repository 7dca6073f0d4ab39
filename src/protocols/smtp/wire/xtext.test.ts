import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeXtext, encodeXtext } from './xtext.ts'

test('any bytes survive xtext', () => {
  const byte = fc.oneof(
    fc.constantFrom('+', '=', ' ', '\0', '2'),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  )
  fc.assert(
    fc.property(fc.string({ unit: byte }), (text) => {
      const encoded = encodeXtext(text)
      assert.match(encoded, /^[\x21-\x3c\x3e-\x7e]*$/)
      assert.equal(decodeXtext(encoded), text)
    }),
  )
})

test('what is no xtext is not taken for it', () => {
  for (const text of ['a=b', 'a b', '+', '+2', '+zz', '+2b', '\xff']) assert.equal(decodeXtext(text), undefined, text)
})
