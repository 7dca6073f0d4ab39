import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { LineEnds } from './line-ends.ts'

function converted(chunks: readonly Buffer[], crlf: boolean): { text: string; ends: LineEnds } {
  const ends = new LineEnds(crlf)
  const parts = chunks.map((chunk) => Buffer.from(ends.convert(chunk)))
  return { text: Buffer.concat([...parts, ends.finish()]).toString('latin1'), ends }
}

test('line ends are stored as LF, or as CRLF with mail_save_crlf', () => {
  const rows: [input: string, lf: string, crlf: string, why: string][] = [
    ['a\r\nb\r\n', 'a\nb\n', 'a\r\nb\r\n', 'as it comes by IMAP'],
    ['a\nb\n', 'a\nb\n', 'a\r\nb\r\n', 'as a local program writes it'],
    ['a\rb\r\r\n', 'a\rb\r\n', 'a\rb\r\r\n', 'a CR alone is kept'],
    ['a\r', 'a\r', 'a\r', 'also at the end'],
    ['', '', '', 'nothing'],
    ['\0\xff\r\n', '\0\xff\n', '\0\xff\r\n', 'any bytes'],
  ]
  for (const [input, lf, crlf, why] of rows) {
    assert.equal(converted([Buffer.from(input, 'latin1')], false).text, lf, why)
    assert.equal(converted([Buffer.from(input, 'latin1')], true).text, crlf, why)
  }
})

test('chunk boundaries change nothing, and sizes are those of what comes out', () => {
  const text = fc.string({ unit: fc.constantFrom('\r', '\n', '\r\n', 'a', '\0'), maxLength: 60 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), fc.boolean(), (input, cuts, crlf) => {
      const bytes = Buffer.from(input, 'latin1')
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((one, other) => one - other), bytes.length]
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
      const whole = converted([bytes], crlf)
      const pieces = converted(chunks, crlf)
      assert.equal(pieces.text, whole.text)
      assert.equal(pieces.ends.sizeBytes, whole.text.length)
      const bare = [...whole.text.matchAll(/(?<!\r)\n/g)].length
      assert.equal(pieces.ends.virtualBytes, whole.text.length + bare)
    }),
  )
})
