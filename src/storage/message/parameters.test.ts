import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldLexer } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'
import { readParameters } from './parameters.ts'

const rows: ReadonlyArray<readonly [why: string, value: string, parameters: readonly (readonly [string, string])[]]> = [
  [
    'token and string',
    '; a=b; c="d e"',
    [
      ['a', 'b'],
      ['c', 'd e'],
    ],
  ],
  [
    'white space and comments',
    ' ; a = b (c) ;d=e',
    [
      ['a', 'b'],
      ['d', 'e'],
    ],
  ],
  ['nonsense between', '; a; =b; c=d', [['c', 'd']]],
  [
    'an encoded word',
    '; a==?utf-8?q?b?=; c=d',
    [
      ['a', '=?utf-8?q?b?='],
      ['c', 'd'],
    ],
  ],
  ['RFC 2231: a value in pieces', '; a*1=c; a*0=b', [['a', 'bc']]],
  [
    'RFC 2231: some encoded',
    "; a*0*=utf-8''%C3; a*1=5%; b=c",
    [
      ['b', 'c'],
      ['a*', "utf-8''%C35%25"],
    ],
  ],
  [
    'RFC 2231: a piece missing',
    '; a*0=b; a*2=d',
    [
      ['a*0', 'b'],
      ['a*2', 'd'],
    ],
  ],
  ['RFC 2231: encoded without pieces', "; a*=utf-8''b", [['a*', "utf-8''b"]]],
]

for (const [why, value, parameters] of rows) {
  test(`${why}: ${value}`, () => {
    const lexer = new FieldLexer(value)
    lexer.skip()
    assert.deepEqual(
      readParameters(lexer).map((parameter) => [parameter.name, parameter.value]),
      parameters,
    )
  })
}

test('a field has a limited number of parameters', () => {
  assert.equal(readParameters(new FieldLexer(';a=b'.repeat(5000))).length, MESSAGE_LIMITS.parameters)
})
