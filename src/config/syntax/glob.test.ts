import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'

const files = memoryFiles({
  '/etc/d/a.conf': '',
  '/etc/d/b.conf': '',
  '/etc/d/.hidden.conf': '',
  '/etc/d/c.txt': '',
  '/etc/d/sub/a.conf': '',
  '/etc/d/[x].conf': '',
  local: '',
})

const rows: readonly [pattern: string, expected: readonly string[], why: string][] = [
  ['/etc/d/*.conf', ['/etc/d/[x].conf', '/etc/d/a.conf', '/etc/d/b.conf'], 'sorted by bytes, hidden files left out'],
  ['/etc/d/{b,a}.conf', ['/etc/d/b.conf', '/etc/d/a.conf'], 'braces in the order they are written'],
  ['/etc/d/{c.t*,{b,a}.conf}', ['/etc/d/c.txt', '/etc/d/b.conf', '/etc/d/a.conf'], 'braces inside braces'],
  ['/etc/d/.*.conf', ['/etc/d/.hidden.conf'], 'hidden files when asked for'],
  ['/etc/*/*/a.conf', ['/etc/d/sub/a.conf'], 'wildcards for directories'],
  ['/etc/d/?.conf', ['/etc/d/a.conf', '/etc/d/b.conf'], 'one character'],
  ['/etc/d/[ab].conf', ['/etc/d/a.conf', '/etc/d/b.conf'], 'one of some characters'],
  ['/etc/d/[!a].conf', ['/etc/d/b.conf'], 'one of the others'],
  ['/etc/d/\\[x].conf', ['/etc/d/[x].conf'], 'a backslash takes the meaning away'],
  ['/etc/d', ['/etc/d'], 'directories match too'],
  ['/etc/nothing/*.conf', [], 'a directory that is not there'],
  ['lo*', ['local'], 'relative to here'],
  ['/etc/d/{a.conf', [], 'an unclosed brace is a brace'],
]

for (const [pattern, expected, why] of rows) {
  test(`${pattern}: ${why}`, () => assert.deepEqual(files.glob(pattern), expected))
}

test('a pattern of many braces stays small', () => {
  assert.ok(files.glob('{a,b}'.repeat(40)).length <= 1000)
})
