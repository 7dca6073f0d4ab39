/** xtext: printable ASCII but `+` and `=`, everything else as `+` and two hex digits. RFC 3461 §4. Text is latin1-held bytes. */

export function encodeXtext(text: string): string {
  return text.replace(
    /[^\x21-\x7e]|[+=]/g,
    (char) => `+${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** `undefined` when the text is no xtext. */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/.test(text)) return undefined
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
