import { needsLiteral } from './grammar.ts'

/** quoted = DQUOTE *QUOTED-CHAR DQUOTE. RFC 3501 §9. The text must hold no CR, LF or NUL. */
export function quoted(text: string): string {
  return `"${SPECIAL.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
}

/** A string argument: quoted where that is allowed, otherwise a non-synchronizing literal. RFC 7888 §4. */
export function stringArgument(text: string): string {
  return needsLiteral(text) ? literal(text) : quoted(text)
}

/** literal = "{" number "+" "}" CRLF *CHAR8, for a server that announced LITERAL+ (or LITERAL- and it is short enough). */
export function literal(text: string): string {
  return `{${text.length}+}\r\n${text}`
}

const SPECIAL = /["\\]/
