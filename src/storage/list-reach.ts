// Which parts of a user's mail LIST need not look at: their names begin otherwise than any pattern.

/** What names that match begin with: the patterns up to their first wildcard, and the same with INBOX as it is listed. */
export function literalsOf(patterns: readonly string[]): readonly string[] {
  return patterns.flatMap((pattern) => {
    const wildcard = pattern.search(/[*%]/)
    const literal = wildcard < 0 ? pattern : pattern.slice(0, wildcard)
    // RFC 3501 §5.1: in any case.
    const inbox = literal.slice(0, INBOX.length).toUpperCase()
    return INBOX.startsWith(inbox) ? [literal, inbox + literal.slice(INBOX.length)] : [literal]
  })
}

const INBOX = 'INBOX'

/** Whether some name under this prefix, or the prefix without its separator, may match. */
export function mayMatchBelow(prefix: string, literals: readonly string[]): boolean {
  return literals.some((literal) => literal.startsWith(prefix) || prefix.startsWith(literal))
}
