import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ArgumentReader } from './argument-reader.ts'
import { parseSearchKeys, type SearchKey, SearchKeyError } from './search-key.ts'

const DEPTH = 1000

function parse(text: string): SearchKey {
  const reader = new ArgumentReader({ commandBytes: 1 << 20, literals: 10, lists: 100_000, literalMinus: false })
  const step = reader.line(text, 0)
  assert.equal(step.kind, 'complete', text.slice(0, 50))
  return parseSearchKeys(reader.args, DEPTH)
}

const KEYS = [
  { text: 'ALL', is: { kind: 'all' } },
  { text: 'seen', is: { kind: 'flag', name: 'seen' } },
  { text: 'UNSEEN', is: { kind: 'not', key: { kind: 'flag', name: 'seen' } } },
  { text: 'NOT NOT SEEN', is: { kind: 'flag', name: 'seen' } },
  { text: '1:2', is: { kind: 'numbers', set: [[1, 2]] } },
  { text: 'UID 7', is: { kind: 'uids', set: [[7, 7]] } },
  { text: 'FROM "a b"', is: { kind: 'header', name: 'from', text: 'a b' } },
  { text: 'HEADER X-Y z', is: { kind: 'header', name: 'x-y', text: 'z' } },
  { text: 'SENTON 1-Jan-1970', is: { kind: 'date', of: 'sent', test: 'on', day: 0 } },
  { text: 'BEFORE 2-Jan-1970', is: { kind: 'date', of: 'received', test: 'before', day: 1 } },
  { text: 'MODSEQ "/flags/\\\\Seen" all 5', is: { kind: 'modseq', value: 5 } },
  { text: 'LARGER 10', is: { kind: 'larger', bytes: 10 } },
  {
    text: 'OR SEEN (1 DELETED)',
    is: {
      kind: 'or',
      left: { kind: 'flag', name: 'seen' },
      right: {
        kind: 'and',
        keys: [
          { kind: 'numbers', set: [[1, 1]] },
          { kind: 'flag', name: 'deleted' },
        ],
      },
    },
  },
]

test('keys are read as RFC 3501 section 9 writes them', () => {
  for (const { text, is } of KEYS) assert.deepEqual(parse(text), is, text)
})

test('what is no key is refused in words', () => {
  for (const text of ['FOO', 'NOT', 'OR SEEN', '()', 'SUBJECT', 'UID x', 'ON yesterday', 'LARGER -1', '"SEEN"', '0']) {
    assert.throws(() => parse(text), SearchKeyError, text)
  }
})

test('keys may lie in each other up to a limit, and not deeper', () => {
  assert.ok(parse('OR ALL '.repeat(DEPTH - 1) + 'ALL'))
  assert.throws(() => parse('OR ALL '.repeat(DEPTH) + 'ALL'), SearchKeyError)
  assert.throws(() => parse(`${'(ALL '.repeat(DEPTH)}ALL${')'.repeat(DEPTH)}`), SearchKeyError)
})

test('parentheses around parentheses and NOTs of NOTs cost no depth', () => {
  assert.ok(parse(`${'('.repeat(20_000)}ALL${')'.repeat(20_000)}`))
  assert.ok(parse(`${'NOT '.repeat(20_000)}ALL`))
})

test('whatever words come, a key or a complaint comes of them', () => {
  const word = fc.constantFrom(
    'ALL',
    'OR',
    'NOT',
    '(',
    ')',
    'UID',
    '1:*',
    'FROM',
    '"a"',
    'MODSEQ',
    '5',
    'ON',
    '1-Feb-2020',
    'x',
    'HEADER',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const reader = new ArgumentReader({ commandBytes: 4096, literals: 1, lists: 50, literalMinus: false })
      if (reader.line(words.join(' '), 0).kind !== 'complete') return
      try {
        parseSearchKeys(reader.args, 20)
      } catch (error) {
        assert.ok(error instanceof SearchKeyError, String(error))
      }
    }),
  )
})
