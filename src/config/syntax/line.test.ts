import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cleanLine, parseStatement, parseValue, unescape } from './line.ts'

describe('comments', () => {
  const rows: readonly [line: string, text: string, why: string][] = [
    ['a = b # c', 'a = b', 'a comment behind a blank'],
    ['  a = b\t', 'a = b', 'outer blanks vanish'],
    ['a = "b # c"', 'a = "b # c"', 'not inside double quotes'],
    ["a = 'b # c' # d", "a = 'b # c'", 'nor single ones'],
    ['a = "b \\" # c" # d', 'a = "b \\" # c"', 'a backslash escapes the quote'],
    ["a = it's # b", "a = it's # b", 'an unterminated quote switches comments off'],
    ['# a = b', '', 'a whole line'],
    ['', '', 'nothing at all'],
  ]
  for (const [line, text, why] of rows) test(why, () => assert.equal(cleanLine(line).text, text))

  test('a # right behind a character is told apart', () => {
    assert.equal(cleanLine('a = b#c').ambiguous, true)
    assert.equal(cleanLine('a = b #c').ambiguous, false)
  })

  test('a backslash at the end asks for the next line, unless it is in a comment', () => {
    assert.deepEqual(cleanLine('a = b \\'), { text: 'a = b', isComment: false, ambiguous: false, continues: true })
    assert.equal(cleanLine('a = b # c \\').continues, false)
  })
})

describe('statements', () => {
  const rows: readonly [line: string, expected: ReturnType<typeof parseStatement>, why: string][] = [
    ['a=b=c', { kind: 'assign', key: 'a', value: { form: 'text', text: 'b=c' } }, 'only the first = counts'],
    ['a =', { kind: 'assign', key: 'a', value: { form: 'text', text: '' } }, 'an empty value is one'],
    ['service imap {', { kind: 'open', type: 'service', name: 'imap' }, 'a section'],
    ['plugin {', { kind: 'open', type: 'plugin', name: '' }, 'without a name'],
    ['mailbox "Sent \\a" {', { kind: 'open', type: 'mailbox', name: 'Sent a' }, 'with a quoted name'],
    ["mailbox 'x {", { kind: 'open', type: 'mailbox', name: "'x" }, 'single quotes are part of a name'],
    ['service "a"{', { kind: 'open', type: 'service', name: 'a' }, 'no blank is needed behind a quoted name'],
    ['}', { kind: 'close' }, 'the end of a section'],
    ['!include a*.conf', { kind: 'include', pattern: 'a*.conf', optional: false }, 'an include'],
    ['!include_try x', { kind: 'include', pattern: 'x', optional: true }, 'one that may fail'],
    ['} x', { kind: 'junk', text: '} x', error: "Expecting '{'" }, 'a brace is alone'],
    ['protocol imap{', { kind: 'junk', text: 'protocol imap{', error: "Expecting '{'" }, 'a brace needs a blank'],
    ['a b c {', { kind: 'junk', text: 'a b c {', error: "Expecting '{'" }, 'one name only'],
    ['a { b', { kind: 'junk', text: 'a { b', error: "Garbage after '{'" }, 'nothing behind a brace'],
    ['= x', { kind: 'assign', key: '', value: { form: 'text', text: 'x' } }, 'a missing key is found later'],
  ]
  for (const [line, expected, why] of rows)
    test(`${line}: ${why}`, () => assert.deepEqual(parseStatement(line), expected))
})

describe('values', () => {
  const rows: readonly [written: string, form: string, text: string, why: string][] = [
    ['"a"', 'text', 'a', 'quotes go'],
    ["'a\\'b'", 'text', "a'b", 'with the backslashes inside'],
    ['"a" "b"', 'text', 'a" "b', 'only the outermost count'],
    ['"', 'text', '', 'a lone quote is both of them'],
    ['"a', 'text', '"a', 'an opening one alone stays'],
    ['a\\b', 'text', 'a\\b', 'backslashes outside quotes stay'],
    ['< /x', 'file', '/x', 'a file'],
    ['"</x"', 'text', '</x', 'in quotes it is none'],
    ['a $b', 'variables', 'a $b', 'a reference'],
    ['"$b"', 'text', '$b', 'in quotes it is none'],
  ]
  for (const [written, form, text, why] of rows) {
    test(`${written}: ${why}`, () => assert.deepEqual(parseValue(written), { form, text }))
  }
})

test('any text survives quoting and reading', () => {
  const hostile = fc.constantFrom('\\', '"', "'", '#', '$', '<', ' ', '\t', '{', '}', '=', 'a', 'b')
  fc.assert(
    fc.property(fc.string({ unit: hostile }), (text) => {
      const quoted = `"${text.replace(/["\\]/g, '\\$&')}"`
      const clean = cleanLine(`key = ${quoted}`)
      const statement = parseStatement(clean.text)
      assert.deepEqual(statement, { kind: 'assign', key: 'key', value: { form: 'text', text } })
      assert.equal(unescape(quoted.slice(1, -1)), text)
    }),
  )
})
