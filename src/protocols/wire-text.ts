/**
 * Settings, names and fields are Unicode text; a protocol line is bytes, held as latin1 with one character a byte. These two
 * functions are the border, and the third keeps a value from breaking out of its line.
 */

/** Text as the latin1 image of its UTF-8 bytes. */
export function encodeText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** The text of latin1-held bytes: UTF-8 when they are valid UTF-8, otherwise each byte as the character of its number. */
export function decodeText(bytes: string): string {
  if (isAscii(bytes)) return bytes
  try {
    return UTF8.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return bytes
  }
}

/** Text for the human-readable end of a reply: encoded, and control characters (CR and LF above all) made into spaces. */
export function encodeLine(text: string): string {
  return encodeText(text).replace(/[\x00-\x1f\x7f]/g, ' ')
}

/** What a stranger sent, for a log line: control and non-ASCII bytes as `?`, at most `max` characters with `...` at the end. */
export function sanitize(bytes: string, max: number): string {
  const text = bytes.replace(/[^\x20-\x7e]/g, '?')
  return text.length <= max ? text : `${text.slice(0, max - 3)}...`
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}
