import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseParameters } from './parameters.ts'

test('parameters are read by keyword', () => {
  const read = (text: string): unknown => {
    const parsed = parseParameters(text, 'RCPT')
    return parsed.ok ? [...parsed.parameters] : parsed.error
  }
  assert.deepEqual(read(''), [])
  assert.deepEqual(read(' '), [], 'a blank behind the path')
  assert.deepEqual(read(' orcpt=rfc822;a+2Bb@x NOTIFY'), [
    ['ORCPT', 'rfc822;a+2Bb@x'],
    ['NOTIFY', ''],
  ])
  assert.deepEqual(read(' constructor=x'), [['CONSTRUCTOR', 'x']])
  assert.equal(read('  A=b'), 'Invalid RCPT parameter: Parameter is empty')
  assert.equal(read(' A=b '), 'Invalid RCPT parameter: Parameter is empty')
  assert.equal(read(' ='), 'Invalid RCPT parameter: Unexpected character in parameter keyword')
  assert.equal(read(' A=b=c'), 'Invalid RCPT parameter: Unexpected character in parameter value')
  assert.equal(read(' A=\xe9'), 'Invalid RCPT parameter: Unexpected character in parameter value')
  assert.equal(read(' BODY=7BIT body=8BITMIME'), 'Duplicate BODY= parameter')
})
