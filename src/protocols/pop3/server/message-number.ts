/** Arguments of commands, with Dovecot's complaints. */

export interface ParsedNumber {
  readonly value: number
  /** What follows, blanks before it included when there was something to skip. */
  readonly rest: string
}

/** A message number from 1 on, or the reply that says why it is none. `rest` must be empty unless the command takes more. */
export function parseMessageNumber(args: string): ParsedNumber | string {
  const match = /^(\d+)(.*)$/s.exec(args)
  if (match === null) return `-ERR Invalid message number: ${args}`
  const value = Number(match[1])
  // Dovecot shows what it has not read yet: all of a number that fits into nothing.
  if (value > LARGEST) return `-ERR Message number too large: ${value < UNREADABLE ? (match[2] ?? '') : args}`
  return { value, rest: match[2] ?? '' }
}

/** TOP's number of lines, or the reply that says why it is none. */
export function parseSize(args: string): ParsedNumber | string {
  const match = /^(\d+)(.*)$/s.exec(args)
  if (match === null) return `-ERR Invalid size: ${args}`
  if ((match[1] ?? '').length > LARGEST_DIGITS) return `-ERR Size too large: ${args}`
  return { value: Number(match[1]), rest: match[2] ?? '' }
}

const LARGEST = 2 ** 32 - 1
const UNREADABLE = 2 ** 64
const LARGEST_DIGITS = 19
