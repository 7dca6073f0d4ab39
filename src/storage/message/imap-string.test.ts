import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workedMs } from '../../../test/support/worked.ts'
import { humanString, nstring, onelineNstring } from './imap-string.ts'

const rows: ReadonlyArray<readonly [value: string | undefined, nstring: string, oneline: string, human: string]> = [
  [undefined, 'NIL', 'NIL', '""'],
  ['', '""', '""', '""'],
  ['words here', '"words here"', '"words here"', '"words here"'],
  ['say "x"', '"say \\"x\\""', '"say \\"x\\""', '{7}\r\nsay "x"'],
  ['"""""', '{5}\r\n"""""', '{5}\r\n"""""', '{5}\r\n"""""'],
  ['\xe4', '{1}\r\n\xe4', '{1}\r\n\xe4', '{1}\r\n\xe4'],
  ['a\n b', '{4}\r\na\n b', '"a b"', '{3}\r\na b'],
  ['a\rb', '{3}\r\na\rb', '"a b"', '{3}\r\na b'],
  ['  a   b ', '"  a   b "', '"  a   b "', '{3}\r\na b'],
  [' \t ', '" \t "', '" \t "', '""'],
]

for (const [value, plain, oneline, human] of rows) {
  test(`${JSON.stringify(value)} as strings of IMAP`, () => {
    assert.equal(nstring(value), plain)
    assert.equal(onelineNstring(value), oneline)
    assert.equal(humanString(value ?? ''), human)
  })
}

test('a long string of spaces is compressed in a moment', () => {
  const began = workedMs()
  assert.equal(humanString(`x${' '.repeat(1_000_000)}`), '{1}\r\nx')
  assert.ok(workedMs() - began < 500)
})
