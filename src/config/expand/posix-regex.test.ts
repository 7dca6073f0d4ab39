import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workedMs } from '../../../test/support/worked.ts'
import { compilePosixRegex } from './posix-regex.ts'

/** Checked with the regular expressions of the GNU C library. */
const rows = [
  ['ab', 'xaby', true, 'anywhere'],
  ['^ab$', 'xab', false, 'anchored'],
  ['a||b', 'ab', true, 'empty alternative'],
  ['()', '', true, 'empty group'],
  ['', 'x', true, 'empty pattern'],
  ['a)', 'a)', true, 'unmatched closing parenthesis'],
  ['(^a|b$)', 'cb', true, 'anchors within'],
  ['a^b', 'a^b', false, 'an anchor in the middle never matches'],
  ['a.c', 'a\nc', true, 'a dot is any byte'],
  ['[]]b', ']b', true, 'closing bracket first'],
  ['[^]a]', ']', false, 'negated closing bracket'],
  ['[a-]+$', 'a-', true, 'final dash'],
  ['[[:digit:]]', 'a5', true, 'class'],
  ['[^[:alnum:]_]', 'ab_1', false, 'negated class'],
  ['[[.-.]x]', '-', true, 'collating symbol'],
  ['[[=a=]]', 'a', true, 'equivalence class'],
  ['^a{2}$', 'aa', true, 'exactly'],
  ['^a{2,}$', 'a', false, 'at least'],
  ['^a{,2}$', 'aaa', false, 'at most'],
  ['^(ab){1,2}$', 'abab', true, 'interval of a group'],
  ['^a**$', 'aaa', true, 'repeated repetition'],
  ['a\\.b', 'axb', false, 'escaped'],
  ['\\w\\W', 'a ', true, 'GNU classes'],
  ['\\bjoe\\b', 'a joe b', true, 'word boundary'],
  ['\\<joe\\>', 'ajoe', false, 'word start'],
  ['^\\x$', 'x', true, 'an escaped ordinary character'],
  ['\xe4', '\xc3\xe4', true, 'bytes'],
] as const

for (const [pattern, text, expected, why] of rows) {
  test(`/${pattern}/ ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}: ${why}`, () => {
    assert.equal(compilePosixRegex(pattern).matches(text), expected)
  })
}

const errors = [
  ['(', 'Unmatched ( or \\('],
  ['*a', 'Invalid preceding regular expression'],
  ['[a', 'Unmatched [, [^, [:, [., or [='],
  ['[[:foo:]]', 'Invalid character class name'],
  ['[z-a]', 'Invalid range end'],
  ['a{2', 'Unmatched \\{'],
  ['a{2,1}', 'Invalid content of \\{\\}'],
  ['a{x}', 'Invalid content of \\{\\}'],
  ['a\\', 'Trailing backslash'],
  ['(a)\\1', 'Invalid back reference'],
  ['a{40000}', 'Regular expression too big'],
  ['(((a{100}){100}){100}){100}', 'Regular expression too big'],
  ['('.repeat(5000), 'Regular expression too big'],
] as const

for (const [pattern, message] of errors) {
  test(`/${pattern.slice(0, 30)}/ is refused: ${message}`, () => {
    assert.throws(() => compilePosixRegex(pattern), { message: `if: regex failed: ${message}` })
  })
}

test('a pattern that makes backtracking hang is answered at once', () => {
  const started = workedMs()
  assert.equal(compilePosixRegex('^(a+)+(a|aa)*$').matches(`${'a'.repeat(2000)}!`), false)
  assert.ok(workedMs() - started < 2000)
})
