import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, expandUids, isMailboxData, isStatus, literalSize, parseResponse, withoutTimes } from './response.ts'

test('a literal is announced at the end of data, and nowhere else', () => {
  const rows: readonly [line: string, size: number | undefined][] = [
    ['* 1 FETCH (BODY[] {12}', 12],
    ['* 1 FETCH (BINARY[] ~{12}', 12],
    ['* LIST () "/" {3+}', 3],
    ['* LIST () "/" "{3}"', undefined],
    ['* 1 FETCH (FLAGS ())', undefined],
    ['* 1 FETCH (BODY[] {9999999999999999}', undefined],
    ['{}', undefined],
  ]
  for (const [line, size] of rows) assert.equal(literalSize(line), size, line)
  assert.ok(isStatus('* OK text {5}'), 'braces in a status line are text')
})

test('what is about the selected mailbox goes to the client; the rest is between servers', () => {
  const passes = [
    '* 3 EXISTS',
    '* 1 FETCH (FLAGS ())',
    '* VANISHED (EARLIER) 1:3',
    '* SEARCH',
    '* ESEARCH (TAG "a") ALL 1',
    '* FLAGS ()',
    '* OK [CLOSED] bye',
    '* NO text',
  ]
  const stays = [
    '* CAPABILITY IMAP4rev1',
    '* OK [CAPABILITY IMAP4rev1] hello',
    '* LIST () "/" x',
    '* ENABLED QRESYNC',
    '* PREAUTH x',
    '* 3 STRANGE',
    '* BYE',
    '* ID NIL',
  ]
  for (const line of passes) assert.ok(isMailboxData(line), line)
  for (const line of stays) assert.ok(!isMailboxData(line), line)
})

test('responses are read with their literals', () => {
  assert.deepEqual(parseResponse(['* LIST (\\Marked) "/" {5}', 'a"b\\c', '']), [
    { kind: 'atom', text: 'LIST' },
    { kind: 'list', items: [{ kind: 'atom', text: '\\Marked' }] },
    { kind: 'string', text: '/' },
    { kind: 'string', text: 'a"b\\c' },
  ])
  assert.equal(parseResponse(['* LIST (\\Marked "/" x']), undefined)
})

test('replies lose their times and their full stop', () => {
  const rows: readonly [string, string][] = [
    ['OK Done (0.001 + 0.000 secs).', 'OK Done'],
    ['OK [READ-ONLY] Select completed (0.001 + 0.000 + 0.010 secs).', 'OK [READ-ONLY] Select completed'],
    ['NO Permission denied.', 'NO Permission denied'],
    ['OK (almost) done', 'OK (almost) done'],
  ]
  for (const [text, wanted] of rows) assert.equal(withoutTimes(text), wanted)
  assert.equal(codeOf('OK [APPENDUID 7 1:3] done'), 'APPENDUID 7 1:3')
  assert.equal(codeOf('OK done [x]'), undefined)
})

test('sets of UIDs are counted out, as far as anybody can want', () => {
  assert.deepEqual(expandUids('3,5:7,9', 100), [3, 5, 6, 7, 9])
  assert.deepEqual(expandUids('7:5', 100), [5, 6, 7])
  assert.equal(expandUids('1:4000000000', 100), undefined)
  assert.equal(expandUids('1:*', 100), undefined)
  assert.equal(expandUids('', 100), undefined)
})
