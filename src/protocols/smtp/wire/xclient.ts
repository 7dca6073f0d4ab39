/** XCLIENT for SMTP and LMTP: attributes in xtext, only those the other side listed, lines of at most 512 bytes. */
import { decodeXtext, encodeXtext } from './xtext.ts'

/** RFC 5321 §4.5.3.1.4; Dovecot keeps to it when sending. */
export const XCLIENT_LINE_BYTES = 512

export type XclientAttribute = 'HELO' | 'PROTO' | 'LOGIN' | 'SESSION' | 'TTL' | 'TIMEOUT' | 'PORT' | 'ADDR' | 'FORWARD'

/**
 * The XCLIENT lines, CRLF included, for the attributes in `order` that have a value (latin1 held) and are `offered`. An
 * attribute that does not fit starts another line.
 */
export function formatXclientLines(
  values: Partial<Record<XclientAttribute, string>>,
  order: readonly XclientAttribute[],
  offered: readonly string[],
): string[] {
  const wanted = new Set(offered.map((name) => name.toUpperCase()))
  const lines: string[] = []
  let line = ''
  for (const name of order) {
    const value = values[name]
    if (value === undefined || !wanted.has(name)) continue
    const word = ` ${name}=${encodeXtext(value)}`
    if (line !== '' && line.length + word.length + 2 > XCLIENT_LINE_BYTES) {
      lines.push(`${line}\r\n`)
      line = ''
    }
    line = line === '' ? `XCLIENT${word}` : line + word
  }
  if (line !== '') lines.push(`${line}\r\n`)
  return lines
}

/** The attributes by upper-case name, values decoded and latin1 held; or what a 501 says about them. */
export function parseXclientWords(args: string): Map<string, string> | { readonly problem: string } {
  const words = new Map<string, string>()
  for (const word of args === '' ? [] : args.split(' ')) {
    if (word === '') return { problem: 'Invalid parameter: Parameter is empty' }
    const equals = word.indexOf('=')
    const name = (equals < 0 ? word : word.slice(0, equals)).toUpperCase()
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(name)) return { problem: UNREADABLE_NAME }
    const text = equals < 0 ? '' : word.slice(equals + 1)
    if (!/^[\x21-\x3c\x3e-\x7e]*$/.test(text)) return { problem: UNREADABLE_VALUE }
    const value = decodeXtext(text)
    if (value === undefined) return { problem: `Invalid ${name} parameter: ${NO_XTEXT}` }
    words.set(name, value)
  }
  return words
}

const UNREADABLE_NAME = 'Invalid parameter: Unexpected character in parameter keyword'
const UNREADABLE_VALUE = 'Invalid parameter: Unexpected character in parameter value'
const NO_XTEXT = "Invalid hexchar after '+' in xtext"
