import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatXclientLines, parseXclientWords, XCLIENT_LINE_BYTES } from './xclient.ts'

const ORDER = ['HELO', 'PROTO', 'LOGIN', 'SESSION', 'TTL', 'TIMEOUT', 'PORT', 'ADDR'] as const
const ALL = [...ORDER]

test('XCLIENT says what is known and was asked for, in the order of the protocol', () => {
  const rows: [values: Parameters<typeof formatXclientLines>[0], offered: string[], lines: string[], why: string][] = [
    [{ ADDR: '192.0.2.1', PORT: '25' }, ALL, ['XCLIENT PORT=25 ADDR=192.0.2.1\r\n'], 'in order, absent ones left out'],
    [
      { ADDR: '192.0.2.1', PORT: '25' },
      ['addr'],
      ['XCLIENT ADDR=192.0.2.1\r\n'],
      'only what is offered, whatever its case',
    ],
    [{ SESSION: 'a+b=c d' }, ALL, ['XCLIENT SESSION=a+2Bb+3Dc+20d\r\n'], 'values are xtext'],
    [{ ADDR: '192.0.2.1' }, ['PORT'], [], 'nothing to say, no line'],
  ]
  for (const [values, offered, lines, why] of rows) {
    assert.deepEqual(formatXclientLines(values, ORDER, offered), lines, why)
  }
})

test('an attribute that does not fit into the line starts another, and a very long one has one for itself', () => {
  const lines = formatXclientLines(
    { HELO: 'h'.repeat(600), SESSION: 's'.repeat(300), ADDR: 'a'.repeat(250) },
    ORDER,
    ALL,
  )
  assert.deepEqual(
    lines.map((line) => line.split(' ').map((word) => word.split('=')[0])),
    [
      ['XCLIENT', 'HELO'],
      ['XCLIENT', 'SESSION'],
      ['XCLIENT', 'ADDR'],
    ],
  )
  assert.ok(lines.slice(1).every((line) => line.length <= XCLIENT_LINE_BYTES))
})

test('what was formatted is parsed again, whatever is in it', () => {
  const values = { HELO: 'a b+c=d\0\xff', SESSION: '+'.repeat(300), ADDR: 'IPV6:::1' }
  const words = formatXclientLines(values, ORDER, ALL).map((line) => parseXclientWords(line.slice(8, -2)))
  assert.deepEqual(
    Object.assign({}, ...words.map((map) => (map instanceof Map ? Object.fromEntries(map) : {}))),
    values,
  )
})

test('words that are none are refused in the words of the reply', () => {
  const rows: [args: string, problem: string, why: string][] = [
    ['ADDR=1.2.3.4  PORT=3', 'Invalid parameter: Parameter is empty', 'two blanks'],
    ['HELO=a+ZZ', "Invalid HELO parameter: Invalid hexchar after '+' in xtext", 'no xtext'],
    ['FORWARD=YQ==', 'Invalid parameter: Unexpected character in parameter value', 'a raw ='],
    ['=x', 'Invalid parameter: Unexpected character in parameter keyword', 'no name'],
  ]
  for (const [args, problem, why] of rows) assert.deepEqual(parseXclientWords(args), { problem }, why)
  assert.deepEqual(parseXclientWords(''), new Map(), 'nothing said')
  assert.deepEqual(parseXclientWords('addr'), new Map([['ADDR', '']]), 'a name without value has an empty one')
})
