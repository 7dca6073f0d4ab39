import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeTabs, pair, splitPair, splitTabs, tabLine, textOf, unescapeTabs } from './tab-text.ts'

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\0', '\u0001', '\t', '\r', '\n', '=', '0', '1', 't', 'r', 'n', 'é', '\u{1f600}'),
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
})

test('any values survive writer and reader', () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1 }), (values) => {
      const line = tabLine(values).toString('latin1')
      assert.equal(line.indexOf('\n'), line.length - 1)
      const read = splitTabs(line.slice(0, -1)).map(textOf)
      assert.deepEqual(read, values.length === 1 && values[0] === '' ? [] : values)
    }),
  )
})

test('a value within a value survives, as forwarded fields are', () => {
  fc.assert(
    fc.property(hostile, (value) => {
      assert.equal(unescapeTabs(unescapeTabs(escapeTabs(escapeTabs(value)))), value)
    }),
  )
})

test('a mark before something else is dropped', () => {
  assert.equal(unescapeTabs('a\u0001xb\u0001'), 'axb')
})

test('a pair is its key and its value, which may hold what divides them', () => {
  const rows: readonly [text: string, key: string, value: string][] = [
    ['proxy', 'proxy', ''],
    ['host=x', 'host', 'x'],
    ['resp=YQ==', 'resp', 'YQ=='],
    ['=x', '', 'x'],
  ]
  for (const [text, key, value] of rows) {
    assert.deepEqual(splitPair(text), [key, value])
    assert.equal(pair(key, value), text)
  }
  assert.deepEqual(splitPair('secured='), ['secured', ''])
})
