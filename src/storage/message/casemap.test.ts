import assert from 'node:assert/strict'
import { test } from 'node:test'
import { casemap } from './casemap.ts'

const rows: ReadonlyArray<readonly [one: string, other: string, equal: boolean]> = [
  ['Needle', 'nEEDLE', true],
  ['ä', 'Ä', true],
  ['ä', 'a\u0308', true],
  ['ß', 'ss', false],
  ['ǆ', 'Ǆ', true],
  ['½', '1⁄2', true],
  ['ｆｕｌｌ', 'ｆＵＬＬ', true],
  ['한', '\u1112\u1161\u11ab', true],
  ['ა', 'ა', true],
  ['ｱ', 'ア', true],
]

for (const [one, other, equal] of rows) {
  test(`${one} and ${other} are ${equal ? 'one' : 'two'} to SEARCH`, () => {
    assert.equal(casemap(one) === casemap(other), equal)
  })
}
