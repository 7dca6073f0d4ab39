import { foldedValue } from './header.ts'
import { FieldLexer } from './lexer.ts'

/** Undoes a Content-Transfer-Encoding, chunk by chunk. RFC 2045 section 6. */
export interface TransferDecoder {
  decode(bytes: Buffer): Buffer
  /** What was held back. */
  end(): Buffer
}

/** A decoder by the raw value of Content-Transfer-Encoding; `undefined` for an encoding nobody knows. */
export function transferDecoder(raw: string): TransferDecoder | undefined {
  const lexer = new FieldLexer(foldedValue(raw))
  lexer.skip()
  lexer.token()
  const encoding = lexer.ended ? lexer.take().toLowerCase() : ''
  if (encoding === 'quoted-printable') return new QuotedPrintable()
  if (encoding === 'base64') return new Base64()
  return encoding === '7bit' || encoding === '8bit' || encoding === 'binary' ? IDENTITY : undefined
}

const EMPTY = Buffer.alloc(0)

/** 7bit, 8bit, binary. */
export const IDENTITY: TransferDecoder = { decode: (bytes) => bytes, end: () => EMPTY }

/** Base64. Line ends are skipped; it ends at padding and at what is not base64. */
class Base64 implements TransferDecoder {
  #held = ''
  #ended = false

  decode(bytes: Buffer): Buffer {
    if (this.#ended) return EMPTY
    const text = this.#held + bytes.toString('latin1').replace(/[\r\n\t ]+/g, '')
    const stop = text.search(/[^A-Za-z0-9+/]/)
    this.#ended = stop !== -1
    const usable = this.#ended ? stop : text.length - (text.length % 4)
    this.#held = this.#ended ? '' : text.slice(usable)
    return Buffer.from(text.slice(0, usable), 'base64')
  }

  end(): Buffer {
    const rest = Buffer.from(this.#held, 'base64')
    this.#held = ''
    return rest
  }
}

/** Quoted-printable. What is no escape stays; spaces before a line end go; line ends become CRLF. */
class QuotedPrintable implements TransferDecoder {
  #held = ''

  decode(bytes: Buffer): Buffer {
    const text = this.#held + bytes.toString('latin1')
    // An escape, or white space that a line end may follow, waits for more.
    const hold = /(?:=[0-9A-Fa-f]?|=?[ \t]*\r?|[ \t]+)$/.exec(text.slice(-MAX_HELD))
    const end = text.length - (hold?.[0].length ?? 0)
    this.#held = text.slice(end)
    return decodeQuoted(text.slice(0, end))
  }

  end(): Buffer {
    const rest = decodeQuoted(this.#held.replace(/^[ \t]+$/, ''))
    this.#held = ''
    return rest
  }
}

/** White space that is held back; a line has 76 characters. */
const MAX_HELD = 100

function decodeQuoted(text: string): Buffer {
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  const joined = lines.map(unwrapLine).join('') + last
  const plain = joined.includes('=')
    ? joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : joined
  return Buffer.from(plain, 'latin1')
}

/** A line without the white space at its end, and without its end when that is soft. */
function unwrapLine(line: string): string {
  let end = line.endsWith('\r') ? line.length - 1 : line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line[end - 1] === '=' ? line.slice(0, end - 1) : `${line.slice(0, end)}\r\n`
}
