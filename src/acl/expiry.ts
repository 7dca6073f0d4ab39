/**
 * Grants that end. A line `user=joe lr :until=2026-12-31T23:59:59Z` counts until then. Dovecot takes the word after the colon
 * for a right of some plugin: it keeps it when it writes the file, shows it in `doveadm acl get`, and gives `lr` as long as
 * the line is there. So whoever writes the file, or sweeps, takes ended lines out.
 */

const PREFIX = 'until='

/** The right name that ends an entry at this time, to the second. */
export function expiryRight(atMs: number): string {
  return `${PREFIX}${new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z')}`
}

export function isExpiryRight(right: string): boolean {
  return right.startsWith(PREFIX)
}

/**
 * When an entry with these rights ends, in milliseconds since 1970; the earliest when it names several. A time that cannot be
 * read has passed: a slip of the pen must not make a grant permanent.
 */
export function expiryOf(rights: Iterable<string>): number | undefined {
  let earliestMs: number | undefined
  for (const right of rights) {
    if (!isExpiryRight(right)) continue
    const atMs = parseExpiry(right.slice(PREFIX.length)) ?? 0
    if (earliestMs === undefined || atMs < earliestMs) earliestMs = atMs
  }
  return earliestMs
}

/** A date (its end, in UTC) or a time with its zone, RFC 3339. In milliseconds since 1970. */
export function parseExpiry(text: string): number | undefined {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  if (!isDate && !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined
  const atMs = Date.parse(isDate ? `${text}T23:59:59Z` : text)
  return Number.isNaN(atMs) ? undefined : atMs
}
