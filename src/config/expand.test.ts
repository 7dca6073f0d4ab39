import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expansionFailures, expansions } from '../../test/vectors/variables.ts'
import { compileTemplate, ExpandError, loginShortNames, mailShortNames } from './expand.ts'

const values = new Map([
  ['user', "Joe.Q'Oe@Example.COM"],
  ['username', "Joe.Q'Oe"],
  ['domain', 'Example.COM'],
  ['service', 'imap'],
  ['lip', '192.0.2.1'],
  ['rip', '198.51.100.7'],
  ['lport', '143'],
  ['rport', '51234'],
  ['orig_user', 'Joe'],
  ['password', ''],
  ['cert', ''],
  ['!', '1'],
  ['passdb:forward_x', 'fx'],
  ['passdb:empty', ''],
  ['ldap:mail', 'joe@example.org'],
])
const lookup = (name: string) => values.get(name)
const expand = (text: string) => compileTemplate(text).expand(lookup)

for (const [template, expected, why] of expansions) {
  test(`${template} is ${JSON.stringify(expected)}${why === '' ? '' : `: ${why}`}`, () => {
    assert.equal(expand(template), expected)
  })
}

test('pkcs5 gives 352 bytes, salted with the variable name unless told otherwise', () => {
  const key = expand('%{pkcs5;rounds=2:user}')
  assert.equal(key.length, 704)
  assert.equal(key.slice(0, 32), '9700b264dd6f5ddb82dbceb22ab7247e')
  assert.equal(expand('%{pkcs5;rounds=2,salt=abc:user}').slice(0, 32), 'd9301a5657cf8783fa8bb49982afbea8')
})

for (const [template, message] of expansionFailures) {
  test(`${template} fails with "${message}"`, () => {
    assert.throws(() => expand(template), new ExpandError(message))
  })
}

test('a template says which variables it depends on', () => {
  const template = compileTemplate('%u/%3n/%{sha1;salt=%d:rip}/%{if;%s;eq;imap;%{passdb:x:y};%u}/%{env:HOME}')
  assert.deepEqual([...template.variables].sort(), ['domain', 'passdb:x', 'rip', 'service', 'user', 'username'])
  assert.equal(template.isConstant, false)
  assert.equal(compileTemplate('no%% variables').isConstant, true)
  assert.equal(compileTemplate('no%% variables').expand(lookup), 'no% variables')
})

test('compiling twice gives the same template, and another one for other short names', () => {
  assert.equal(compileTemplate('%k'), compileTemplate('%k'))
  assert.deepEqual(compileTemplate('%k', loginShortNames).variables, ['ssl_security'])
  assert.deepEqual(compileTemplate('%k').variables, ['cert'])
  assert.deepEqual(compileTemplate('%i', mailShortNames).variables, ['uid'])
})

test('process variables are there without a lookup for them', () => {
  assert.match(expand('%{pid} %{uid} %{gid} %{hostname}'), /^\d+ \d+ \d+ \S+$/)
})

test('escaping is applied to values after their modifiers, never to the text of the template', () => {
  const double = (value: string) => value.replaceAll("'", "''")
  const sql = (text: string) => compileTemplate(text).expand(lookup, double)
  assert.equal(sql("u = '%u'"), "u = 'Joe.Q''Oe@Example.COM'")
  assert.equal(sql("u = '%6u'"), "u = 'Joe.Q'''", 'cutting cannot cut an escape in half')
  assert.equal(sql("u = '%Rn'"), "u = 'eO''Q.eoJ'")
  assert.equal(sql("%{if;%s;eq;imap;u = '%n';''}"), "u = 'Joe.Q''Oe'")
  assert.equal(sql("'%{passdb:x:O'K}'"), "'O''K'", 'a default is a value')
})

test('conditions compare the values, not their escaped forms', () => {
  const template = compileTemplate("%{if;%n;eq;Joe.Q'Oe;yes;no}")
  assert.equal(
    template.expand(lookup, (value) => value.replaceAll("'", "''")),
    'yes',
  )
})

test('widths count bytes, and cutting within a character does not lose its halves', () => {
  const umlauts = (text: string) => compileTemplate(text).expand(() => 'ÄÖx')
  assert.equal(umlauts('%u'), 'ÄÖx')
  assert.equal(umlauts('%2u'), 'Ä')
  assert.equal(umlauts('%1u%1.1u'), 'Ä')
  assert.equal(umlauts('é%Luß'), 'éÄÖxß', 'only ASCII letters change')
  assert.equal(umlauts('%{size:user}'), '0000000000000005')
})

test('names of object members are no variables', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.throws(() => expand(`%{${name}}`), ExpandError)
  }
})

test('the value of a variable is never expanded again', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'%{}u;:\\a'.split('')) }), (value) => {
      assert.equal(
        compileTemplate('<%u>').expand(() => value),
        `<${value}>`,
      )
      assert.equal(
        compileTemplate('<%{if;a;eq;a;%u;n}>').expand(() => value),
        `<${value}>`,
      )
    }),
  )
})

test('any text compiles and expands, or fails with an ExpandError', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(...'%%%{{}}u;:\\a019.-LHNif~*[('.split(''), '{if;', '{md5;', 'ä'),
    maxLength: 40,
  })
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        compileTemplate(text).expand(lookup)
      } catch (error) {
        assert.ok(error instanceof ExpandError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('deep nesting and wide padding are refused', () => {
  const nested = (depth: number): string => (depth === 0 ? 'x' : `%{if;a;eq;a;${nested(depth - 1)};n}`)
  assert.equal(expand(nested(20)), 'x')
  assert.throws(() => compileTemplate(nested(200)), /nested too deeply/)
  assert.throws(() => compileTemplate(`${'%{md5:md5:'.repeat(1)}${'md5:'.repeat(5000)}user}`), /nested too deeply/)
  assert.throws(() => compileTemplate('%0999999999u'), /too wide/)
})
