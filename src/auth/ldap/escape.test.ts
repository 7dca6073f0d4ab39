import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EqualityFilter, FilterParser } from 'ldapts'
import { escapeLdap, ldaptsFilter } from './escape.ts'

const rows: readonly (readonly [value: string, escaped: string, why: string])[] = [
  ['joe@example.org', 'joe@example.org', 'nothing to escape'],
  ['*', '\\2A', 'would match everybody'],
  ['joe)(uid=*', 'joe\\29\\28uid\\3D\\2A', 'would close the filter'],
  ['a\\2a', 'a\\5C2a', 'a backslash is no escape of its own'],
  ['a b,c+d;e<f>g"h#', 'a\\20b\\2Cc\\2Bd\\3Be\\3Cf\\3Eg\\22h\\23', 'DN specials'],
  ['ü', '\\C3\\BC', 'bytes that are not ASCII'],
  ['\0', '\\00', 'NUL'],
]

for (const [value, escaped, why] of rows) {
  test(`escapes ${JSON.stringify(value)}: ${why}`, () => assert.equal(escapeLdap(value), escaped))
}

test('any name reaches the server as itself', () => {
  const unit = fc.oneof(
    fc.constantFrom(...Array.from('*()\\=,&|!:<>~ü日😀\0')),
    fc.string({ minLength: 1, maxLength: 1 }),
  )
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1 }), (value) => {
      // Lone surrogates are no text.
      fc.pre(value.isWellFormed())
      const filter = ldaptsFilter(`(uid=${escapeLdap(value)})`)
      assert.ok(filter)
      const parsed = FilterParser.parseString(filter)
      assert.ok(parsed instanceof EqualityFilter)
      assert.equal(parsed.value, value)
    }),
  )
})

test('bytes that are no text cannot be asked for', () => {
  assert.equal(ldaptsFilter('(objectGUID=\\FF\\FE)'), undefined)
  assert.equal(ldaptsFilter('(cn=\\c3\\bc)'), '(cn=ü)')
})
