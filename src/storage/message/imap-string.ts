/** Quoted specials a quoted string may hold; with more it becomes a literal, as in Dovecot. */
const MAX_ESCAPES = 4

const PLAIN = /^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*$/
const UNPRINTED = /[\0\t\n\r"\\\x80-\xff]/

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
  return imapString(
    value.replace(/[\r\n]+/g, (run, at: number) => (/[^\t ]/.test(value.charAt(at + run.length)) ? ' ' : '')),
  )
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
  if (isCompressed(value) && !UNPRINTED.test(value)) return `"${value}"`
  const nul = value.indexOf('\0')
  const text = nul === -1 ? value : value.slice(0, nul)
  const clean = text.replace(/[\t\r\n ]+/g, ' ').replace(/^ | $/g, '')
  if (clean === '') return '""'
  return clean === text && !/["\\\x80-\xff]/.test(clean) ? `"${clean}"` : literal(clean)
}

function isCompressed(value: string): boolean {
  return !value.startsWith(' ') && !value.endsWith(' ') && !value.includes('  ')
}

function literal(text: string): string {
  return `{${text.length}}\r\n${text}`
}
