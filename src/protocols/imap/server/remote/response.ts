// Responses of another IMAP server. RFC 3501 §7.
import { type Argument, ArgumentReader } from '../../wire/argument-reader.ts'
import { REMOTE_LIMITS } from './limits.ts'

/** Bytes of the literal that this line announces at its end. */
export function literalSize(line: string): number | undefined {
  if (!line.endsWith('}')) return undefined
  const size = LITERAL.exec(line)?.[1]
  return size === undefined ? undefined : Number(size)
}

/** `* OK ...` and its like: text for people, behind a response code. */
export function isStatus(line: string): boolean {
  return STATUS.test(line)
}

/** News of the selected mailbox, and what FETCH, SEARCH and SELECT say: for the client as it is. */
export function isMailboxData(line: string): boolean {
  return DATA.test(line)
}

/** What is in a response that was read whole; `undefined` when it cannot be read. `parts`: lines, and literals between them. */
export function parseResponse(parts: readonly string[]): readonly Argument[] | undefined {
  const reader = new ArgumentReader(RESPONSE_LIMITS)
  let step = reader.line(parts[0] ?? '', '* '.length)
  for (let at = 1; step.kind === 'literal'; at += 2) {
    reader.literal(parts[at] ?? '')
    step = reader.line(parts[at + 1] ?? '', 0)
  }
  return step.kind === 'complete' ? reader.args : undefined
}

/** The text of an atom or a string. */
export function textOf(argument: Argument | undefined): string | undefined {
  return argument === undefined || argument.kind === 'list' ? undefined : argument.text
}

/** What follows the tag, without the times at its end: they are said anew. */
export function withoutTimes(text: string): string {
  return text.replace(TIMES, '').replace(/\.$/, '')
}

/** A reply that says that it was done. */
export function isOk(text: string): boolean {
  return /^OK(?: |$)/i.test(text)
}

/** The response code at the beginning of a reply's text: `[APPENDUID 5 7]` → `APPENDUID 5 7`. */
export function codeOf(text: string): string | undefined {
  return /^(?:OK|NO|BAD) \[([^\]]*)\]/i.exec(text)?.[1]
}

/** All UIDs of a uid-set, in its order; `undefined` for more than `max`, or what is none. */
export function expandUids(set: string, max: number): readonly number[] | undefined {
  const uids: number[] = []
  for (const range of set.split(',')) {
    const [, first, last] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(range) ?? []
    if (first === undefined) return undefined
    const [low, high] = [Number(first), Number(last ?? first)].toSorted((one, other) => one - other)
    if (low === undefined || high === undefined || uids.length + high - low >= max) return undefined
    for (let uid = low; uid <= high; uid++) uids.push(uid)
  }
  return uids
}

const LITERAL = /\{(\d{1,15})\+?\}$/
const STATUS = /^\* (?:OK|NO|BAD|BYE|PREAUTH)(?: |$)/i
const DATA =
  /^\* (?:\d+ (?:EXISTS|RECENT|EXPUNGE|FETCH)|FLAGS|SEARCH|ESEARCH|VANISHED|(?:OK|NO|BAD)(?! \[CAPABILITY))(?: |$)/i
const TIMES = / \(\d+\.\d+ \+ [\d.+ ]+secs\)\.?$/
const RESPONSE_LIMITS = {
  commandBytes: 2 * REMOTE_LIMITS.responseBytes,
  literals: 1_000,
  lists: 1_000,
  literalMinus: false,
}
