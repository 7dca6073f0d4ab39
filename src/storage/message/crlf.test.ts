import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrlfWriter, textToSend } from './crlf.ts'

test('line ends become CRLF, NUL becomes 0x80', () => {
  assert.equal(new CrlfWriter().convert(Buffer.from('a\nb\r\nc\rd\0')).toString('latin1'), 'a\r\nb\r\nc\rd\x80')
})

test('bytes that need no change are not copied', () => {
  const bytes = Buffer.from('a\r\nb')
  assert.equal(new CrlfWriter().convert(bytes), bytes)
})

test('a window is the same in chunks of any size', () => {
  const stored = Buffer.from('one\ntwo\r\nthree\n\nfour')
  const sent = 'one\r\ntwo\r\nthree\r\n\r\nfour'
  for (let length = 1; length < 6; length++) {
    for (let offset = 0; offset < 25; offset++) {
      const writer = new CrlfWriter({ offset, size: 7 })
      let got = ''
      for (let from = 0; from < stored.length; from += length)
        got += writer.convert(stored.subarray(from, from + length)).toString()
      assert.equal(got, sent.slice(offset, offset + 7))
      assert.equal(writer.done, got.length === 7)
    }
  }
})

test('text without CR and NUL is the same as what a writer makes of it', () => {
  for (const text of ['', 'a', '\n', 'one\n\ntwo', 'caf\xe9 \xff\n']) {
    const bytes = Buffer.from(text, 'latin1')
    assert.equal(textToSend(bytes), new CrlfWriter().convert(bytes).toString('latin1'))
  }
  for (const text of ['a\r\n', 'a\rb', 'a\0b']) assert.equal(textToSend(Buffer.from(text)), undefined, text)
})
