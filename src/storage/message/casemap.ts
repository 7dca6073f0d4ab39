/**
 * Text in the form in which SEARCH compares it: i;unicode-casemap of RFC 5051, every character in title case and decomposed.
 */
export function casemap(text: string): string {
  if (isAscii(text)) return text.toUpperCase()
  let mapped = ''
  for (const char of text) mapped += mapChar(char)
  return mapped
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[^\x00-\x7f]/.test(text)
}

/** Characters seen before, so that a text in Greek is not decomposed letter by letter each time. */
const known = new Map<string, string>()
const MAX_KNOWN = 20_000

function mapChar(char: string): string {
  const mapped = known.get(char)
  if (mapped !== undefined) return mapped
  const fresh = titlecase(char).normalize('NFKD')
  if (known.size < MAX_KNOWN) known.set(char, fresh)
  return fresh
}

/** Croatian digraphs, whose title case is no upper case. */
const DIGRAPHS = new Map([
  ...['\u01c4', '\u01c5', '\u01c6'].map((char) => [char, '\u01c5'] as const),
  ...['\u01c7', '\u01c8', '\u01c9'].map((char) => [char, '\u01c8'] as const),
  ...['\u01ca', '\u01cb', '\u01cc'].map((char) => [char, '\u01cb'] as const),
  ...['\u01f1', '\u01f2', '\u01f3'].map((char) => [char, '\u01f2'] as const),
])

/** Simple title case: one character to one. */
function titlecase(char: string): string {
  const digraph = DIGRAPHS.get(char)
  if (digraph !== undefined) return digraph
  // Georgian has capitals since Unicode 11, but no title case.
  if (char >= '\u10d0' && char <= '\u10ff') return char
  const upper = char.toUpperCase()
  return upper.length === String.fromCodePoint(upper.codePointAt(0) ?? 0).length ? upper : char
}
