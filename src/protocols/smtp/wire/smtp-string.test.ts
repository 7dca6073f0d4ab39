import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smtpStringProblem } from './smtp-string.ts'

const rows: readonly (readonly [text: string, problem: string | undefined, why: string])[] = [
  ['joe', undefined, 'an atom'],
  ["a!#$%&'*+/=?^_`{|}~-b", undefined, 'with all its characters'],
  ['"a b"', undefined, 'a quoted string'],
  ['"a\\"b"', undefined, 'with a quote'],
  ['""', undefined, 'an empty one'],
  ['', 'Invalid character in string', 'nothing'],
  ['a.b', 'Invalid character in string', 'a dot'],
  ['a b', 'Invalid character in string', 'two words'],
  ['\xc3\xbc', 'Invalid character in string', 'UTF-8'],
  ['"a"b', 'Invalid character in string', 'more behind it'],
  ['"a', 'Premature end of quoted string', 'no end'],
  ['"\xc3\xbc"', 'Invalid character in quoted string', 'UTF-8 in quotes'],
]

for (const [text, problem, why] of rows) {
  test(`a string for NOOP and VRFY: ${why}`, () => {
    assert.equal(smtpStringProblem(text), problem && `Invalid string parameter: ${problem}`)
  })
}
