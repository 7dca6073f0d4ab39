import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DotDecoder } from './dot-decoder.ts'
import { DotEncoder } from './dot-encoder.ts'

interface Read {
  readonly message: string
  /** What came behind the end; undefined when it did not come. */
  readonly behind: string | undefined
}

/** Decodes text that comes in pieces of this size. */
function decode(text: string, pieceBytes = text.length): Read {
  const decoder = new DotDecoder()
  let message = ''
  for (let at = 0; at < text.length; at += pieceBytes) {
    const { pieces, end } = decoder.decode(Buffer.from(text.slice(at, at + pieceBytes), 'latin1'))
    message += pieces.map((piece) => piece.toString('latin1')).join('')
    if (end !== undefined) return { message, behind: text.slice(at + end) }
  }
  return { message, behind: undefined }
}

function encode(text: string, pieceBytes = text.length): string {
  const encoder = new DotEncoder()
  let encoded = ''
  for (let at = 0; at < text.length; at += pieceBytes) {
    encoded += encoder.encode(Buffer.from(text.slice(at, at + pieceBytes), 'latin1')).toString('latin1')
  }
  return encoded + encoder.finish()
}

test('only CRLF dot CRLF ends a message', () => {
  const rows: [text: string, message: string | undefined, why: string][] = [
    ['a\r\n.\r\n', 'a\r\n', 'the end'],
    ['.\r\n', '', 'an empty message'],
    ['a\r\n..b\r\n.\r\n', 'a\r\n.b\r\n', 'a doubled dot'],
    ['a\r\n.b\r\n.\r\n', 'a\r\nb\r\n', 'a dot alone at a line start is removed, whoever put it there'],
    ['a\r\n...\r\n.\r\n', 'a\r\n..\r\n', 'three dots'],
    ['a\n.\nb', undefined, 'LF dot LF'],
    ['a\n.\r\nb', undefined, 'LF dot CRLF'],
    ['a\r\n.\nb', undefined, 'CRLF dot LF'],
    ['a\r\n.\rb', undefined, 'CRLF dot CR'],
    ['a\r.\r\nb', undefined, 'CR dot CRLF'],
    ['a\r\r\n.\r\r\nb', undefined, 'a doubled CR before the LF'],
    ['a\r\n.\0\r\nb', undefined, 'a NUL behind the dot'],
    ['a\r\n. \r\nb', undefined, 'a blank behind the dot'],
    ['a\r\n\0.\r\nb', undefined, 'a NUL before the dot'],
    ['a\r\0\n.\r\nb', undefined, 'a NUL in the CRLF'],
  ]
  for (const [text, message, why] of rows) {
    const end = message === undefined ? `${text}\r\n.\r\nNOOP` : `${text}NOOP`
    for (const pieceBytes of [end.length, 1, 2, 3, 5]) {
      const read = decode(end, pieceBytes)
      assert.equal(read.behind?.length, read.behind === undefined ? undefined : Math.min(read.behind.length, 4), why)
      assert.ok('NOOP'.startsWith(read.behind ?? 'no end'), `${why}, in pieces of ${pieceBytes}`)
      if (message !== undefined) assert.equal(read.message, message, why)
    }
  }
})

test('bare CRs and LFs come out of DATA as they went in', () => {
  assert.equal(decode('a\nb\rc\r\r\nd\n\r.\r\n.\r\n').message, 'a\nb\rc\r\r\nd\n\r.\r\n')
  assert.equal(decode('.\r.\r\n.\r\n').message, '\r.\r\n')
})

test('DATA to a backend has CRLF and nothing that could be taken for one', () => {
  const rows: [message: string, encoded: string, why: string][] = [
    ['a\r\n', 'a\r\n.\r\n', 'as it is'],
    ['', '.\r\n', 'nothing'],
    ['a', 'a\r\n.\r\n', 'a last line without an end'],
    ['a\n.\nb\n', 'a\r\n..\r\nb\r\n.\r\n', 'bare LF, and the dot behind it'],
    ['a\r.\rb\r\n', 'a . b\r\n.\r\n', 'bare CR'],
    ['a\r\r\n', 'a \r\n.\r\n', 'CR before CRLF'],
    ['a\r', 'a \r\n.\r\n', 'CR at the end'],
    ['\r', ' \r\n.\r\n', 'CR alone'],
    ['.\r\n..\r\n', '..\r\n...\r\n.\r\n', 'dots'],
  ]
  for (const [message, encoded, why] of rows) {
    for (const pieceBytes of [message.length || 1, 1, 2, 3]) assert.equal(encode(message, pieceBytes), encoded, why)
  }
})

const hostile = fc.string({
  unit: fc.constantFrom('\r', '\n', '.', 'a', '\0', '\r\n', '\r\n.\r\n', '\n.\n'),
  maxLength: 60,
})

test('whatever a message holds, the backend sees its end once and at the end, however it is cut into pieces', () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 7 }), (message, pieceBytes) => {
      const encoded = encode(message, pieceBytes)
      assert.equal(encoded, encode(message))
      assert.ok(!/(^|[^\r])\n|\r(?!\n)/.test(encoded), 'no bare CR or LF')
      // Every reader agrees about the end: the strict one, and those that take LF or CR for a line's end.
      for (const lenient of [/^\.\r\n$/m, /(?:^|[\r\n])\.[\r\n]/]) {
        assert.equal(encoded.search(lenient) >= encoded.length - '\r\n.\r\n'.length, true, JSON.stringify(encoded))
      }
      const read = decode(`${encoded}NOOP`, pieceBytes)
      assert.equal(read.behind, 'NOOP'.slice(0, read.behind?.length))
      assert.equal(encode(read.message), encoded)
    }),
    { numRuns: 500 },
  )
})

test('a message with CRLF line ends survives DATA unchanged', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', '\0', ' ', '\xff'), maxLength: 10 })
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 7 }), (lines, pieceBytes) => {
      const message = lines.map((text) => `${text}\r\n`).join('')
      assert.equal(decode(encode(message), pieceBytes).message, message)
    }),
  )
})
