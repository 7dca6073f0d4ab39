import assert from 'node:assert/strict'
import { test } from 'node:test'
import { charsetDecoder, utf8Decoder } from './charset.ts'

const rows: ReadonlyArray<readonly [name: string, bytes: string, text: string]> = [
  ['us-ascii', 'a\xe4', 'a\ufffd'],
  ['ISO-8859-1', '\xe4\x80', 'ä\x80'],
  ['windows-1252', '\xe4\x80', 'ä€'],
  ['iso-8859-15', '\xa4', '€'],
  ['utf-8', '\xc3\xa4\xff', 'ä\ufffd'],
  ['utf-7', 'Gr+APwA3w-e +- x', 'Grüße + x'],
  ['cp437', '\x84', 'ä'],
  ['koi8-r', '\xf0', 'П'],
  ['iso-2022-jp', '\x1b$B$3\x1b(B', 'こ'],
  ['utf-16le', 'a\0\xe4\0', 'aä'],
  ['gb18030', '\xc4\xe3', '你'],
]

for (const [name, bytes, text] of rows) {
  test(`${name}, in chunks of any size`, () => {
    for (let length = 1; length <= bytes.length; length++) {
      const decoder = charsetDecoder(name)
      assert.ok(decoder)
      let got = ''
      for (let from = 0; from < bytes.length; from += length)
        got += decoder.decode(Buffer.from(bytes.slice(from, from + length), 'latin1'))
      assert.equal(got + decoder.end(), text)
    }
  })
}

test('a charset nobody knows has no decoder', () => {
  for (const name of ['x-unknown', '', '\0', 'utf-8\n\n', 'constructor'])
    assert.equal(charsetDecoder(name)?.decode(Buffer.from('x')) ?? 'x', 'x')
  assert.equal(charsetDecoder('x-unknown'), undefined)
  assert.equal(utf8Decoder().decode(Buffer.from('ä')), 'ä')
})
