import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseDuration, parseDurationMs, printDuration } from './duration.ts'
import { parseBoolean, parseEnumeration, parseOctal, parsePort, parseUint, splitList } from './number.ts'
import type { Read } from './read.ts'
import { parseSize } from './size.ts'

type Row = readonly [input: string, expected: { readonly value: unknown; readonly text: string } | string, why: string]

/** Each row: what is written, value and printed form or Dovecot's complaint, and why it is so. */
function table(name: string, parse: (text: string) => Read<unknown>, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [input, expected, why] of rows) {
      test(`'${input}': ${why}`, () => {
        const read = parse(input)
        assert.deepEqual(
          read,
          typeof expected === 'string' ? { ok: false, error: expected } : { ok: true, ...expected },
        )
      })
    }
  })
}

const yes = { value: true, text: 'yes' }
const no = { value: false, text: 'no' }

table('boolean', parseBoolean, [
  ['yes', yes, 'the word itself'],
  ['YES', yes, 'letters in any case'],
  ['y', yes, 'short for yes'],
  ['1', yes, 'a number for yes'],
  ['No', no, 'letters in any case'],
  ['n', 'Invalid boolean value: n (use yes or no)', 'there is no short for no'],
  ['0', 'Invalid boolean value: 0 (use yes or no)', 'nor a number'],
  ['', 'Invalid boolean value:  (use yes or no)', 'empty is no value'],
])

table('uint', parseUint, [
  ['0010', { value: 10, text: '10' }, 'leading zeros mean nothing'],
  ['4294967295', { value: 4294967295, text: '4294967295' }, 'the largest'],
  ['4294967296', 'Invalid number 4294967296: Number too large', 'one more'],
  ['-1', 'Invalid number -1: Number too small', 'negative'],
  ['-x', 'Invalid number -x: Not a valid number', 'a sign alone makes no number'],
  ['10k', 'Invalid number 10k: Not a valid number', 'no suffixes'],
  ['', 'Invalid number : Not a valid number', 'empty'],
])

table('mode', parseOctal, [
  ['0660', { value: 0o660, text: '0660' }, 'octal behind a zero'],
  ['660', { value: 660, text: '01224' }, 'decimal without it'],
  ['0', { value: 0, text: '00' }, 'printed as Dovecot does'],
  ['0888', 'Invalid number: 0888', 'not octal'],
  ['rw', 'Invalid number rw: Not a valid number', 'no number'],
])

table('port', parsePort, [
  ['65535', { value: 65535, text: '65535' }, 'the largest'],
  ['0', { value: 0, text: '0' }, 'off'],
  ['65536', 'Invalid port number 65536', 'too large'],
  ['imap', 'Invalid port number imap', 'no service names'],
])

table('duration', parseDuration, [
  ['0', { value: 0, text: '0' }, 'nothing needs no unit'],
  ['5', "Time interval '5' is missing units (add e.g. 's' for seconds)", 'everything else does'],
  ['90 mins', { value: 5_400_000, text: '90 mins' }, 'the largest unit that divides evenly'],
  ['168h', { value: 604_800_000, text: '1 weeks' }, 'which may be another one'],
  ['5 M', { value: 300_000, text: '5 mins' }, 'a lone m is minutes'],
  ['5 minut', { value: 300_000, text: '5 mins' }, 'any beginning of a word'],
  ['5 minutess', 'Invalid time interval: 5 minutess', 'but not more than the word'],
  ['2000 msecs', { value: 2000, text: '2 secs' }, 'milliseconds that are whole seconds'],
  ['500 ms', 'Milliseconds not supported for this setting: 500 ms', 'and others'],
  ['1.5 h', 'Invalid time interval: 1.5 h', 'no fractions'],
  ['-5 s', 'Invalid time interval: -5 s', 'nor signs'],
  ['4294967295 s', { value: Infinity, text: '4294967295 secs' }, 'what services use for never'],
  ['4294967296 s', 'Time interval is too large: 4294967296 s', 'more than 32 bits of seconds'],
])

table('duration in milliseconds', parseDurationMs, [
  ['1500 ms', { value: 1500, text: '1500 ms' }, 'printed as it is'],
  ['60000 ms', { value: 60_000, text: '1 mins' }, 'or in a larger unit'],
  ['8 weeks', 'Time interval is too large: 8 weeks', 'more than 32 bits of milliseconds'],
])

table('size', parseSize, [
  ['4096', { value: 4096, text: '4 k' }, 'bytes without a unit'],
  ['500', { value: 500, text: '500 B' }, 'B where nothing larger fits'],
  ['0 M', { value: 0, text: '0' }, 'nothing'],
  ['1 TiB', { value: 2 ** 40, text: '1 T' }, 'i and B may follow'],
  ['10Kb', { value: 10_240, text: '10 k' }, 'without a blank, in any case'],
  ['1 bi', 'Invalid size: 1 bi', 'bytes take no i'],
  ['1.5M', 'Invalid size: 1.5M', 'no fractions'],
  ['18446744073709551615', { value: Infinity, text: '18446744073709551615 B' }, 'what services use for no limit'],
  ['18446744073709551616', 'Invalid size: 18446744073709551616', 'more than 64 bits'],
  ['16777216 T', 'Size is too large: 16777216 T', 'more than 64 bits with the unit'],
])

table('enumeration', (text) => parseEnumeration(['yes', 'no', 'required'], text), [
  ['required', { value: 'required', text: 'required' }, 'one of the words'],
  ['Required', 'Invalid value: Required', 'exactly so written'],
])

test('lists are split on each of the separators', () => {
  assert.deepEqual(splitList(' a,b  c,, ', ', '), ['a', 'b', 'c'])
  assert.deepEqual(splitList('a,b c', ' '), ['a,b', 'c'])
  assert.deepEqual(splitList('', ' '), [])
})

test('what a time or a size prints as means the same again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), (seconds) => {
      const read = parseDuration(`${seconds} secs`)
      assert.ok(read.ok)
      assert.deepEqual(parseDuration(read.text), read)
      assert.equal(printDuration(read.value), read.text)
    }),
  )
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (bytes) => {
      const read = parseSize(String(bytes))
      assert.ok(read.ok)
      assert.deepEqual(parseSize(read.text), read)
    }),
  )
})
