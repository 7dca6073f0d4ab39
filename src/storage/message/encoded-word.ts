import { charsetDecoder } from './charset.ts'

/**
 * A field value as text: encoded words of RFC 2047 decoded wherever they stand, the white space between two of them left
 * out, everything else being UTF-8. `value` is one byte a character.
 */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return utf8(value)
  const pieces: Piece[] = []
  let plainFrom = 0
  for (let at = value.indexOf('=?'); at !== -1; at = value.indexOf('=?', at)) {
    const word = readWord(value, at + 2)
    if (word === undefined) {
      at += 2
      continue
    }
    const plain = value.slice(plainFrom, at)
    if (!(pieces.length === 0 ? plain === '' : /^[ \t\r\n]*$/.test(plain)))
      pieces.push({ charset: undefined, bytes: plain })
    pieces.push(word)
    at = plainFrom = word.end
  }
  if (plainFrom < value.length) pieces.push({ charset: undefined, bytes: value.slice(plainFrom) })
  return pieces.map(decodePiece).join('')
}

interface Piece {
  /** `undefined` for what stands outside of encoded words. */
  readonly charset: string | undefined
  readonly bytes: string
}

interface Word extends Piece {
  readonly end: number
}

/** `charset?encoding?text?=`, the cursor behind `=?`. */
function readWord(value: string, from: number): Word | undefined {
  const first = value.indexOf('?', from)
  const second = first === -1 ? -1 : value.indexOf('?', first + 1)
  const third = second === -1 ? -1 : value.indexOf('?', second + 1)
  if (third === -1 || value[third + 1] !== '=') return undefined
  const text = value.slice(second + 1, third)
  const encoding = value[first + 1]?.toLowerCase()
  const bytes = encoding === 'q' ? decodeQ(text) : encoding === 'b' ? decodeB(text) : undefined
  // RFC 2231 section 5 puts a language behind the charset.
  const charset = value.slice(from, first).replace(/\*.*$/, '')
  return bytes === undefined ? undefined : { charset, bytes, end: third + 2 }
}

function decodeQ(text: string): string {
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function decodeB(text: string): string {
  const stop = text.search(/[^A-Za-z0-9+/]/)
  return Buffer.from(stop === -1 ? text : text.slice(0, stop), 'base64').toString('latin1')
}

function decodePiece({ charset, bytes }: Piece): string {
  const decoder = charset === undefined ? undefined : charsetDecoder(charset)
  if (decoder === undefined) return utf8(bytes)
  return decoder.decode(Buffer.from(bytes, 'latin1')) + decoder.end()
}

function utf8(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
}
