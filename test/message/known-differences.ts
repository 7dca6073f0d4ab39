import type { SectionRequest } from '../../src/storage/message/section.ts'

/** Messages of the corpus on which we differ from Dovecot on purpose, by row of docs/dovecot-differences.md. */
const LONG_HEADER_LINES = /^odd: huge field without spaces/
const PLAIN_TEXT_CHARSET = /^type \d+: text\/plain; charset=US-ASCII$/
const SEARCH_ENCODED_WORDS = /^text: encoded words(, broken)?( \(CRLF\))?$/

/** `long-header-lines`, `plain-text-charset`: ENVELOPE and BODYSTRUCTURE. */
export function isKnownFetch(name: string): boolean {
  return LONG_HEADER_LINES.test(name) || PLAIN_TEXT_CHARSET.test(name)
}

/** `inner-header-without-end`: HEADER.FIELDS. */
export function isKnownSection({ path, of }: SectionRequest, theirs: Buffer | undefined, ours: Buffer): boolean {
  if (typeof of === 'string' || theirs === undefined) return false
  return path.length > 0 && ours.equals(Buffer.concat([theirs, Buffer.from('\r\n')]))
}

/** `long-header-lines`, `search-encoded-words`: SEARCH. */
export function isKnownSearch(name: string): boolean {
  return LONG_HEADER_LINES.test(name) || SEARCH_ENCODED_WORDS.test(name)
}
