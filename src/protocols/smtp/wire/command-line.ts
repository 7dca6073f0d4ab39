import { isUtf8 } from 'node:buffer'

/** A command line in its parts: the name in upper case, and what follows it and one blank. */
export interface CommandLine {
  readonly name: string
  readonly args: string
}

/**
 * A line of SMTP or LMTP, without its end; undefined when it is no command at all (`500 5.5.2`). Names are letters, arguments
 * are text, which may be UTF-8 (RFC 5321 §4.1.1, RFC 6531 §3.7.1). Text is latin1-held bytes.
 */
export function parseCommandLine(line: string): CommandLine | undefined {
  const match = LINE.exec(line)
  if (match === null || CONTROL.test(line)) return undefined
  if (EIGHT_BIT.test(line) && !isUtf8(Buffer.from(line, 'latin1'))) return undefined
  const [, name = '', args = ''] = match
  return { name: name.toUpperCase(), args }
}

const LINE = /^([A-Za-z]*)(?: (?: *|([^ ].*)))?$/s
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/
const EIGHT_BIT = /[\x80-\xff]/
