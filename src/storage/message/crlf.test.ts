import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrlfWriter, SENT_TEXT_BYTES, sentText } from './crlf.ts'

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

test('a small text is made into what a writer makes of it', () => {
  const special = [0x0a, 0x0a, 0x0d, 0x0d, 0x0b, 0x09, 0x8a, 0x8d, 0xff, 0x00, 0x20, 0x61]
  const around = Buffer.alloc(64, 0x0d)
  for (let turn = 0; turn < 4000; turn++) {
    const text = around.subarray(3, 3 + (turn % 40))
    for (let at = 0; at < text.length; at++)
      text[at] = special[(turn * 7919 + at * at * 31 + (turn >> (at % 13))) % 12] ?? 0
    const wanted = new CrlfWriter().convert(text).toString('latin1')
    assert.equal(sentText(text).toString('latin1'), wanted, JSON.stringify(text.toString('latin1')))
  }
  const lines = Buffer.alloc(SENT_TEXT_BYTES, 0x0a)
  assert.equal(sentText(lines).toString(), '\r\n'.repeat(SENT_TEXT_BYTES))
})
