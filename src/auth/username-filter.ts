import { wildcardMatches } from '../util/wildcard.ts'

/** `username_filter`: a matching `!pattern` always refuses; with any other pattern, one must match. */
export function usernameAccepted(user: string, filter: readonly string[]): boolean {
  let hasIncludes = false
  let isIncluded = false
  for (const pattern of filter) {
    const excludes = pattern.startsWith('!')
    if (!excludes) hasIncludes = true
    if (!wildcardMatches(user, excludes ? pattern.slice(1) : pattern)) continue
    if (excludes) return false
    isIncluded = true
  }
  return isIncluded || !hasIncludes
}
