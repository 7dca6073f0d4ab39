import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workedMs } from '../../../test/support/worked.ts'
import { transferDecoder } from './transfer-encoding.ts'

const rows: ReadonlyArray<readonly [why: string, encoding: string, encoded: string, decoded: string]> = [
  ['as it is', '8bit', 'a\n\xe4', 'a\n\xe4'],
  ['escapes', ' quoted-printable', 'a=E4=3d=\r\nb', 'a\xe4=b'],
  ['what is no escape', 'quoted-printable', 'a=zz=4', 'a=zz=4'],
  ['spaces at line ends', 'Quoted-Printable', 'a  \t\nb  c \r\n', 'a\r\nb  c\r\n'],
  ['a soft line end with spaces', 'quoted-printable', 'a= \t\r\nb', 'ab'],
  ['base64', 'base64', 'aGVs\r\nbG8=', 'hello'],
  ['base64 without padding', 'BASE64 (comment)', 'aGVsbG8', 'hello'],
  ['base64 ends at padding', 'base64', 'aGU=aGVs', 'he'],
  ['base64 ends at nonsense', 'base64', 'aGVs!aGVs', 'hel'],
]

for (const [why, encoding, encoded, decoded] of rows) {
  test(`${why}, in chunks of any size`, () => {
    for (let length = 1; length <= encoded.length; length++) {
      const decoder = transferDecoder(encoding)
      assert.ok(decoder)
      let got = ''
      for (let from = 0; from < encoded.length; from += length) {
        got += decoder.decode(Buffer.from(encoded.slice(from, from + length), 'latin1')).toString('latin1')
      }
      assert.equal(got + decoder.end().toString('latin1'), decoded)
    }
  })
}

test('an unknown encoding is not decoded', () => {
  for (const raw of ['x-uuencode', '', '7bit trailing']) assert.equal(transferDecoder(raw), undefined)
})

test('a line of spaces that does not end is decoded in a moment', () => {
  const decoder = transferDecoder('quoted-printable')
  const began = workedMs()
  for (let chunk = 0; chunk < 16; chunk++) decoder?.decode(Buffer.alloc(65_536, ' '))
  assert.ok(workedMs() - began < 500)
})
