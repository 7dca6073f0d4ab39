import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fittingWithin, joinForwardFields, splitForwardFields, tabEscape, tabUnescape } from './forward-fields.ts'

const anyChar = fc.oneof(
  fc.constantFrom('\0', '\x01', '\t', '\r', '\n', '=', '0', '1', 't', 'r', 'n', 'é', '€', '%', ' '),
  fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
)
const text = fc.string({ unit: anyChar, maxLength: 20 })
/** A key ends at the first `=`: none can hold one. */
const key = fc.string({ unit: anyChar, minLength: 1, maxLength: 20 }).map((name) => `k${name.replaceAll('=', '')}`)

test('any text survives tab escaping', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyChar }), (value) => {
      assert.equal(tabUnescape(tabEscape(value)), value)
      assert.doesNotMatch(tabEscape(value), /[\0\t\r\n]/)
    }),
  )
})

test('any fields survive joining and splitting', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, text), { maxLength: 5 }), (entries) => {
      const fields = new Map(entries)
      assert.deepEqual(splitForwardFields(joinForwardFields(fields)), fields)
    }),
  )
})

test('fields look as Dovecot writes them', () => {
  const fields = new Map([
    ['abc', 'val1'],
    ['k', 'x=y'],
    ['bool', null],
    ['empty', ''],
    ['two\twords', 'a\nb'],
  ])
  assert.equal(joinForwardFields(fields), 'abc=val1\tk=x=y\tbool\tempty\ttwo\x01twords=a\x01nb')
})

test('splitting takes what makes sense', () => {
  const rows: readonly (readonly [joined: string, fields: readonly (readonly [string, string])[], why: string])[] = [
    ['', [], 'nothing'],
    ['\t\t', [], 'nothing, thrice'],
    ['a', [['a', '']], 'a bare key'],
    ['=x', [], 'no key'],
    ['a=1\ta=2', [['a', '2']], 'the later one counts'],
    ['a=\xc3\xa9', [['a', 'é']], 'UTF-8'],
    ['a=\xe9', [['a', '\xe9']], 'no UTF-8: bytes'],
    ['a=\x01x', [['a', '\x01x']], 'an escape nobody knows stays'],
    ['__proto__=1', [['__proto__', '1']], 'a name like others'],
  ]
  for (const [joined, fields, why] of rows) assert.deepEqual(splitForwardFields(joined), new Map(fields), why)
})

test('the longest fields stay behind until the rest fits', () => {
  const fields = new Map<string, string | null>([
    ['short', 'x'],
    ['longest', 'x'.repeat(50)],
    ['long', 'x'.repeat(30)],
    ['flag', null],
  ])
  const encode = (kept: ReadonlyMap<string, string | null>): { value: string; bytes: number } => {
    const value = joinForwardFields(kept)
    return { value, bytes: value.length }
  }
  assert.deepEqual(fittingWithin(200, fields, encode).dropped, [])
  assert.deepEqual(fittingWithin(60, fields, encode), {
    value: `short=x\tlong=${'x'.repeat(30)}\tflag`,
    dropped: ['longest'],
  })
  assert.deepEqual(fittingWithin(3, fields, encode), {
    value: undefined,
    dropped: ['longest', 'long', 'short', 'flag'],
  })
  assert.deepEqual(fittingWithin(3, new Map(), encode), { value: undefined, dropped: [] })
})
