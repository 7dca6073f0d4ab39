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
  return decodeUtf8(bytes) ?? bytes
}

/** Text for the human-readable end of a reply: encoded, and control characters (CR and LF above all) made into spaces. */
export function encodeLine(text: string): string {
  const line = encodeText(text)
  return CONTROL.test(line) ? line.replace(CONTROLS, ' ') : line
}

const CONTROL = /[\x00-\x1f\x7f]/
const CONTROLS = /[\x00-\x1f\x7f]/g

/** Text for a part of a URL: all but unreserved characters as `%xx`. RFC 3986 §2.3. */
export function percentEncode(text: string): string {
  return encodeText(text).replace(/[^A-Za-z0-9._~-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** What a stranger sent, for a log line: control characters and what is no UTF-8 as `?`, at most `max` characters with `...` at the end. */
export function sanitize(bytes: string, max: number): string {
  const text = (decodeUtf8(bytes) ?? bytes.replace(/[^\x00-\x7f]/g, '?')).replace(INVISIBLE, '?')
  return text.length <= max ? text : `${text.slice(0, max - 3)}...`
}

/** Controls, formats (bidirectional marks) and line separators: what could make a log line look like another. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: string): string | undefined {
  if (isAscii(bytes)) return bytes
  try {
    return UTF8.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}
