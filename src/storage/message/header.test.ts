import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldedValue, onelineValue, rawFields } from './header.ts'

test('fields of a header come with their offsets, up to the empty line', () => {
  const text = 'A: b\r\n c\nNo Colon\nD :e\n\nF: body\n'
  const fields = [...rawFields(Buffer.from(text))]
  assert.deepEqual(
    fields.map(({ name, start, valueStart, end, next }) => [
      name,
      text.slice(start, next),
      text.slice(valueStart, end),
    ]),
    [
      ['a', 'A: b\r\n c\n', ' b\r\n c'],
      ['no colon', 'No Colon\n', ''],
      ['d', 'D :e\n', 'e'],
    ],
  )
})

const rows: ReadonlyArray<readonly [why: string, raw: string, folded: string, oneline: string]> = [
  ['plain', ' a', 'a', 'a'],
  ['no space', 'a', 'a', 'a'],
  ['more space', ' \t a ', 'a ', '\t a '],
  ['space only', '   ', '  ', '  '],
  ['folded', ' a\r\n b\n\tc', 'a\n b\n\tc', 'a b c'],
  ['folded first', '\n a', '\n a', ' a'],
  ['a CR alone', ' a\rb', 'a\rb', 'a\rb'],
  ['nothing', '', '', ''],
]

for (const [why, raw, folded, oneline] of rows) {
  test(`a value that is ${why} is unfolded in two ways`, () => {
    assert.equal(foldedValue(raw), folded)
    assert.equal(onelineValue(raw), oneline)
  })
}
