import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesFromText, compareBytes, textFromBytes } from './byte-text.ts'

test('any bytes survive being text', () => {
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f),
  )
  fc.assert(
    fc.property(fc.array(byte), (values) => {
      assert.deepEqual(bytesFromText(textFromBytes(Buffer.from(values))), Buffer.from(values))
    }),
  )
})

test('UTF-8 is the text it means, also beside a stray byte', () => {
  assert.equal(textFromBytes(Buffer.from('grün €')), 'grün €')
  assert.equal(textFromBytes(Buffer.from([0xe9, 0xc3, 0xa9])), '\udce9é')
  assert.equal(textFromBytes(Buffer.from('\ufffd')), '\ufffd')
})

test('names are ordered by their bytes, not by UTF-16 units', () => {
  assert.ok(compareBytes('\uffff', '\u{10000}') < 0)
  assert.ok(compareBytes('B', 'a') < 0)
  assert.equal(compareBytes('joe', 'joe'), 0)
})
