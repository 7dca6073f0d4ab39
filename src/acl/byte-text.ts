/**
 * ACL files and dictionaries are bytes, user names are text. Bytes that are UTF-8 are the text they mean; a byte that is not
 * becomes a lone surrogate (U+DC80 to U+DCFF) and turns back into that byte, so that a file survives reading and writing.
 */

const LONE = 0xdc00
const BEYOND = /[\ud800-\uffff]/

/** Text from bytes; `bytesFromText` gives the same bytes again. */
export function textFromBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\ufffd')) return text
  let result = ''
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = sequenceBytes(bytes, at)
    result +=
      sizeBytes === 0 ? String.fromCharCode(LONE + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + sizeBytes)
    at += Math.max(sizeBytes, 1)
  }
  return result
}

/** Bytes of a text; a lone surrogate that stands for a byte is that byte. */
export function bytesFromText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    parts.push(code >= LONE + 0x80 && code <= LONE + 0xff ? Buffer.of(code - LONE) : Buffer.from(char, 'utf8'))
  }
  return Buffer.concat(parts)
}

/** Order of the bytes, as C's `strcmp`. */
export function compareBytes(one: string, other: string): number {
  if (one === other) return 0
  // Below the surrogates, UTF-16 has the order of UTF-8.
  if (!BEYOND.test(one) && !BEYOND.test(other)) return one < other ? -1 : 1
  return Buffer.compare(bytesFromText(one), bytesFromText(other))
}

/** How many bytes from here are one well-formed character; 0 when none is. */
function sequenceBytes(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  const sizeBytes = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (sizeBytes <= 1) return sizeBytes
  const char = bytes.subarray(at, at + sizeBytes)
  return Buffer.from(char.toString('utf8'), 'utf8').equals(char) ? sizeBytes : 0
}
