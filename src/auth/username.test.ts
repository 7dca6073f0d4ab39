import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileUsernameRules, fixUsername, userVariable, type UsernameSettings } from './username.ts'

const DEFAULTS: UsernameSettings = {
  auth_default_realm: '',
  auth_username_translation: '',
  auth_username_chars: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@',
  auth_username_format: '%Lu',
}

const refused = (hex: string, name: string): { error: string } => ({
  error: `Username character disallowed by auth_username_chars: 0x${hex} (username: ${name})`,
})

const rows: {
  name: string
  settings?: Partial<UsernameSettings>
  expected: string | { error: string; level?: 'error' }
  why: string
}[] = [
  { name: 'Joe@Example.ORG', expected: 'joe@example.org', why: 'the default format is lower case' },
  {
    name: 'joe',
    settings: { auth_default_realm: 'example.org' },
    expected: 'joe@example.org',
    why: 'a name without a domain gets the realm',
  },
  { name: 'joe@a', settings: { auth_default_realm: 'b' }, expected: 'joe@a', why: 'a name with a domain keeps it' },
  {
    name: 'Joe#X.com',
    settings: { auth_username_translation: '#@', auth_default_realm: 'def.org', auth_username_format: '%Ln-%d' },
    expected: 'joe-X.com@def.org',
    why: 'the realm comes before the translation, %n ends at the first @',
  },
  { name: 'joe#x/y', settings: { auth_username_translation: '#@/@' }, expected: 'joe@x@y', why: 'several pairs' },
  { name: 'joe#', settings: { auth_username_translation: '#@x' }, expected: 'joe@', why: 'half a pair is none' },
  { name: 'a b', expected: refused('20', 'a b'), why: 'blanks are not in the default set' },
  { name: "o'neil", expected: refused('27', "o'neil"), why: 'nor quotes' },
  { name: 'a*b', expected: refused('2a', 'a*b'), why: 'nor the usual separator' },
  { name: 'jörg', expected: refused('c3', 'jörg'), why: 'nor anything beyond ASCII, byte by byte' },
  { name: 'a\0b', expected: refused('00', 'a?b'), why: 'control characters do not reach the log' },
  { name: 'a\0b', settings: { auth_username_chars: '' }, expected: refused('00', 'a?b'), why: 'NUL is never allowed' },
  {
    name: "jörg'%",
    settings: { auth_username_chars: '' },
    expected: "jörg'%",
    why: 'an empty set allows everything else',
  },
  { name: 'JÖRG', settings: { auth_username_chars: '' }, expected: 'jÖrg', why: 'only ASCII letters are lowered' },
  { name: 'Joe', settings: { auth_username_format: '' }, expected: 'Joe', why: 'no format, no change' },
  { name: '', expected: { error: 'Empty username' }, why: 'an empty name' },
  {
    name: 'joe',
    settings: { auth_username_format: '%d' },
    expected: { error: 'Empty username' },
    why: 'empty after formatting',
  },
  { name: 'Joe@x', settings: { auth_username_format: '%n.%s' }, expected: 'Joe.imap', why: 'other variables work too' },
  {
    name: 'joe',
    settings: { auth_username_format: '%z' },
    expected: { level: 'error', error: "Failed to expand username_format=%z: Unknown variable '%z'" },
    why: 'an unknown variable fails',
  },
]

for (const { name, settings, expected, why } of rows) {
  test(`user name ${JSON.stringify(name)}: ${why}`, () => {
    const rules = compileUsernameRules({ ...DEFAULTS, ...settings })
    const fixed = fixUsername(name, rules, (variable) => (variable === 'service' ? 'imap' : undefined))
    if (typeof expected === 'string') return assert.deepEqual(fixed, { ok: true, user: expected })
    const { level = 'info', error: text } = expected
    assert.deepEqual(fixed, { ok: false, fault: { level, text } })
  })
}

test('an endless name is refused', () => {
  const fixed = fixUsername('a'.repeat(9000), compileUsernameRules(DEFAULTS), () => undefined)
  assert.deepEqual(fixed, { ok: false, fault: { level: 'info', text: 'Username is too long' } })
})

test('the parts of a name split at the first and the last @', () => {
  const parts = ['user', 'username', 'domain', 'domain_first', 'domain_last', 'rip'].map((name) =>
    userVariable(name, 'a@b@c'),
  )
  assert.deepEqual(parts, ['a@b@c', 'a', 'b@c', 'b', 'c', undefined])
})
