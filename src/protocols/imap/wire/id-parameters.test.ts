import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Argument, ArgumentReader } from './argument-reader.ts'
import { fitsIdPair, type IdPair, readIdParameters, writeIdParameters } from './id-parameters.ts'

function argumentsOf(line: string): readonly Argument[] {
  const reader = new ArgumentReader({ commandBytes: 1 << 20, literals: 0, lists: 8, literalMinus: false })
  assert.equal(reader.line(line, 0).kind, 'complete')
  return reader.args
}

const ROWS: readonly (readonly [input: string, pairs: readonly IdPair[] | undefined, why: string])[] = [
  ['', [], 'no arguments at all'],
  ['NIL', [], 'NIL'],
  ['nil foo', [], 'NIL in lower case, and something behind it, which Dovecot ignores'],
  ['()', [], 'an empty list'],
  [
    '("name" "x" "os" NIL)',
    [
      ['name', 'x'],
      ['os', null],
    ],
    'values and NIL',
  ],
  ['("name" "x") foo', [['name', 'x']], 'something behind the list'],
  ['("name")', [], 'a key without a value'],
  ['("" "x")', [['', 'x']], 'an empty key'],
  ['foo', undefined, 'an atom'],
  ['"x"', undefined, 'a string'],
  ['(name "x")', undefined, 'a key that is no string'],
  ['(NIL "x")', undefined, 'NIL as a key'],
  ['("a" foo)', undefined, 'a value that is no string'],
  ['("a" (x y))', undefined, 'a list as a value'],
  ['(("name" "x"))', undefined, 'a list as a key'],
  [`("${'k'.repeat(30)}" "v")`, [['k'.repeat(30), 'v']], 'the longest key'],
  [`("${'k'.repeat(31)}" "v")`, undefined, 'a longer key'],
]

test('ID parameters are read as Dovecot reads them', () => {
  for (const [input, pairs, why] of ROWS) assert.deepEqual(readIdParameters(argumentsOf(input)), pairs, why)
})

const unit = fc.oneof(
  fc.constantFrom(...'\\"{}()%* +]NIL'.split(''), '\xe9'),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)
const pair = fc.tuple(fc.string({ unit, maxLength: 35 }), fc.option(fc.string({ unit, maxLength: 40 })))

test('every pair that fits survives writer and reader', () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
      const fitting = pairs.filter(fitsIdPair)
      assert.deepEqual(readIdParameters(argumentsOf(writeIdParameters(fitting))), fitting)
    }),
  )
})

test('what no receiver takes does not fit', () => {
  assert.equal(fitsIdPair(['k'.repeat(31), 'v']), false, 'key over 30 bytes')
  assert.equal(fitsIdPair(['k', 'v'.repeat(1025)]), false, 'value over 1024 bytes')
  assert.equal(fitsIdPair(['k', 'a\r\nb']), false, 'a line break would end the command')
  assert.equal(fitsIdPair(['k', 'a\0b']), false, 'NUL is nowhere allowed')
  assert.equal(fitsIdPair(['k'.repeat(30), 'v'.repeat(1024)]), true)
  assert.equal(fitsIdPair(['k', null]), true)
})
