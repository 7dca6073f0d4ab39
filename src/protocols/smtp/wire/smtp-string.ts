/**
 * What is wrong with the argument of NOOP or VRFY, which is an atom or a quoted string (RFC 5321 §4.1.2), in Dovecot's words
 * for a 501; undefined when it is one.
 */
export function smtpStringProblem(text: string): string | undefined {
  if (ATOM.test(text) || new RegExp(`^${QUOTED}"$`).test(text)) return undefined
  return `Invalid string parameter: ${problemOf(text)}`
}

function problemOf(text: string): string {
  if (!text.startsWith('"') || new RegExp(`^${QUOTED}"`).test(text)) return 'Invalid character in string'
  return new RegExp(`^${QUOTED}$`).test(text) ? 'Premature end of quoted string' : 'Invalid character in quoted string'
}

const ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+$/
const QUOTED = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*`
