const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a

/** A field of a header as it stands there. Offsets are bytes of the buffer it was found in. */
export interface RawField {
  /** Lower case, without white space before the colon; the whole line where there is no colon. */
  readonly name: string
  readonly start: number
  /** Where the value begins, behind the colon; `end` where there is no colon. */
  readonly valueStart: number
  /** Behind the last byte that is not its final line end. */
  readonly end: number
  /** Where the next field begins. */
  readonly next: number
}

/** Whether a byte folds a header line into the one before. RFC 5322 section 2.2.3. */
export function isFold(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

/** The fields of a header, in order; ends at the empty line or with the bytes. */
export function* rawFields(bytes: Buffer, from = 0, to = bytes.length): Generator<RawField> {
  for (let start = from; start < to; ) {
    let next = lineEnd(bytes, start, to)
    if (isEmptyLine(bytes, start, next)) return
    while (next < to && isFold(bytes[next])) next = lineEnd(bytes, next, to)
    yield rawField(bytes, start, next)
    start = next
  }
}

function rawField(bytes: Buffer, start: number, next: number): RawField {
  const end = next - newlineSize(bytes, start, next)
  const colon = findColon(bytes, start, end)
  const name = colon === -1 ? lineText(bytes, start, next) : fieldName(bytes, start, colon)
  return { name, start, valueStart: colon === -1 ? end : colon + 1, end, next }
}

/** The name from..to in lower case, without trailing white space. */
export function fieldName(bytes: Buffer, from: number, to: number): string {
  let end = to
  while (end > from && isFold(bytes[end - 1])) end--
  return asciiLower(bytes.toString('latin1', from, end))
}

/** Where the colon of a field is; -1 when its first line has none. */
export function findColon(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]
    if (byte === COLON) return at
    if (byte === LF) return -1
  }
  return -1
}

/** The position behind the LF that ends the line at `from`, or `to`. */
export function lineEnd(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === LF) return at + 1
  return to
}

/** The line at `from` in lower case, without its line end. */
export function lineText(bytes: Buffer, from: number, to: number): string {
  const end = lineEnd(bytes, from, to)
  return asciiLower(bytes.toString('latin1', from, end - newlineSize(bytes, from, end)))
}

/** Lower case for ASCII alone: what looks like other letters may be half of a UTF-8 character. */
function asciiLower(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** 2 for CRLF at the end of from..to, 1 for LF, 0 for neither. */
export function newlineSize(bytes: Buffer, from: number, to: number): 0 | 1 | 2 {
  if (to <= from || bytes[to - 1] !== LF) return 0
  return to - 2 >= from && bytes[to - 2] === CR ? 2 : 1
}

/** Whether from..to is a line end and nothing else. */
export function isEmptyLine(bytes: Buffer, from: number, to: number): boolean {
  return to > from && to - from === newlineSize(bytes, from, to)
}

/**
 * A raw value (everything behind the colon) as ENVELOPE, BODYSTRUCTURE and SORT read it: without white space in front (one
 * stays when there is nothing else in the first line), line ends as LF, folds kept.
 */
export function foldedValue(raw: string): string {
  const firstEnd = raw.indexOf('\n')
  const first = firstEnd === -1 ? raw : raw.slice(0, raw[firstEnd - 1] === '\r' ? firstEnd - 1 : firstEnd)
  const text = withoutLeadingSpace(first)
  return firstEnd === -1 ? text : text + raw.slice(firstEnd).replaceAll('\r\n', '\n')
}

function withoutLeadingSpace(line: string): string {
  let at = 0
  while (at < line.length && isFold(line.charCodeAt(at))) at++
  if (at === line.length && at > 0) at = 1
  return at === 0 ? line : line.slice(at)
}

/** A raw value as SEARCH reads it: on one line, without the first white space, a tab that folds being a space. */
export function onelineValue(raw: string): string {
  const value = isFold(raw.charCodeAt(0)) ? raw.slice(1) : raw
  return value.includes('\n') ? value.replace(/\r?\n([\t ])/g, ' ').replace(/\r?\n$/, '') : value
}
