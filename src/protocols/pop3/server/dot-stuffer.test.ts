import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DotStuffer, type StuffingOptions } from './dot-stuffer.ts'

const cases: readonly { why: string; stored: string; options?: Partial<StuffingOptions>; sent: string }[] = [
  { why: 'LF becomes CRLF', stored: 'a: b\n\nx\n', sent: 'a: b\r\n\r\nx\r\n' },
  { why: 'CRLF stays', stored: 'a: b\r\n\r\nx\r\n', sent: 'a: b\r\n\r\nx\r\n' },
  { why: 'a bare CR stays', stored: 'a\rb\n', sent: 'a\rb\r\n' },
  { why: 'an open last line is ended', stored: 'a\n\nend', sent: 'a\r\n\r\nend\r\n' },
  { why: 'also when half of its end is there', stored: 'a\n\nend\r', sent: 'a\r\n\r\nend\r\n' },
  {
    why: 'dots at the start of a line are doubled',
    stored: '.a\n\n.\nb.c\n..d\n',
    sent: '..a\r\n\r\n..\r\nb.c\r\n...d\r\n',
  },
  { why: 'nothing is nothing', stored: '', sent: '' },
  { why: 'TOP 0 ends behind the blank line', stored: 'a\n\nb\nc\n', options: { bodyLines: 0 }, sent: 'a\r\n\r\n' },
  { why: 'TOP 1 has one line more', stored: 'a\n\nb\nc\n', options: { bodyLines: 1 }, sent: 'a\r\n\r\nb\r\n' },
  { why: 'TOP may ask for more than there is', stored: 'a\n\nb', options: { bodyLines: 9 }, sent: 'a\r\n\r\nb\r\n' },
  {
    why: 'a blank line with CRLF ends the header too',
    stored: 'a\r\n\r\nb\r\n',
    options: { bodyLines: 0 },
    sent: 'a\r\n\r\n',
  },
  {
    why: 'a header gets its blank line, with oe-ns-eoh',
    stored: 'a: b',
    options: { endsHeader: true },
    sent: 'a: b\r\n\r\n',
  },
  { why: 'NULs stay', stored: 'a\0b\n', sent: 'a\0b\r\n' },
  { why: 'or not, with outlook-no-nuls', stored: 'a\0b\n', options: { withoutNuls: true }, sent: 'a\x80b\r\n' },
]

for (const { why, stored, options, sent } of cases) {
  test(`messages on their way to POP3: ${why}`, () => {
    assert.equal(stuff([Buffer.from(stored, 'latin1')], options), sent)
  })
}

test('it does not matter where a message is cut into pieces', () => {
  const text = fc
    .array(fc.constantFrom('\n', '\r\n', '\r', '.', 'x', '\n\n'), { maxLength: 40 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(40)), fc.option(fc.nat(4), { nil: undefined }), (stored, cuts, bodyLines) => {
      const options = bodyLines === undefined ? {} : { bodyLines }
      const whole = Buffer.from(stored, 'latin1')
      const edges = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].toSorted(
        (left, right) => left - right,
      )
      const pieces = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge))
      assert.equal(stuff(pieces, options), stuff([whole], options))
    }),
  )
})

function stuff(pieces: readonly Buffer[], options: Partial<StuffingOptions> = {}): string {
  const stuffer = new DotStuffer({ withoutNuls: false, ...options })
  const sent = pieces.map((piece) => stuffer.push(piece))
  return Buffer.concat([...sent, stuffer.end()]).toString('latin1')
}
