import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../flags.ts'
import { baseOf, compareArrival, parseInfo, sizeInName, withInfo } from './file-name.ts'

test('an info part is read as Dovecot reads it', () => {
  const rows: { why: string; info: string; bits: number; letters: number[] }[] = [
    { why: 'new mail has none', info: '', bits: 0, letters: [] },
    { why: 'no flags', info: ':2,', bits: 0, letters: [] },
    { why: 'all flags', info: ':2,DFRST', bits: DRAFT | FLAGGED | ANSWERED | SEEN | DELETED, letters: [] },
    { why: 'keywords', info: ':2,Sac', bits: SEEN, letters: [0, 2] },
    { why: 'in any order, also twice', info: ':2,SFzaza', bits: SEEN | FLAGGED, letters: [0, 25] },
    { why: 'letters without meaning to us: P is "passed"', info: ':2,PSX', bits: SEEN, letters: [] },
    { why: 'behind a comma stands somebody else’s', info: ':2,S,Fa', bits: SEEN, letters: [] },
    { why: 'version 1 is experimental', info: ':1,S', bits: 0, letters: [] },
    { why: 'the last one counts', info: ':x:2,S', bits: SEEN, letters: [] },
  ]
  for (const { why, info, bits, letters } of rows) assert.deepEqual(parseInfo(info), { bits, letters }, why)
})

test('flags are put into an info part with what it has otherwise', () => {
  const rows: { why: string; info: string; bits: number; letters: number[]; result: string }[] = [
    { why: 'sorted', info: '', bits: SEEN | DRAFT | ANSWERED, letters: [2, 1], result: ':2,DRSbc' },
    { why: 'none', info: ':2,FSab', bits: 0, letters: [], result: ':2,' },
    { why: 'unknown letters stay', info: ':2,PSX', bits: FLAGGED, letters: [0], result: ':2,FPXa' },
    { why: 'what is behind a comma stays', info: ':2,S,xyz', bits: 0, letters: [], result: ':2,,xyz' },
    { why: 'another version is replaced', info: ':1,abc', bits: SEEN, letters: [], result: ':2,S' },
  ]
  for (const { why, info, bits, letters, result } of rows) assert.equal(withInfo(info, { bits, letters }), result, why)
})

test('what is written into an info part is read from it', () => {
  const letters = fc.uniqueArray(fc.nat(25), { maxLength: 26 }).map((all) => all.sort((one, other) => one - other))
  const old = fc
    .string({ unit: fc.constantFrom(...'DFRSTPXabz,:2'.split('')) })
    .map((text) => `:2,${text.replaceAll(':', '')}`)
  fc.assert(
    fc.property(old, fc.nat(31), letters, (info, bits, numbers) => {
      const written = withInfo(info, { bits, letters: numbers })
      assert.deepEqual(parseInfo(written), { bits, letters: numbers })
      assert.equal(withInfo(written, { bits, letters: numbers }), written)
    }),
  )
})

test('sizes are read from names', () => {
  const rows: [name: string, physical: number | undefined, virtual: number | undefined, why: string][] = [
    ['1.M2P3.h,S=18,W=21', 18, 21, 'as Dovecot writes them'],
    ['1.M2P3.h,S=18,W=21:2,S', 18, 21, 'before flags'],
    ['1.M2P3.h,W=21,S=18', 18, 21, 'the other way round'],
    ['1.M2P3.h', undefined, undefined, 'of another program'],
    ['1.h,S=,W=x', undefined, undefined, 'no numbers'],
    ['1.h,S=12x,W=1', undefined, 1, 'more than a number'],
    [`1.h,S=${'9'.repeat(30)}`, undefined, undefined, 'more than any disk holds'],
  ]
  for (const [name, physical, virtual, why] of rows) {
    assert.deepEqual([sizeInName(name, 'S'), sizeInName(name, 'W')], [physical, virtual], why)
  }
  assert.equal(baseOf('1.M2P3.h,S=18:2,S'), '1.M2P3.h,S=18')
})

test('mail gets its UIDs in the order in which it came', () => {
  const sorted = ['noinfo', '9.x.h', '10.A.h', '10.M5P1.h', '10.M40P1.h', '10.V1I2M50.h', '11.M1P1.h']
  const shuffled = [sorted[6], sorted[3], sorted[0], sorted[5], sorted[2], sorted[1], sorted[4]].map(String)
  assert.deepEqual(shuffled.sort(compareArrival), sorted)
})
