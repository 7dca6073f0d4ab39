import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { TOO_LONG, UnreadBytes } from './unread-bytes.ts'

function filled(...chunks: string[]): UnreadBytes {
  const unread = new UnreadBytes()
  for (const chunk of chunks) unread.adopt(Buffer.from(chunk, 'latin1'))
  return unread
}

test('lines end with CRLF or LF', () => {
  const rows: { why: string; chunks: string[]; lines: string[]; rest: string }[] = [
    { why: 'nothing came', chunks: [], lines: [], rest: '' },
    { why: 'both ends', chunks: ['a\r\nb\n'], lines: ['a', 'b'], rest: '' },
    { why: 'an empty line is a line', chunks: ['\r\n\n'], lines: ['', ''], rest: '' },
    { why: 'only the last CR belongs to the end', chunks: ['a\r\r\n'], lines: ['a\r'], rest: '' },
    { why: 'a CR alone ends nothing', chunks: ['a\rb'], lines: [], rest: 'a\rb' },
    { why: 'CR and LF in different pieces', chunks: ['a\r', '\nb'], lines: ['a'], rest: 'b' },
    { why: 'NUL and 8-bit bytes are characters', chunks: ['\0\xff\xe9\r\n'], lines: ['\0\xff\xe9'], rest: '' },
    { why: 'single bytes', chunks: ['a', 'b', 'c', '\r', '\n', 'd'], lines: ['abc'], rest: 'd' },
  ]
  for (const { why, chunks, lines, rest } of rows) {
    const unread = filled(...chunks)
    for (const line of lines) assert.equal(unread.takeLine(100), line, why)
    assert.equal(unread.takeLine(100), undefined, why)
    assert.equal(unread.takeAll().toString('latin1'), rest, why)
    assert.equal(unread.size, 0)
  }
})

test('a line may be as long as allowed, its end included', () => {
  assert.equal(filled('abc\r\n').takeLine(5), 'abc')
  assert.equal(filled('abc\r\n').takeLine(4), TOO_LONG)
  assert.equal(filled('abc').takeLine(4), undefined, 'the end may still come')
  assert.equal(filled('abcd').takeLine(4), TOO_LONG)
  const tooLong = filled('abcdef\r\nx\r\n')
  assert.equal(tooLong.takeLine(4), TOO_LONG)
  assert.equal(tooLong.takeLine(8), 'abcdef', 'nothing was lost and what was searched is searched no further')
})

test('bytes handed out are not written to again', () => {
  const unread = new UnreadBytes()
  unread.copy(Buffer.from('abcdef'), 6)
  const first = unread.take(3)
  for (let i = 0; i < 3000; i++) unread.copy(Buffer.from('x'), 1)
  assert.equal(first.toString(), 'abc')
  assert.equal(unread.take(5).toString(), 'defxx')
})

test('an adopted chunk is not written to, even when it is part of a larger buffer', () => {
  const whole = Buffer.from('abcdefgh')
  const unread = new UnreadBytes()
  unread.adopt(whole.subarray(0, 4))
  unread.copy(Buffer.from('XYZ'), 3)
  assert.equal(whole.toString(), 'abcdefgh')
  assert.equal(unread.takeAll().toString(), 'abcdXYZ')
})

test('what was cut into lines as text can be had as bytes', () => {
  const unread = new UnreadBytes()
  const chunk = Buffer.from('L {3}\r\na\xe9\0 b\r\nrest', 'latin1')
  unread.copy(chunk, chunk.length)
  assert.equal(unread.takeLine(100), 'L {3}')
  assert.equal(unread.take(3).toString('latin1'), 'a\xe9\0')
  assert.equal(unread.takeLine(100), ' b')
  assert.equal(unread.takeLine(100), undefined)
  unread.copy(Buffer.from('\n'), 1)
  assert.equal(unread.takeLine(100), 'rest')
  assert.equal(unread.size, 0)
})

test('bytes can be put back in front', () => {
  const unread = filled('def')
  unread.unread(Buffer.from('abc'))
  assert.equal(unread.takeAll().toString(), 'abcdef')
})

test('where the pieces were cut changes nothing', () => {
  const byte = fc.oneof(fc.constantFrom(0x0d, 0x0a, 0x00, 0xff), fc.nat(255))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 200 }), fc.array(fc.nat(40)), fc.boolean(), (bytes, cuts, owned) => {
      const whole = Buffer.from(bytes)
      const unread = new UnreadBytes()
      const lines: string[] = []
      let at = 0
      for (const cut of [...cuts, whole.length]) {
        const piece = whole.subarray(at, at + cut)
        at += piece.length
        if (owned) unread.adopt(Buffer.from(piece))
        else unread.copy(piece, piece.length)
        for (let line = unread.takeLine(1000); line !== undefined; line = unread.takeLine(1000))
          lines.push(String(line))
      }
      const expected = whole.toString('latin1').split('\n')
      const rest = expected.pop() as string
      assert.deepEqual(
        lines,
        expected.map((line) => line.replace(/\r$/, '')),
      )
      assert.equal(unread.takeAll().toString('latin1'), rest)
    }),
  )
})
