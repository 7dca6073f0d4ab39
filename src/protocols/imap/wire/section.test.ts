import assert from 'node:assert/strict'
import test from 'node:test'
import { ArgumentReader } from './argument-reader.ts'
import { parseFetchItems } from './fetch-item.ts'
import { parseSection } from './section.ts'

function read(text: string) {
  const reader = new ArgumentReader({ commandBytes: 65_536, literals: 10, lists: 100, literalMinus: false })
  assert.equal(reader.line(text, 0).kind, 'complete')
  return reader.args
}

function section(text: string) {
  const [first, second, third] = read(text)
  assert.equal(first?.kind, 'atom')
  return parseSection(first.text.toUpperCase(), second, third)
}

const SECTIONS = [
  { text: 'BODY[]', label: 'BODY[]', is: { path: [], of: 'all' } },
  { text: 'body.peek[]', label: 'BODY[]', is: { path: [], of: 'all' } },
  { text: 'BODY[HEADER]', label: 'BODY[HEADER]', is: { path: [], of: 'header' } },
  { text: 'BODY[1.2.MIME]', label: 'BODY[1.2.MIME]', is: { path: [1, 2], of: 'mime' } },
  {
    text: 'BODY[3.TEXT]<5>',
    label: 'BODY[3.TEXT]<5>',
    is: { path: [3], of: 'text', window: { offset: 5, size: Infinity } },
  },
  { text: 'BODY[1]<0.10>', label: 'BODY[1]<0>', is: { path: [1], of: 'all', window: { offset: 0, size: 10 } } },
  {
    text: 'BODY[HEADER.FIELDS (From "x-y")]<1.2>',
    label: 'BODY[HEADER.FIELDS (FROM "X-Y")]<1>',
    is: { path: [], of: { fields: ['From', 'x-y'], not: false }, window: { offset: 1, size: 2 } },
  },
  {
    text: 'BODY[2.HEADER.FIELDS.NOT (a)]',
    label: 'BODY[2.HEADER.FIELDS.NOT (A)]',
    is: { path: [2], of: { fields: ['a'], not: true } },
  },
]

test('sections are read with the label that the reply gives them', () => {
  for (const { text, label, is } of SECTIONS) {
    const parsed = section(text)
    assert.ok(typeof parsed !== 'string', text)
    assert.deepEqual([parsed.label, parsed.section], [label, is], text)
  }
})

test('what is no section is refused', () => {
  const complaints = [
    'BODY[MIME]',
    'BODY[1.]',
    'BODY[.1]',
    'BODY[TEXT (a)]',
    'BODY[HEADER.FIELDS ()]',
    'BODY[HEADER.FIELDS ((a))]',
    'BODY[',
    'BODY[]<',
    'BODY[]<1.>',
    'BODY[]<99999999999999999999>',
    `BODY[${'1.'.repeat(300)}1]`,
  ]
  for (const text of complaints) assert.equal(typeof section(text), 'string', text)
})

test('items are kept once and in order', () => {
  const [list] = read('(FLAGS UID BODY[] flags BODY.PEEK[] BODY[] ENVELOPE)')
  const parsed = parseFetchItems(list, [])
  assert.ok(parsed.error === undefined)
  assert.deepEqual(
    parsed.items.map((item) => (item.kind === 'section' ? `${item.label} ${item.peek}` : item.kind)),
    ['flags', 'uid', 'BODY[] false', 'BODY[] true', 'envelope'],
  )
})

test('an item without parentheses may take three arguments, and leaves what is behind it', () => {
  const [first, ...behind] = read('BODY.PEEK[HEADER.FIELDS (From)] (CHANGEDSINCE 5)')
  const parsed = parseFetchItems(first, behind)
  assert.ok(parsed.error === undefined)
  assert.equal(parsed.used, 2)
})
