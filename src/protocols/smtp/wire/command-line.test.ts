import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from './command-line.ts'

const rows: readonly (readonly [
  line: string,
  parsed: readonly [name: string, args: string] | undefined,
  why: string,
])[] = [
  ['NOOP', ['NOOP', ''], 'a name'],
  ['noop x', ['NOOP', 'x'], 'with an argument'],
  ['MAIL FROM:<a@b> SIZE=1', ['MAIL', 'FROM:<a@b> SIZE=1'], 'with several'],
  ['NOOP ', ['NOOP', ''], 'a blank behind it'],
  ['NOOP   ', ['NOOP', ''], 'several'],
  ['NOOP x ', ['NOOP', 'x '], 'or behind the argument'],
  ['NOOP  x', undefined, 'two between'],
  ['', ['', ''], 'no name'],
  ['   ', ['', ''], 'nor here'],
  [' NOOP', ['', 'NOOP'], 'an argument without a name'],
  ['  NOOP', undefined, 'nor here'],
  ['FOO1', undefined, 'a digit'],
  ['F-O', undefined, 'a hyphen'],
  ['YSB0cmFjZQ==', undefined, 'base64'],
  ['Subject: x', undefined, 'a header'],
  ['NOOP\tx', undefined, 'a tab is no blank'],
  ['NOOP x\ty', ['NOOP', 'x\ty'], 'but text'],
  ['NO\0OP', undefined, 'NUL'],
  ['NOOP a\rb', undefined, 'CR'],
  ['NOOP \xc3\xbc', ['NOOP', '\xc3\xbc'], 'UTF-8'],
  ['NOOP \xfc', undefined, 'Latin-1'],
  ['NOOP \xed\xa0\x80', undefined, 'half a character'],
  ['N\xc3\xb6OP', undefined, 'a letter of another alphabet'],
]

for (const [line, parsed, why] of rows) {
  test(`a command line with ${why}`, () => {
    const [name, args] = parsed ?? []
    assert.deepEqual(parseCommandLine(line), parsed && { name, args })
  })
}
