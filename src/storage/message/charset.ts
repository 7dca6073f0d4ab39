import iconv from 'iconv-lite'

/** Turns bytes of a charset into text, piece by piece. */
export interface CharsetDecoder {
  decode(bytes: Buffer): string
  /** What was left of a character when the bytes ended. */
  end(): string
}

/** Names that TextDecoder takes for Windows code pages, and how they are decoded here instead. */
const EXACT = new Map<string, () => CharsetDecoder>([
  ['us-ascii', asciiDecoder],
  ['ascii', asciiDecoder],
  ['ansi_x3.4-1968', asciiDecoder],
  ['iso-8859-1', latin1Decoder],
  ['iso8859-1', latin1Decoder],
  ['iso_8859-1', latin1Decoder],
  ['latin1', latin1Decoder],
  ['l1', latin1Decoder],
  ['utf-7', utf7Decoder],
  ['utf7', utf7Decoder],
  ['unicode-1-1-utf-7', utf7Decoder],
])

/** Charsets that mail has and web pages do not, or that the web reads otherwise. */
const BY_ICONV = /^(cp\d+|ibm\d+|viscii|tis-620|koi8-t|iso-8859-(9|11|16)|armscii-8)$/

/** A decoder for a charset by any of its names; `undefined` when nobody knows it. What cannot be decoded becomes U+FFFD. */
export function charsetDecoder(name: string): CharsetDecoder | undefined {
  const lower = name.trim().toLowerCase()
  const exact = EXACT.get(lower)
  if (exact !== undefined) return exact()
  if (BY_ICONV.test(lower) && iconv.encodingExists(lower)) return iconvDecoder(lower)
  return webDecoder(lower) ?? (iconv.encodingExists(lower) ? iconvDecoder(lower) : undefined)
}

/** The decoder for text that names no charset, or an unknown one. */
export function utf8Decoder(): CharsetDecoder {
  return streamDecoder(new TextDecoder('utf-8', { ignoreBOM: true }))
}

function webDecoder(name: string): CharsetDecoder | undefined {
  try {
    const decoder = new TextDecoder(name, { ignoreBOM: true })
    return decoder.encoding === 'replacement' ? undefined : streamDecoder(decoder)
  } catch {
    return undefined
  }
}

function streamDecoder(decoder: InstanceType<typeof TextDecoder>): CharsetDecoder {
  return { decode: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() }
}

function iconvDecoder(name: string): CharsetDecoder {
  const decoder = iconv.getDecoder(name)
  return { decode: (bytes) => decoder.write(bytes), end: () => decoder.end() ?? '' }
}

/** A run of base64 is held back until it ends, or grows too long for one. RFC 2152. */
const MAX_UTF7_RUN = 4096

function utf7Decoder(): CharsetDecoder {
  let held = ''
  const convert = (text: string): string => iconv.decode(Buffer.from(text, 'latin1'), 'utf-7')
  return {
    decode(bytes) {
      const text = held + bytes.toString('latin1')
      const open = /\+[A-Za-z0-9+/]*$/.exec(text.slice(-MAX_UTF7_RUN))?.[0].length ?? 0
      held = text.slice(text.length - open)
      return convert(text.slice(0, text.length - open))
    },
    end() {
      const rest = convert(held)
      held = ''
      return rest
    },
  }
}

function latin1Decoder(): CharsetDecoder {
  return { decode: (bytes) => bytes.toString('latin1'), end: () => '' }
}

function asciiDecoder(): CharsetDecoder {
  return { decode: (bytes) => bytes.toString('latin1').replace(/[\x80-\xff]/g, '\ufffd'), end: () => '' }
}
