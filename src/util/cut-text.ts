const DOTS = '...'

/** At most so many bytes of UTF-8: whole characters, with dots for what is missing. Dovecot's `str_sanitize`. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  let kept = ''
  let size = DOTS.length
  for (const char of text) {
    size += Buffer.byteLength(char)
    if (size > maxBytes) break
    kept += char
  }
  return kept + DOTS
}
