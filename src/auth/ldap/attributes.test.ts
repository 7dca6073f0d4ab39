import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldsFrom, type LdapEntries, parseAttributes } from './attributes.ts'

const entries: LdapEntries = new Map([
  [
    '',
    {
      dn: 'cn=joe,dc=example',
      attributes: new Map([
        ['uid', ['joe']],
        ['mail', ['joe@example.org', 'j@example.org']],
        ['pointer', ['mail']],
        ['gidnumber', ['100', '200']],
      ]),
    },
  ],
  ['server', { dn: 'cn=server', attributes: new Map([['host', ['10.0.0.1']]]) }],
])

const rows: readonly (readonly [list: string, fields: Record<string, string>, why: string])[] = [
  ['uid=user', { user: 'joe' }, 'an attribute becomes a field'],
  ['uid', { uid: 'joe' }, 'of the same name'],
  [' uid=user , UID=name', { user: 'joe', name: 'joe' }, 'blanks do not count, nor does case'],
  ['missing=home', {}, 'an attribute that is missing sets nothing'],
  ['uid=home=/home/%$', { home: '/home/joe' }, '%$ is the value'],
  ['uid=home=/home/', { home: '/home/joe' }, 'a prefix'],
  ['uid=home=/home/%u', { home: '/home/%u!' }, 'variables of the request'],
  ['=proxy=y', { proxy: 'y' }, 'a constant'],
  ['=proxy', { proxy: '' }, 'an empty field'],
  ['=home=/home/%{ldap:uid}', { home: '/home/joe' }, 'an attribute in a template'],
  ['=home=%{ldap:missing}', { home: '' }, 'set even when it is missing'],
  ['=home=%{ldap:missing:none}', { home: 'none' }, 'a default'],
  ['!mail,=first=%{ldap_ptr:pointer}', { first: 'joe@example.org' }, 'an attribute that names another'],
  ['=dn=%{ldap:dn}', { dn: 'cn=joe,dc=example' }, 'the name of the entry'],
  ['@server=%{ldap:serverDN},host@server=host', { host: '10.0.0.1' }, 'an attribute of a second entry'],
  ['=home=%{ldap:uid},uid=x=%{if;%$;eq;a,b;y;n}', { home: 'joe', x: 'n' }, 'commas in braces do not split'],
]

for (const [list, expected, why] of rows) {
  test(`${list}: ${why}`, () => {
    const parsed = parseAttributes(list)
    assert.ok(typeof parsed !== 'string', typeof parsed === 'string' ? parsed : '')
    const lookup = (name: string): string | undefined => (name === 'user' ? '%u!' : undefined)
    const fields = fieldsFrom(parsed, entries, () => assert.fail('no warning'))
    const texts = fields.map(({ name, value }) => [
      name,
      value === null || typeof value === 'string' ? value : value.expand(lookup),
    ])
    assert.deepEqual(Object.fromEntries(texts), expected)
  })
}

test('of several values the first counts, and the log says so; ids are joined', () => {
  const parsed = parseAttributes('mail=user,gidNumber=gid')
  assert.ok(typeof parsed !== 'string')
  const warnings: string[] = []
  const fields = fieldsFrom(parsed, entries, (text) => warnings.push(text), ['gid'])
  assert.deepEqual(
    fields.map(({ value }) => value),
    ['joe@example.org', '100,200'],
  )
  assert.deepEqual(warnings, ["Multiple values found for 'user', using value 'joe@example.org'"])
})

test('a list asks for what it needs, and no more', () => {
  const parsed = parseAttributes('uid=user,!extra,=a=%{ldap:b},@s=%{ldap:c},d@s=e,=f=%{ldap:g@s}')
  assert.ok(typeof parsed !== 'string')
  assert.deepEqual(
    [...parsed.wanted],
    [
      ['', ['uid', 'extra', 'b', 'c']],
      ['s', ['d', 'g']],
    ],
  )
})

test('a word without a field is refused', () => {
  assert.equal(parseAttributes('uid='), 'Invalid attrs entry: uid=')
})
