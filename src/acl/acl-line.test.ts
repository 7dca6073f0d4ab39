import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aclLine, parseAclLine, writeAclLine } from './acl-line.ts'
import { type Identifier, identifierText } from './identifier.ts'
import { ALL_RIGHTS, sameRights } from './rights.ts'

/** The line as it is written again, or the complaint. */
function rewritten(text: string, isStrict = true): string {
  const parsed = parseAclLine(text, isStrict)
  return parsed.kind === 'line' ? writeAclLine(parsed.line) : parsed.reason
}

const lines: [text: string, result: string, why: string][] = [
  ['user=joe lr', 'user=joe lr', 'the usual'],
  ['user=joe rl', 'user=joe lr', 'letters in the order of their names'],
  ['owner lrwstipekxa', 'owner akxeilprwts', 'all of them'],
  ['-user=joe w', '-user=joe w', 'a negative entry'],
  ['anonymous l', 'anyone l', 'an alias loses its name'],
  ['user=joe', 'user=joe ', 'no rights at all'],
  ['user=joe   ', 'user=joe ', 'only spaces'],
  ['user=joe \t lr \t ', 'user=joe lr', 'blanks between and behind'],
  ['user=joe\tlr', 'user=joe\tlr ', 'a tab does not end the identifier'],
  ['"user=joe doe" lr', '"user=joe doe" lr', 'quoted for its space'],
  ['"-user=joe doe" lr', '"-user=joe doe" lr', 'the sign is inside'],
  [String.raw`"user=a \"b\" c\\d" l`, String.raw`"user=a \"b\" c\\d" l`, 'escapes'],
  [String.raw`"user=o'neil x" l`, String.raw`"user=o\'neil x" l`, 'Dovecot escapes this quote too'],
  ['"user=joe"', 'user=joe ', 'needless quotes'],
  [String.raw`user=a\b"c l`, String.raw`user=a\b"c l`, 'raw when there is no space'],
  ['user=joe lr:write-seen', 'user=joe lrs', 'a long name behind the colon'],
  ['user=joe lr :zeta, alpha\tzeta', 'user=joe lr :alpha zeta', 'names of others, sorted'],
  ['user=joe :alpha', 'user=joe  :alpha', 'no letters before'],
  ['user=joe lr :', 'user=joe lr', 'an empty list'],
  ['user=joe lrr', 'user=joe lr', 'twice is once'],
  ['user=joe lrz', "Unknown ACL 'z'", 'an unknown letter'],
  ['user=joe LR', "Unknown ACL 'L'", 'capitals'],
  ['user=joe lc', "Unknown ACL 'c'", 'the obsolete letters exist on the wire only'],
  ['user=joe +lr', "Unknown ACL '+'", 'signs exist on the wire only'],
  ['joe lr', "Unknown ID 'joe'", 'a bare name'],
  ['- lr', "Unknown ID ''", 'only a sign'],
  ['joe lrz', "Unknown ID 'joe'", 'both wrong: the identifier is told'],
  [' user=joe lr', "Unknown ID ''", 'leading space'],
  [' ', "Unknown ID ''", 'only a space'],
  ['user=joe lr #x', "Missing ':' prefix in ACL extensions", 'a comment behind'],
  ['user=joe l r', "Missing ':' prefix in ACL extensions", 'letters apart'],
  ['"user=joe lr', 'Invalid quoted ID', 'no end'],
  ['"user=joe"lr', 'Invalid quoted ID', 'no space behind'],
  ['"user=joe\\', 'Invalid quoted ID', 'ends in a backslash'],
  ['-"user=joe doe" lr', `Unknown ID '"user=joe'`, 'the sign outside'],
]

for (const [text, result, why] of lines) {
  test(`line ${JSON.stringify(text)}: ${why}`, () => assert.equal(rewritten(text), result))
}

test('unknown letters are set aside and written again', () => {
  const parsed = parseAclLine('user=joe lczrc', false)
  assert.ok(parsed.kind === 'line')
  assert.deepEqual([...parsed.line.rights], ['lookup', 'read'])
  assert.equal(parsed.line.unknownLetters, 'cz')
  assert.equal(writeAclLine(parsed.line), 'user=joe lrcz')
})

const name = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\\', '"', "'", ' ', '-', '=', '#', ':', ',', '\t', 'é'),
    fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  ),
})
const identifiers = fc.oneof(
  fc.constantFrom<Identifier>({ kind: 'anyone' }, { kind: 'authenticated' }, { kind: 'owner' }),
  fc
    .record({ kind: fc.constantFrom('user' as const, 'group' as const, 'group-override' as const), name })
    // A name that ends its own quoting cannot be told from it; Dovecot writes such names raw as well.
    .filter((identifier) => identifier.kind !== 'user' || identifier.name !== ''),
)

test('any identifier and rights survive writing and reading', () => {
  const named = fc.constantFrom(...ALL_RIGHTS, 'custom', 'until=2030-01-01T00:00:00Z')
  fc.assert(
    fc.property(identifiers, fc.boolean(), fc.uniqueArray(named), (identifier, isNegative, rights) => {
      const line = aclLine({ identifier, isNegative, rights: new Set(rights), unknownLetters: '' })
      const parsed = parseAclLine(writeAclLine(line), true)
      assert.ok(parsed.kind === 'line')
      assert.equal(identifierText(parsed.line.identifier), identifierText(identifier))
      assert.equal(parsed.line.isNegative, isNegative)
      assert.ok(sameRights(parsed.line.rights, line.rights))
      assert.equal(parsed.line.expiresAtMs, line.expiresAtMs)
    }),
  )
})
