import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressFromName, formatAddress, formatPath, parsePath, type PathOptions, parseOddPath } from './path.ts'

const STRICT: PathOptions = { eightBit: false, spaceBefore: false, withoutBrackets: false }
const LENIENT: PathOptions = { eightBit: true, spaceBefore: true, withoutBrackets: true }

test('paths are read, and what follows them is left', () => {
  const rows: [text: string, localPart: string | undefined, domain: string | undefined, rest: string, why: string][] = [
    ['<joe@example.org>', 'joe', 'example.org', '', 'the usual'],
    ['<joe@example.org> BODY=7BIT', 'joe', 'example.org', ' BODY=7BIT', 'with parameters'],
    ['<>', undefined, undefined, '', 'the null path'],
    ['<postmaster>', 'postmaster', undefined, '', 'without domain'],
    ['<"a b\\"c"@example.org>', 'a b"c', 'example.org', '', 'quoted'],
    ['<@one,@two:joe@example.org>', 'joe', 'example.org', '', 'a source route, forgotten'],
    ['<joe@[192.0.2.1]>', 'joe', '[192.0.2.1]', '', 'an address literal'],
    ['<joe@[IPv6:2001:db8::1]>', 'joe', '[IPv6:2001:db8::1]', '', 'a newer one'],
    ['<a..b.@example.org>', 'a..b.', 'example.org', '', 'dots in odd places'],
    ['<joe+detail@x_y.example>', 'joe+detail', 'x_y.example', '', 'underscores in host names'],
  ]
  for (const [text, localPart, domain, rest, why] of rows) {
    const address = localPart === undefined ? undefined : { localPart, domain }
    assert.deepEqual(parsePath(text, STRICT), { ok: true, address, rest }, why)
  }
})

test('what is no path is refused in the words of Dovecot', () => {
  const rows: [text: string, error: string][] = [
    ['', 'Path is empty string'],
    [' <joe@x>', 'Unexpected whitespace before path'],
    ['joe@x', "Missing '<' at beginning of path"],
    ['<joe@x', "Missing '>' at end of path"],
    ['<a b>', "Missing '>' at end of path"],
    ['<mail,comma@x>', "Missing '>' at end of path"],
    ['<\xc3\xa9@x>', 'Invalid character in localpart'],
    ['<@x>', 'Invalid character in localpart'],
    ['<joe@x>BODY=7BIT', 'Invalid character in path'],
    ['<joe@x>\tBODY=7BIT', 'Invalid character in path'],
    ['<joe@>', 'Invalid domain: Empty domain name'],
    ['<joe@-x->', 'Invalid domain: Invalid character'],
    ['<joe@\xc3\xa9>', 'Invalid domain: Invalid character'],
  ]
  for (const [text, error] of rows) assert.deepEqual(parsePath(text, STRICT), { ok: false, error }, text)
})

test('workarounds and non-ASCII addresses are taken where they are allowed', () => {
  const joe = { ok: true, address: { localPart: 'joe', domain: 'x' }, rest: '' }
  assert.deepEqual(parsePath(' <joe@x>', LENIENT), joe)
  assert.deepEqual(parsePath('joe@x', LENIENT), joe)
  assert.deepEqual(parsePath(' joe@x SIZE=1', LENIENT), { ...joe, rest: ' SIZE=1' })
  const umlaut = { localPart: '\xc3\xa9', domain: '\xc3\xa9.example' }
  assert.deepEqual(parsePath('<\xc3\xa9@\xc3\xa9.example>', LENIENT), { ok: true, address: umlaut, rest: '' })
})

test('a path that is none is told from what follows it', () => {
  const odd = (text: string): unknown => {
    const found = parseOddPath(text)
    return found && [found.path, found.rest]
  }
  assert.deepEqual(odd('<a@b@c>'), ['<a@b@c>', ''])
  assert.deepEqual(odd('<"a"b@c> SIZE=1'), ['<"a"b@c>', ' SIZE=1'])
  assert.deepEqual(odd('<a\\b,c@>'), ['<a\\b,c@>', ''])
  assert.deepEqual(odd('<\xe9(@-x>'), ['<\xe9(@-x>', ''])
  for (const text of ['<>', '<a b@c>', '<a@c', 'a@c', '<a@c>SIZE=1', '<<a@c>>', '<"a@c>', '<a\tb@c>'])
    assert.equal(odd(text), undefined, text)
})

test('any local part survives being written and read', () => {
  const char = fc.oneof(
    fc.constantFrom(...'"\\@<>. ,;:()+-'.split('')),
    fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  )
  fc.assert(
    fc.property(fc.string({ unit: char, minLength: 1, maxLength: 20 }), (localPart) => {
      fc.pre(!localPart.includes('\x7f'))
      const address = { localPart, domain: 'example.org' }
      assert.deepEqual(parsePath(formatPath(address), LENIENT), { ok: true, address, rest: '' })
    }),
  )
  assert.equal(formatPath(undefined), '<>')
})

test('names of databases become addresses, or none', () => {
  assert.deepEqual(addressFromName('joe'), { localPart: 'joe', domain: undefined })
  assert.deepEqual(addressFromName('a@b@example.org'), { localPart: 'a@b', domain: 'example.org' })
  assert.equal(formatAddress({ localPart: 'a@b', domain: 'example.org' }), '"a@b"@example.org')
  for (const name of ['', '@x', 'joe@', 'joe@x y', 'a\r\nb', 'joe@x>'])
    assert.equal(addressFromName(name), undefined, name)
})
