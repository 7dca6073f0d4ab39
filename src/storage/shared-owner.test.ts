import assert from 'node:assert/strict'
import test from 'node:test'
import { ownerPrefix, parseOwner } from './shared-owner.ts'

test('owners are found in names as Dovecot finds them', () => {
  const rows: { why: string; pattern: string; name: string; owner: string | undefined; rest?: string }[] = [
    { why: 'the whole name', pattern: '%u/', name: 'jane/Work', owner: 'jane', rest: 'Work' },
    { why: 'with a domain', pattern: '%u/', name: 'jane@example.com/', owner: 'jane@example.com', rest: '' },
    { why: 'domain first', pattern: '%d/%n/', name: 'example.com/jane/x/y', owner: 'jane@example.com', rest: 'x/y' },
    { why: 'without a domain it is our own', pattern: '%n/', name: 'jane/x', owner: 'jane@example.org', rest: 'x' },
    { why: 'only the domain is there', pattern: '%d/%n/', name: 'example.com/', owner: undefined },
    { why: 'the name ends too early', pattern: '%u/', name: 'jane', owner: undefined },
    { why: 'nobody', pattern: '%u/', name: '/x', owner: undefined },
    { why: 'text between', pattern: 'user-%n/', name: 'user-jane/x', owner: 'jane@example.org', rest: 'x' },
    { why: 'other text', pattern: 'user-%n/', name: 'jane/x', owner: undefined },
  ]
  for (const { why, pattern, name, owner, rest } of rows) {
    const found = parseOwner(pattern, name, 'joe@example.org')
    assert.equal(found?.owner, owner, why)
    if (found) assert.equal(name.slice(found.length), rest, why)
  }
  assert.equal(ownerPrefix('%d/%n/', 'jane@example.com'), 'example.com/jane/')
})
