/** `*` is any text, `?` one character; everything else is itself. Takes time proportional to both lengths at worst. */
export function wildcardMatch(text: string, pattern: string): boolean {
  let at = 0
  let p = 0
  let star = -1
  let retry = 0
  while (at < text.length) {
    if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at]) && pattern[p] !== '*') {
      at += 1
      p += 1
    } else if (pattern[p] === '*') {
      star = p++
      retry = at
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

/** `username_filter`: a matching `!pattern` always refuses; with any other pattern, one must match. */
export function usernameAccepted(user: string, filter: readonly string[]): boolean {
  let hasIncludes = false
  let isIncluded = false
  for (const pattern of filter) {
    const excludes = pattern.startsWith('!')
    if (!excludes) hasIncludes = true
    if (!wildcardMatch(user, excludes ? pattern.slice(1) : pattern)) continue
    if (excludes) return false
    isIncluded = true
  }
  return isIncluded || !hasIncludes
}
