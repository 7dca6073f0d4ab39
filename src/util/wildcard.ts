/** `*` is any text, separators included, `?` one character. Takes time proportional to both lengths at worst. */
export function wildcardMatches(text: string, pattern: string): boolean {
  let at = 0
  let p = 0
  let star = -1
  let retry = 0
  while (at < text.length) {
    const char = pattern[p]
    if (char === '*') {
      star = p++
      retry = at
    } else if (char !== undefined && (char === '?' || char === text[at])) {
      at += 1
      p += 1
    } else if (star >= 0) {
      p = star + 1
      at = ++retry
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}

/** The same as an expression, in which `?` is a whole character outside the BMP too. `flags` beside `su`: `i`. */
export function wildcardPattern(pattern: string, flags: '' | 'i' = ''): RegExp {
  const text = pattern.replaceAll(/[*?]|[^*?]+/g, (part) =>
    part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&'),
  )
  return new RegExp(`^${text}$`, `${flags}su`)
}
