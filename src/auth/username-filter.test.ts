import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wildcardMatches } from '../util/wildcard.ts'
import { workedMs } from '../../test/support/worked.ts'
import { usernameAccepted } from './username-filter.ts'

const matches: [text: string, pattern: string, matches: boolean][] = [
  ['joe@example.org', '*@example.org', true],
  ['joe@example.org', '*', true],
  ['', '*', true],
  ['', '', true],
  ['', '?', false],
  ['joe', 'j?e', true],
  ['joe', 'j??e', false],
  ['joe', 'JOE', false],
  ['abcabc', '*abc', true],
  ['abcab', '*abc', false],
  ['a*b', 'a*b', true],
  ['joe', 'joe*', true],
  ['joe', '*joe*', true],
  ['a.b', 'a?b', true],
  ['a[b', 'a[b', true],
]

for (const [text, pattern, expected] of matches) {
  test(`${JSON.stringify(text)} ${expected ? 'matches' : 'does not match'} ${pattern}`, () => {
    assert.equal(wildcardMatches(text, pattern), expected)
  })
}

test('a hostile name against many stars takes no time', () => {
  const started = workedMs()
  assert.equal(wildcardMatches('a'.repeat(8000), `${'*a'.repeat(50)}b`), false)
  assert.ok(workedMs() - started < 500)
})

const filters: [user: string, filter: string[], accepted: boolean, why: string][] = [
  ['joe', [], true, 'no filter'],
  ['joe', ['joe'], true, 'included'],
  ['jane', ['joe'], false, 'others are included'],
  ['joe', ['!joe'], false, 'excluded'],
  ['jane', ['!joe'], true, 'only others are excluded'],
  ['joe@x', ['*@x', '!joe*'], false, 'an exclusion wins'],
  ['joe@x', ['!joe*', '*@x'], false, 'whatever the order'],
  ['jane@x', ['*@y', '*@x'], true, 'one of several'],
]

for (const [user, filter, accepted, why] of filters) {
  test(`username_filter ${filter.join(' ')} and ${user}: ${why}`, () => {
    assert.equal(usernameAccepted(user, filter), accepted)
  })
}
