import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProxyFailure } from '../../proxy-failure.ts'
import { ArgumentReader } from '../wire/argument-reader.ts'
import { type LiteralSupport, loginCommand } from './login-command.ts'

const NONE: LiteralSupport = { literalPlus: false, literalMinus: false }
const PLUS: LiteralSupport = { literalPlus: true, literalMinus: false }
const MINUS: LiteralSupport = { literalPlus: false, literalMinus: true }

const ROWS: readonly (readonly [
  user: string,
  password: string,
  support: LiteralSupport,
  parts: readonly string[],
  why: string,
])[] = [
  ['t1', 'secret', PLUS, ['L LOGIN "t1" "secret"\r\n'], 'quoted whenever possible'],
  ['a"b', 'c\\d', NONE, ['L LOGIN "a\\"b" "c\\\\d"\r\n'], 'with escapes'],
  ['j\xc3\xa9', 'x', PLUS, ['L LOGIN {3+}\r\nj\xc3\xa9 "x"\r\n'], '8-bit needs a literal'],
  ['joe', 'a\r\nb', MINUS, ['L LOGIN "joe" {4+}\r\na\r\nb\r\n'], 'so do control characters'],
  ['joe', '\xe9', NONE, ['L LOGIN "joe" {1}\r\n', '\xe9'], 'synchronizing: the bytes wait for the backend'],
  ['\xe9', '\xe8', NONE, ['L LOGIN {1}\r\n', '\xe9 {1}', '\xe8'], 'twice'],
  ['\xe9', 'x', NONE, ['L LOGIN {1}\r\n', '\xe9 "x"'], 'a quoted password behind a literal'],
]

test('LOGIN is quoted, or has the literals that the backend takes', () => {
  for (const [user, password, support, parts, why] of ROWS) {
    const method = loginCommand(user, password, support)
    const answers = [method.command]
    for (let answer = method.respond(''); answer !== undefined; answer = method.respond('')) answers.push(answer)
    assert.deepEqual(answers, parts, why)
  }
})

test('LITERAL- takes no more than 4096 bytes without asking', () => {
  const password = '\xe9'.repeat(4097)
  assert.equal(loginCommand('joe', password, MINUS).command, 'L LOGIN "joe" {4097}\r\n')
})

test('NUL cannot be said', () => {
  for (const [user, password] of [
    ['a\0b', 'x'],
    ['a', 'x\0'],
  ] as const) {
    assert.throws(() => loginCommand(user, password, PLUS), ProxyFailure)
  }
})

test('any user name and password reach the backend as they are', () => {
  const char = fc.oneof(
    fc.constantFrom(...'\\"{}()%* +\r\n]'.split(''), '\xe9', '\x7f'),
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  )
  const text = fc.string({ unit: char, maxLength: 20 })
  fc.assert(
    fc.property(text, text, fc.constantFrom(NONE, PLUS, MINUS), (user, password, support) => {
      assert.deepEqual(receivedBy(loginCommand(user, password, support)), [user, password])
    }),
  )
})

/** What a server that reads literals properly makes of the command and its answers. */
function receivedBy(method: ReturnType<typeof loginCommand>): readonly string[] {
  const reader = new ArgumentReader({ commandBytes: 8192, literals: 2, lists: 0, literalMinus: false })
  let rest = method.command.slice('L LOGIN '.length)
  const takeLine = (): string => {
    const end = rest.indexOf('\r\n')
    const line = rest.slice(0, end)
    rest = rest.slice(end + 2)
    return line
  }
  let step = reader.line(takeLine(), 0)
  while (step.kind === 'literal') {
    if (step.synchronizing) {
      assert.equal(rest, '', 'nothing may follow a synchronizing literal before the +')
      rest = `${method.respond('') ?? ''}\r\n`
    }
    reader.literal(rest.slice(0, step.sizeBytes))
    rest = rest.slice(step.sizeBytes)
    step = reader.line(takeLine(), 0)
  }
  assert.equal(step.kind, 'complete')
  return reader.args.map((arg) => (arg.kind === 'string' ? arg.text : assert.fail('no string')))
}
