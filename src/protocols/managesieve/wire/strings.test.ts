import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { workedMs } from '../../../../test/support/worked.ts'
import { parseReply, quoted, type ReadStep, type Word, WordReader, writeString } from './strings.ts'

const anyChar = fc.oneof(
  fc.constantFrom(...'"\\{}()%* +\r\n\0'.split(''), '{3}', '{3+}', '\r\n'),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)

/** Reads what came over a wire, as a session does: lines, and a literal's bytes where one was announced. */
function read(bytes: string): readonly Word[] | 'bad' | 'unfinished' {
  const reader = new WordReader()
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n')
    if (end < 0) return 'unfinished'
    const step: ReadStep = reader.line(rest.slice(0, end))
    rest = rest.slice(end + 2)
    if (step.kind === 'bad') return 'bad'
    if (step.kind === 'complete') return reader.words
    reader.literal(rest.slice(0, step.sizeBytes))
    rest = rest.slice(step.sizeBytes)
  }
}

test('any strings survive writer and reader', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: anyChar, maxLength: 40 }), { minLength: 1, maxLength: 4 }), (texts) => {
      const words = read(`${texts.map(writeString).join(' ')}\r\n`)
      assert.deepEqual(
        words,
        texts.map((text) => ({ kind: 'string', text })),
      )
    }),
  )
})

test('a string that no quotes can hold becomes a literal', () => {
  const rows: readonly (readonly [text: string, literal: boolean, why: string])[] = [
    ['', false, 'nothing'],
    ['a"b\\c', false, 'escapes'],
    ['x'.repeat(1024), false, 'the longest'],
    ['x'.repeat(1025), true, 'one more'],
    ['a\r', true, 'a line break'],
    ['a\n', true, 'another'],
    ['a\0', true, 'NUL'],
    ['\xff\x01', false, 'other bytes'],
  ]
  for (const [text, literal, why] of rows) assert.equal(writeString(text).startsWith('{'), literal, why)
})

test('the text of a reply stays on its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyChar, maxLength: 40 }), (text) => {
      const line = `NO ${quoted(text)}`
      assert.doesNotMatch(line, /[\r\n\0]/)
      assert.equal(parseReply(line)?.text, text.replace(/[\0-\x1f\x7f]/g, ' '))
    }),
  )
})

const LINES: readonly (readonly [line: string, words: readonly Word[] | 'bad', why: string])[] = [
  ['', [], 'no words'],
  ['   ', [], 'blanks alone'],
  ['a "b"', [word('atom', 'a'), word('string', 'b')], 'atom and string'],
  ['a  "b" ', [word('atom', 'a'), word('string', 'b')], 'more blanks'],
  ['"a\\"\\\\"', [word('string', 'a"\\')], 'escapes'],
  ['"a\\n"', 'bad', 'nothing else can be escaped'],
  ['"a', 'bad', 'no end'],
  ['"a"b', 'bad', 'no blank between'],
  ['a"b"', 'bad', 'nor here'],
  ['{3', 'bad', 'half a literal'],
  ['{-1+}', 'bad', 'a size below nothing'],
  ['{12345678901+}', 'bad', 'a size of eleven digits'],
  ['a\0b', 'bad', 'NUL in an atom'],
  ['"a\0b"', 'bad', 'NUL in a string'],
  ['(a)', [word('atom', '(a)')], 'an atom like others'],
]

test('lines are read into words, or refused', () => {
  for (const [line, words, why] of LINES) assert.deepEqual(read(`${line}\r\n`), words, why)
})

test('a literal is announced with its size', () => {
  assert.deepEqual(new WordReader().line('a {5+}'), { kind: 'literal', sizeBytes: 5, synchronizing: false })
  assert.deepEqual(new WordReader().line('{5}'), { kind: 'literal', sizeBytes: 5, synchronizing: true })
  assert.deepEqual(new WordReader().line('{5} x'), { kind: 'bad' })
})

const REPLIES: readonly (readonly [line: string, reply: object | undefined, why: string])[] = [
  ['OK', { status: 'OK', code: undefined, text: '' }, 'bare'],
  ['ok "in"', { status: 'OK', code: undefined, text: 'in' }, 'lower case'],
  ['NO (TRYLATER) "a\\"b"', { status: 'NO', code: 'TRYLATER', text: 'a"b' }, 'code and escapes'],
  ['OK (SASL "a)b") "in"', { status: 'OK', code: 'SASL "a)b"', text: 'in' }, 'a parenthesis in the string of a code'],
  ['NO (QUOTA/MAX)', { status: 'NO', code: 'QUOTA/MAX', text: '' }, 'code alone'],
  ['BYE plain words', { status: 'BYE', code: undefined, text: 'plain words' }, 'no quotes'],
  ['NO (TRYLATER "x"', { status: 'NO', code: undefined, text: '(TRYLATER "x"' }, 'half a code is text'],
  ['OKAY', undefined, 'another word'],
  ['"OK"', undefined, 'a string'],
  ['', undefined, 'nothing'],
]

test('replies are told from everything else', () => {
  for (const [line, expected, why] of REPLIES) {
    assert.deepEqual(parseReply(line), expected === undefined ? undefined : { ...expected, line }, why)
  }
})

test('no line takes long to be told', () => {
  const started = workedMs()
  for (const line of [`OK (${'"\\'.repeat(30_000)}`, `OK ${'('.repeat(60_000)}`, `OK "${'\\'.repeat(60_000)}`]) {
    parseReply(line)
    new WordReader().line(line)
  }
  assert.ok(workedMs() - started < 1000, `${workedMs() - started} ms`)
})

function word(kind: Word['kind'], text: string): Word {
  return { kind, text }
}
