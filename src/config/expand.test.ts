import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

/** What Dovecot 2.3.19 gave for the same template and user. */
const examples = [
  ['%3u', 'Joe', 'width'],
  ['%0.3u', 'Joe', 'offset 0'],
  ['%.3u', 'Joe', 'no offset'],
  ['%3.2u', '.Q', 'offset and width'],
  ['%-2.2u', 'OM', 'offset from the end'],
  ['%-3.2u', 'CO', 'offset from the end, cut'],
  ['%-3.0u', 'COM', 'the last three'],
  ['%-100.2u', 'Jo', 'an offset before the beginning is ignored'],
  ['%-2u', 'Jo', 'a sign without a dot is ignored'],
  ['%2.-2u', "e.Q'Oe@Example.C", 'drops the last two'],
  ['%5.-100u', "'Oe@Example.COM", 'dropping more than there is drops nothing'],
  ['%5.u', "'Oe@Example.COM", 'no width'],
  ['%010u', "Joe.Q'Oe@Example.COM", 'padding never cuts'],
  ['%030u', "0000000000Joe.Q'Oe@Example.COM", 'padding'],
  ['%00.5u', 'Joe.Q', 'a zero before the offset is no padding'],
  ['%2.03u', "e.Q'Oe@Example.COM", 'a zero before the width is'],
  ['%2.030u', "000000000000e.Q'Oe@Example.COM", 'offset, then padding'],
  ['%3.0-2u', ".Q'Oe@Example.COM", 'padding with a negative width does nothing'],
  ['%%', '%', 'a percent sign'],
  ['%%u', '%u', 'survives the first expansion'],
  ['50%', '50', 'a lone final percent sign is dropped'],
  ['50%5', '50', 'with its width'],
  ['50%L', '50', 'with its modifier'],
  ['%Lu', "joe.q'oe@example.com", 'lower case'],
  ['%Uu', "JOE.Q'OE@EXAMPLE.COM", 'upper case'],
  ['%Eu', "Joe.Q\\'Oe@Example.COM", 'escaped'],
  ['%Xu', '0', 'hex of what is no number'],
  ['%X{lport}', '8f', 'hex'],
  ['%RLu', "moc.elpmaxe@eo'q.eoj", 'modifiers from left to right'],
  ['%Dd', 'Example,dc=COM', 'dots to dc='],
  ['%Mu', '322a2d39ae7d619b8c27b4c36c00f3be', 'MD5'],
  ['%1Mu', '3', 'MD5, cut'],
  ['%2.1Mu', '2', 'MD5, offset and width'],
  ['%Nu', 'ae7d619b', 'new hash'],
  ['%LNu', '84ff0d97', 'new hash of lower case'],
  ['%Hu', 'be9ff3d', 'old hash'],
  ['%2.256Nu', '9b', 'modulus and digits'],
  ['%2.256Hu', '3d', 'modulus and digits'],
  ['%5.100Hu', '00005', 'padded to five digits'],
  ['%3.2Hu', '001', 'modulus 2'],
  ['%-3.5Hu', '0', 'negative digits'],
  ['%08Nu', '3', 'modulus 8: no padding left'],
  ['%L{user}', "joe.q'oe@example.com", 'modifier before a brace'],
  ['%2.3{user}', 'e.Q', 'width before a brace'],
  ['%!x%!', '1x1', 'the number of the passdb'],
  ['%{local_ip}|%{remote_ip}|%{local_port}|%{remote_port}', '192.0.2.1|198.51.100.7|143|51234', 'aliases'],
  ['%{original_user}', 'Joe', 'alias'],
  ['%{passdb:nosuch:dflt}', 'dflt', 'default of an absent field'],
  ['%{passdb:empty:dflt}', '', 'no default for an empty field'],
  ['%{passdb:nosuch}', '', 'absent field without default'],
  ['%{passdb:forward_x}', 'fx', 'forwarded by a proxy'],
  ['%{passdb:nosuch:a:b}', 'a:b', 'the default may hold colons'],
  [`%E{passdb:a:O'B"\\x}`, `O\\'B\\"\\\\x`, 'a default is modified too'],
  ['%{userdb:nosuch:x}', 'x', 'userdb field'],
  ['%{ldap:mail}', 'joe@example.org', 'LDAP attribute'],
  ['%{ldap:nosuch:none}', 'none', 'LDAP default'],
  ['%{md4:user}', '4632b4152f9e14c8154c1f100aee49ae', ''],
  ['%{sha1;format=hexuc:user}', '099727c96c841fe60c398866d93e55fe2b8f710e', 'hexuc prints lower case'],
  ['%{sha256;truncate=32:user}', '2dacc87d', 'truncated'],
  ['%{sha256;truncate=13:user}', '05b5', 'truncated within a byte'],
  ['%{sha256;rounds=2,format=base64:user}', 'pkpdTeFVsJrIqqQAZD7mWKkg+GNqmMB35eqJWtKM3wQ=', 'rounds, base64'],
  [
    '%{sha256;salt=%u;:user}',
    '0a7909c14d9f22210505a258a485f7f74c2651db7fbd3b137f3fa6ee87716c33',
    'salt with a variable',
  ],
  ['%{sha256;salt=ab%n:user}', 'f317cbae32f45089b6bf54b7fd55f3ecf335d08ff709883d4e3aebbb3f1da6dd', 'salt'],
  [
    '%{sha256;salt=a,b:user}',
    'ace5e2e3eede0711694d7d329a343ee4c1c8bf69da3ab0fa6a93b2fef66d001a',
    'a comma ends the salt',
  ],
  [
    '%{sha256;salt=%{user}:user}',
    '45fa546539a67db94a284dfbbd5d2228683d4e92751f34af80cf930a2b248fcf',
    'long name in salt',
  ],
  [
    '%{sha384:user}',
    '6995e261611065e1d41cacc15caab2c410ff856a14eb6c175cb82fd94255276fac1bd69048e38f1091550cc679f5760b',
    '',
  ],
  ['%{sha3-256:user}', '7d4fbd94fc0a295b823ac9015afff949759ac94bb467eff276c6b89df186391f', ''],
  [
    '%{sha3-512:user}',
    '0a3b26a86161f7e729396b26f93a7421a8cc6400bbd07e38f33556fc7915f87b7b7a39fb2485a53cd7d30855e28f1cb68ada05c1a6ec3ad0bcf9549ac12409cb',
    '',
  ],
  ['%10{sha512:user}', 'f80c267cb2', 'width of a hash'],
  ['%M{md5:user}', '71a625a115a7115674e82c8b66ee925e', 'modifier of a hash'],
  ['%{md5:passdb:zz:def}', '4ed9407630eb1000c0f6b63842defa7d', 'hash of a default'],
  ['%{md5:if;a;eq;a;joe;x}', '8ff32489f92f33416694be8fdc2d4c22', 'hash of a condition'],
  ['%{md5;rounds=3,truncate=12:user}', '0e95', ''],
  ['%{md5;truncate=0:user}', '322a2d39ae7d619b8c27b4c36c00f3be', '0 is no truncation'],
  ['%{md5;truncate=1:user}', '00', 'one bit'],
  ['%{md5;truncate=127:user}', '1915169cd73eb0cdc613da61b60079df', 'shifted by one'],
  ['%{md5;truncate=500:user}', '322a2d39ae7d619b8c27b4c36c00f3be', 'more than there is'],
  ['%{md5;foo=x:user}', '322a2d39ae7d619b8c27b4c36c00f3be', 'unknown options are ignored'],
  ['%{size:user}', '0000000000000014', 'length'],
  ['%{size;rounds=2:user}', '0000000000000008', 'length of the length'],
  ['%{size;salt=abc:user}', '0000000000000017', 'with salt'],
  ['%{size;format=base64:user}', 'AAAAAAAAABQ=', ''],
  ['%{size;truncate=8:user}', '00', ''],
  ['%{env:NO_SUCH_VARIABLE_HERE}x', 'x', 'absent environment'],
  ['%{if;%u;eq;joe;a;b}', 'b', 'string comparison'],
  ['%{if;joe;eq;joe;a\\;b\\:c\\\\d;xy}', 'a;b:cd', 'escapes; backslashes vanish'],
  ['%{if;joe;~;^jo[ae];y;n}', 'y', 'regular expression'],
  ['%{if;%u;~;^jo[ae];y;n}', 'n', 'it minds case'],
  ['%{if;%u;*;J*m;y;n}', 'n', 'wildcards mind case'],
  ['%{if;%u;*;J*M;y;n}', 'y', 'wildcard'],
  ['%{if;aXb;*;a?b;y;n}', 'y', 'one character'],
  ['%{if;x;!*;*x;y;n}', 'n', 'negated wildcard'],
  ['%{if;01;==;1;c;d}', 'c', 'numbers'],
  ['%{if;-1;<;1;c;d}', 'c', 'negative number'],
  ['%{if;%u;lt;z;y;n}', 'y', 'order'],
  ['%{if;a;eq;b;c}', '', 'no else'],
  ['%{if;;eq;;y;n}', 'y', 'empty parts'],
  ['%{if;a;eq;a;;n}', '', 'empty result'],
  ['%{IF;a;eq;a;y;n}', 'y', 'case of the name'],
  ['%{if;a;eq;a;%{if;b;eq;b;%u;n};d}', "Joe.Q'Oe@Example.COM", 'nested'],
  ['%L{if;a;eq;a;%u;d}', "joe.q'oe@example.com", 'modifier of a condition'],
  ['%3.4{if;a;eq;a;%u;d}', ".Q'O", 'width of a condition'],
  ['%{if;a;eq;a;x%{user}y;n}', "xJoe.Q'Oe@Example.COMy", ''],
  ['%{if;a;eq;a;x{y}z;n}', 'x{y}z', 'braces that are no variable'],
  ['%{if;a;eq;a;x:y;n}', 'x', 'a bare colon ends the list'],
  ['%{if;a;eq;%{passdb:q:a};yy;n}', 'yy', 'colons within braces'],
  ['%{if;a;eq;a;x%%y;n}', 'x%y', ''],
  ['%{if;a;eq;a;%%{user};n}', '%{user}', ''],
] as const

for (const [template, expected, why] of examples) {
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

/** Texts of Dovecot 2.3.19. */
const failures = [
  ['%z', "Unknown variable '%z'"],
  ['%{nosuch}', "Unknown variable '%nosuch'"],
  ['%{nosuch:x}', "Unknown variable '%nosuch'"],
  ['%{user;x}', "Unknown variable '%user;x'"],
  ['%{user:x}', "Unknown variable '%user'"],
  ['%{a{b}', "Unknown variable '%a{b}'"],
  ['%{user', "Unknown variable '%{'"],
  ['%--3u', "Unknown variable '%-'"],
  ['%0-3u', "Unknown variable '%-'"],
  ['%LLLLLLLLLLLu', "Unknown variable '%L'"],
  ['%{sha224:user}', "Unknown variable '%sha224'"],
  ['%{md5:nosuch}', "Unknown variable '%nosuch'"],
  ['%{encrypt;algo=x:user}', "Unknown variable '%encrypt;algo=x'"],
  ['%{md5;rounds=0:user}', 'Cannot parse hash arguments:rounds must be at least 1'],
  ['%{md5;rounds=x:user}', "Cannot parse hash arguments:'x' is not number for rounds"],
  ['%{md5;rounds=99999999999:user}', "Cannot parse hash arguments:'99999999999' is not number for rounds"],
  ['%{md5;truncate=x:user}', "Cannot parse hash arguments:'x' is not number for truncbits"],
  ['%{md5;format=x:user}', "Cannot parse hash arguments:'x' is not supported format"],
  ['%{if}', 'if: missing parameter(s)'],
  ['%{if;a;eq}', 'if: requires four or five parameters, got 2'],
  ['%{if;a;eq;b;c;d;e}', 'if: requires four or five parameters, got 6'],
  ['%{if;a;xx;b;c;d}', "if: Unsupported comparator 'xx'"],
  ['%{if;a;EQ;b;c;d}', "if: Unsupported comparator 'EQ'"],
  ['%{if;a;==;b;c;d}', 'if: a (lhs) is not a number'],
  ['%{if;1;==;b;c;d}', 'if: b (rhs) is not a number'],
  ['%{if;+5;==;5;y;n}', 'if: +5 (lhs) is not a number'],
  ['%{if;99999999999999999999;>;1;y;n}', 'if: 99999999999999999999 (lhs) is not a number'],
  ['%{if;a;~;(;c;d}', 'if: regex failed: Unmatched ( or \\('],
  ['%{if;a;eq;a;y;%z}', "Unknown variable '%z'"],
  ['%{if;a;eq;a;y;%{nosuch}}', "Unknown variable '%nosuch'"],
] as const

for (const [template, message] of failures) {
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
