// A Maildir has letters for 26 keywords. Dovecot keeps any others in its index alone; ours are in the uidlist, where Dovecot
// keeps fields it does not know: `K<keyword>%<keyword>...` in a message's line. `%` cannot be in a keyword (RFC 3501 §9).

const KEY = 'K'
const BETWEEN = '%'

/** Whether a line's fields may hold keywords. */
export function hasExtraKeywords(extensions: string): boolean {
  return extensions.startsWith(KEY) || extensions.includes(` ${KEY}`)
}

/** The keywords in a line's fields. */
export function extraKeywords(extensions: string): string[] {
  const field = extensions.split(' ').find((one) => one.startsWith(KEY))
  return field === undefined
    ? []
    : field
        .slice(1)
        .split(BETWEEN)
        .filter((keyword) => keyword !== '')
}

/** The fields with these keywords instead. */
export function withExtraKeywords(extensions: string, keywords: readonly string[]): string {
  const others = extensions.split(' ').filter((field) => field !== '' && !field.startsWith(KEY))
  return (keywords.length === 0 ? others : [...others, KEY + keywords.join(BETWEEN)]).join(' ')
}
