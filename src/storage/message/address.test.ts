import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddresses, parseAddresses } from './address.ts'
import { MESSAGE_LIMITS } from './limits.ts'

const rows: ReadonlyArray<readonly [why: string, value: string, formatted: string]> = [
  ['an address', 'joe@example.org', '<joe@example.org>'],
  ['a name', 'Joe User <joe@example.org>', '"Joe User" <joe@example.org>'],
  ['a comment is a name', 'joe@example.org (Joe User)', '"Joe User" <joe@example.org>'],
  ['a group', 'friends: joe@example.org, jane@example.org;', 'friends: <joe@example.org>, <jane@example.org>;'],
  ['an empty group', 'undisclosed-recipients:;', 'undisclosed-recipients:;'],
  ['a route', '<@a,@b:joe@example.org>', '<@a,@b:joe@example.org>'],
  ['a quoted local part', '"joe user"@example.org', '<"joe user"@example.org>'],
  ['an encoded word is not quoted', '=?utf-8?q?J?= <joe@example.org>', '=?utf-8?q?J?= <joe@example.org>'],
  ['no domain', 'joe', '<joe@MISSING_DOMAIN>'],
  ['only a name', 'Joe User', '"Joe User" <MISSING_MAILBOX@MISSING_DOMAIN>'],
  ['an angle that does not close', 'Joe <joe@example.org', 'Joe <joe@SYNTAX_ERROR>'],
  ['a route that goes nowhere', 'Joe <@a joe@example.org>', 'Joe <INVALID_ROUTE:joe@example.org>'],
  ['nothing', '', ''],
]

for (const [why, value, formatted] of rows) {
  test(`${why}: ${JSON.stringify(value)}`, () => {
    assert.equal(formatAddresses(parseAddresses(value)), formatted)
  })
}

test('a field has a limited number of addresses', () => {
  const many = parseAddresses('a@b,'.repeat(MESSAGE_LIMITS.addresses + 100))
  assert.equal(many.length, MESSAGE_LIMITS.addresses)
})
