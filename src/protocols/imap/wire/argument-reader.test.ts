import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Argument, type ArgumentLimits, ArgumentReader, type ReadStep } from './argument-reader.ts'
import { quoted, stringArgument } from './argument-writer.ts'

const LIMITS: ArgumentLimits = { commandBytes: 8192, literals: 64, lists: 1, literalMinus: false }

/** Feeds a whole command, as a session would: lines by their LF, literals by their size. */
function read(command: string, changes: Partial<ArgumentLimits> = {}): { step: ReadStep; args: Argument[] } {
  const reader = new ArgumentReader({ ...LIMITS, ...changes })
  let rest = command
  const takeLine = (): string => {
    const end = rest.indexOf('\n')
    const line = end < 0 ? rest : rest.slice(0, end)
    rest = end < 0 ? '' : rest.slice(end + 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
  let step = reader.line(takeLine(), 0)
  while (step.kind === 'literal') {
    reader.literal(rest.slice(0, step.sizeBytes))
    rest = rest.slice(step.sizeBytes)
    step = reader.line(takeLine(), 0)
  }
  return { step, args: reader.args }
}

const atom = (text: string): Argument => ({ kind: 'atom', text })
const string = (text: string): Argument => ({ kind: 'string', text })
const list = (...items: Argument[]): Argument => ({ kind: 'list', items })

const READABLE: readonly (readonly [input: string, args: readonly Argument[], why: string])[] = [
  ['', [], 'no arguments'],
  ['   ', [], 'blanks alone'],
  ['joe secret', [atom('joe'), atom('secret')], 'atoms'],
  ['joe  secret ', [atom('joe'), atom('secret')], 'more blanks than needed'],
  ['"joe" "a b"', [string('joe'), string('a b')], 'quoted strings'],
  ['"a\\"b\\\\c"', [string('a"b\\c')], 'escapes'],
  ['"pa\\ss"', [string('pass')], 'a needless escape, which Dovecot takes'],
  ['"j\xe9"', [string('j\xe9')], '8-bit bytes in a quoted string, which Dovecot takes'],
  ['""', [string('')], 'an empty string'],
  ['"joe""x"', [string('joe'), string('x')], 'no blank in between, which Dovecot takes'],
  ['"joe"x', [string('joe'), atom('x')], 'the same with an atom'],
  [
    'joe*a %b jo]e [] jo\\e',
    [atom('joe*a'), atom('%b'), atom('jo]e'), atom('[]'), atom('jo\\e')],
    'atoms wider than RFC 3501',
  ],
  ['{3}\r\njoe {4+}\r\na\r\nb', [string('joe'), string('a\r\nb')], 'literals of both kinds, CRLF inside'],
  ['{}\r\n x', [string(''), atom('x')], 'a literal without a number is empty in Dovecot'],
  ['{0+}\r\n', [string('')], 'an empty literal'],
  ['{3+}\r\nj\0e', [string('j\0e')], 'NUL in a literal'],
  ['(a "b" NIL) c', [list(atom('a'), string('b'), atom('NIL')), atom('c')], 'a list'],
  ['("a" {1+}\r\nb)', [list(string('a'), string('b'))], 'a literal inside a list'],
  ['()', [list()], 'an empty list'],
  ['( "a" )', [list(string('a'))], 'blanks inside a list'],
]

test('arguments that Dovecot reads are read as Dovecot reads them', () => {
  for (const [input, args, why] of READABLE) {
    const result = read(input)
    assert.deepEqual(result.step, { kind: 'complete' }, why)
    assert.deepEqual(result.args, args, why)
  }
})

const MALFORMED: readonly (readonly [input: string, step: ReadStep, why: string])[] = [
  ['"x', { kind: 'bad', text: "Missing '\"'" }, 'open quote'],
  ['"x\\', { kind: 'bad', text: "Missing '\"'" }, 'open quote behind an escape'],
  ['"j\re"', { kind: 'bad', text: "Missing '\"'" }, 'CR in quotes'],
  ['"j\\\re"', { kind: 'bad', text: "Missing '\"'" }, 'escaped CR in quotes'],
  ['"j\0e"', { kind: 'bad', text: 'NULs not allowed in strings' }, 'NUL in quotes'],
  ['"j\\\0e"', { kind: 'bad', text: 'NULs not allowed in strings' }, 'escaped NUL in quotes'],
  ['jo(e', { kind: 'bad', text: 'Invalid characters in atom' }, 'parenthesis in an atom'],
  ['jo"e', { kind: 'bad', text: 'Invalid characters in atom' }, 'quote in an atom'],
  ['jo{3}', { kind: 'bad', text: 'Invalid characters in atom' }, 'brace in an atom'],
  ['jo\x01e', { kind: 'bad', text: 'Invalid characters in atom' }, 'control character'],
  ['j\0e', { kind: 'bad', text: 'Invalid characters in atom' }, 'NUL in an atom'],
  ['j\xe9e', { kind: 'bad', text: '8bit data in atom' }, '8-bit in an atom'],
  ['j\re', { kind: 'bad', text: 'CR sent without LF' }, 'a bare CR'],
  [')', { kind: 'bad', text: "Unexpected ')'" }, 'close without open'],
  ['x)', { kind: 'bad', text: "Unexpected ')'" }, 'the same behind an atom'],
  ['(x', { kind: 'bad', text: "Missing ')'" }, 'open without close'],
  ['(x (y))', { kind: 'bad', text: "Too many '('" }, 'a list in a list'],
  ['(x) (y)', { kind: 'bad', text: "Too many '('" }, 'a second list'],
  ['{abc}', { kind: 'bad', text: 'Invalid literal size' }, 'letters'],
  ['{-1}', { kind: 'bad', text: 'Invalid literal size' }, 'negative'],
  ['{3-}', { kind: 'bad', text: 'Invalid literal size' }, 'LITERAL- has no such form'],
  ['{3', { kind: 'bad', text: 'Invalid literal size' }, 'no closing brace'],
  ['{3}x', { kind: 'bad', text: 'Missing LF after literal size' }, 'text behind the size'],
  ['~{3+}', { kind: 'bad', text: 'literal8 not allowed here' }, 'a binary literal'],
  ['{8200}', { kind: 'bye', text: 'Literal size too large' }, 'over the limit'],
  ['{99999999999999999999999}', { kind: 'bye', text: 'Literal size too large' }, 'far over the limit'],
  [
    '{4000+}\r\n' + 'x'.repeat(4000) + ' {4200+}',
    { kind: 'bye', text: 'Literal size too large' },
    'together over the limit',
  ],
  ['x'.repeat(9000), { kind: 'bye', text: 'Input buffer full, aborting' }, 'a line over the limit'],
  ['{0+}\r\n '.repeat(65), { kind: 'bye', text: 'Too many literals' }, 'one literal too many'],
]

test('malformed arguments get the complaints of Dovecot', () => {
  for (const [input, step, why] of MALFORMED) assert.deepEqual(read(input).step, step, why)
})

test('with LITERAL- a non-synchronizing literal has at most 4096 bytes', () => {
  const step = (size: string): ReadStep => new ArgumentReader({ ...LIMITS, literalMinus: true }).line(size, 0)
  assert.deepEqual(step('{4096+}'), { kind: 'literal', sizeBytes: 4096, synchronizing: false })
  assert.deepEqual(step('{4097+}'), { kind: 'bye', text: 'Non-synchronizing literal size too large' })
  assert.deepEqual(step('{4097}'), { kind: 'literal', sizeBytes: 4097, synchronizing: true })
})

const special = fc.constantFrom(...'\\"{}()%* +\r\n]~\0'.split(''), '\xe9', '\x7f')
const anyByte = fc.oneof(
  special,
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)

test('any string survives writer and reader', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: anyByte, maxLength: 30 }), { maxLength: 6 }), (values) => {
      const { step, args } = read(values.map(stringArgument).join(' '))
      assert.deepEqual(step, { kind: 'complete' })
      assert.deepEqual(args, values.map(string))
    }),
  )
})

test('any text without CR, LF and NUL survives quoting', () => {
  const unit = anyByte.filter((char) => !/[\r\n\0]/.test(char))
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (value) => {
      assert.deepEqual(read(quoted(value)).args, [string(value)])
    }),
  )
})

test('no input makes the reader throw or ask for more than its limit', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyByte, maxLength: 60 }), (input) => {
      const { step } = read(input, { commandBytes: 100, literals: 3 })
      assert.notEqual(step.kind, 'literal')
    }),
  )
})
