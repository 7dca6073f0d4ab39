import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordedListings } from '../../../test/vectors/listings.ts'
import { formats } from './index.ts'
import type { Column } from './printer.ts'
import { columnWidths } from './table.ts'

function print(format: string, columns: readonly Column[], rows: readonly (readonly string[])[], width = 80): string {
  let text = ''
  const printer = formats.get(format)?.(columns, { write: (piece) => (text += piece), width })
  for (const row of rows) printer?.row(row)
  printer?.end()
  return text
}

const TITLES = new Map([
  ['service', 'proto'],
  ['src-ip', 'src ip'],
  ['dest-ip', 'dest ip'],
  ['dest-port', 'port'],
])

describe('listings look as doveadm prints them', () => {
  for (const { why, keys, rows, width, printed } of recordedListings) {
    for (const [format, expected] of Object.entries(printed)) {
      test(`${format}: ${why}`, () => {
        const columns = keys.map((key) => ({ key, title: TITLES.get(key) ?? key, expand: key.startsWith('user') }))
        assert.equal(print(format, columns, rows, width), expected)
      })
    }
  }
})

const ONE: readonly Column[] = [{ key: 'username', title: 'username' }]

test('control characters of strangers do not reach the terminal', () => {
  for (const format of ['table', 'tab', 'flow', 'pager']) {
    const text = print(format, ONE, [['a\u001b[2Jb\nc\u009bd']])
    assert.match(text, /a\\x1b\[2Jb\\x0ac\\x9bd/, format)
  }
})

test('widths come from the first hundred rows, and those that follow are printed at once', () => {
  const columns: readonly Column[] = [
    { key: 'a', title: 'a', expand: true },
    { key: 'b', title: 'b' },
  ]
  let text = ''
  const printer = formats.get('table')?.(columns, { write: (piece) => (text += piece), width: 80 })
  for (let row = 0; row < 99; row++) printer?.row(['x', 'y'])
  assert.equal(text, '')
  printer?.row(['x', 'y'])
  assert.equal(text.split('\n').length, 102)
  printer?.row(['x', 'much longer'])
  assert.ok(text.endsWith(`x${' '.repeat(38)} much longer\n`))
})

test('a table of nothing is nothing, whatever the width', () => {
  assert.deepEqual(columnWidths([], [], 10), [])
  assert.equal(print('table', [], []), '')
})

test('every row of JSON is an object of strings, whatever a name is called', () => {
  const columns: readonly Column[] = [{ key: '__proto__', title: 'x' }]
  assert.equal(print('json', columns, [['constructor']]), '[{"__proto__":"constructor"}]')
})
