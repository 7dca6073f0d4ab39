import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doubleQuotes, escapeText as escapeMysql } from './mysql.ts'
import { escapeText as escapePgsql, escapeWithBackslashes } from './pgsql.ts'
import { escapeText as escapeSqlite } from './sqlite.ts'

const rows: { name: string; escape: (text: string) => string; text: string; expected: string }[] = [
  { name: 'mysql', escape: escapeMysql, text: `a'b"c\\d\n\r\0\u001a%_`, expected: `a\\'b\\"c\\\\d\\n\\r\\0\\Z%_` },
  { name: 'mysql, NO_BACKSLASH_ESCAPES', escape: doubleQuotes, text: `a'b"c\\d`, expected: `a''b"c\\d` },
  { name: 'pgsql', escape: escapePgsql, text: `a'b"c\\d\0e`, expected: `a''b"c\\d` },
  {
    name: 'pgsql, standard_conforming_strings=off',
    escape: escapeWithBackslashes,
    text: `a'b\\c`,
    expected: `a''b\\\\c`,
  },
  { name: 'sqlite', escape: escapeSqlite, text: `a'b"c\\d`, expected: `a''b"c\\d` },
]

for (const { name, escape, text, expected } of rows) {
  test(`${name} escapes ${JSON.stringify(text)}`, () => {
    assert.equal(escape(text), expected)
  })
}
