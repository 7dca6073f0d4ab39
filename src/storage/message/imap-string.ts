/** Quoted specials a quoted string may hold; with more it becomes a literal, as in Dovecot. */
const MAX_ESCAPES = 4

const PLAIN = /^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*$/
const PLAIN_WORDS = /^(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x21\x23-\x5b\x5d-\x7f]+(?: (?! |$))?)*$/

/** nstring of RFC 3501 section 9: NIL, quoted, or a literal for 8-bit, line ends and many quotes. Ends at a NUL. */
export function nstring(value: string | undefined): string {
  if (value === undefined) return 'NIL'
  if (PLAIN.test(value)) return `"${value}"`
  return imapString(value)
}

/** The same without line ends in the value. */
export function onelineNstring(value: string | undefined): string {
  if (value === undefined) return 'NIL'
  if (PLAIN.test(value)) return `"${value}"`
  return imapString(value.replace(/[\r\n]/g, ''))
}

function imapString(value: string): string {
  const nul = value.indexOf('\0')
  const text = nul === -1 ? value : value.slice(0, nul)
  const escapes = text.length - text.replace(/["\\]/g, '').length
  if (escapes > MAX_ESCAPES || /[\r\n\x80-\xff]/.test(text)) return literal(text)
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/**
 * A string for people to read, such as a subject: white space compressed, line ends removed. A literal unless nothing had to
 * be changed or escaped, as in Dovecot. Ends at a NUL.
 */
export function humanString(value: string): string {
  if (PLAIN_WORDS.test(value)) return `"${value}"`
  const nul = value.indexOf('\0')
  const text = nul === -1 ? value : value.slice(0, nul)
  const clean = text
    .replace(/[\r\n]+/g, '')
    .replace(/[\t ]+/g, ' ')
    .replace(/^ | $/g, '')
  if (clean === '') return '""'
  return clean === text && !/["\\\x80-\xff]/.test(clean) ? `"${clean}"` : literal(clean)
}

function literal(text: string): string {
  return `{${text.length}}\r\n${text}`
}
