import { hostname } from 'node:os'

/**
 * The words in angle brackets that stand for what differs from run to run. This table is everything the comparison
 * between Postern and Dovecot lets pass; whatever else differs is a difference.
 */

/** What one play of a transcript knows: addresses and ports by placeholder name, and what it learns on the way. */
export type Values = Map<string, string>

/** Known only once seen. A pattern with `bound` must show the same text wherever it appears in one play. */
const PATTERNS: Readonly<Record<string, { readonly pattern: string; readonly bound?: true }>> = {
  /** Session id: base64 of clock, port and address. */
  session: { pattern: '[A-Za-z0-9+/]{16,32}', bound: true },
  session2: { pattern: '[A-Za-z0-9+/]{16,32}', bound: true },
  /** The same in xtext, which writes `+` as `+2B`. */
  'session-xtext': { pattern: '[A-Za-z0-9+/]{16,64}' },
  /** An IMAP greeting with capabilities; the transcripts about capabilities spell it out. */
  greeting: { pattern: '\\* OK \\[CAPABILITY IMAP4rev1 [^\\]]+\\] ready\\.' },
  'date-time': { pattern: '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d' },
  /** The machine's own name. */
  machine: { pattern: '[A-Za-z0-9.-]+' },
  secs: { pattern: '\\d+(?:\\.\\d+)?' },
  /** How bad a log line is thought to be, where that is a matter of taste. */
  severity: { pattern: '(?:Info|Warning|Error)' },
  number: { pattern: '\\d+' },
  any: { pattern: '.*' },
}

const WORD = /<(base64:[^>]*|repeat:\d+:[^>]+|now\+\d+|[a-z][a-z0-9-]*)>/g

/** Text to send, or for a user table: every placeholder replaced by its value. A word nobody knows stays as it is. */
export function expand(text: string, values: Values): string {
  return text.replace(WORD, (whole, word: string) => fixedValue(word, values) ?? whole)
}

/** Matches a received line against expected text. Returns why it does not fit, or undefined, and binds what it learns. */
export function mismatch(expected: string, actual: string, values: Values): string | undefined {
  const learnt: string[] = []
  const { source, names } = compile(expected, values)
  const match = new RegExp(`^${source}$`, 's').exec(actual)
  if (match === null) return `expected ${expected}\n     got ${actual}`
  for (const [index, name] of names.entries()) {
    const value = match[index + 1] ?? ''
    values.set(name, value)
    learnt.push(name)
  }
  return undefined
}

/** The line with the values of this run put back into words, for recording. */
export function generalise(actual: string, values: Values): string {
  let text = actual.replace(/(x-session-id" "|session=<|,<|SESSION=)([A-Za-z0-9+/]{16,32})(?=["> ]|$)/g, '$1<session>')
  const known = [...values].filter(([name, value]) => value.length > 3 && !name.startsWith('backend-host'))
  for (const [name, value] of known.toSorted((a, b) => b[1].length - a[1].length)) {
    if (name !== 'backend') text = text.replaceAll(value, `<${name}>`)
  }
  text = text.replace(/local=127\.0\.0\.1:\d+/, 'local=127.0.0.1:<number>').replace(hostname(), '<machine>')
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, '<date-time>')
    .replace(/\d+\.\d+ secs/, '<secs> secs')
    .replace(/((?:after|in|waited|duration=) ?)\d+(?= ?s)/, '$1<number>')
}

function compile(expected: string, values: Values): { source: string; names: string[] } {
  const names: string[] = []
  const parts: string[] = []
  let end = 0
  for (const match of expected.matchAll(WORD)) {
    const [whole, word = ''] = match
    parts.push(escapePattern(expected.slice(end, match.index)), wordSource(whole, word, values, names))
    end = match.index + whole.length
  }
  parts.push(escapePattern(expected.slice(end)))
  return { source: parts.join(''), names }
}

function wordSource(whole: string, word: string, values: Values, names: string[]): string {
  const fixed = fixedValue(word, values)
  if (fixed !== undefined) return escapePattern(fixed)
  const entry = PATTERNS[word]
  if (entry === undefined) return escapePattern(whole)
  if (entry.bound === undefined) return entry.pattern
  const earlier = names.indexOf(word)
  if (earlier !== -1) return `\\${earlier + 1}`
  names.push(word)
  return `(${entry.pattern})`
}

function fixedValue(word: string, values: Values): string | undefined {
  if (word.startsWith('base64:')) return Buffer.from(unescapeBytes(word.slice(7)), 'latin1').toString('base64')
  const repeated = /^repeat:(\d+):(.+)$/.exec(word)
  if (repeated !== null) return (repeated[2] ?? '').repeat(Number(repeated[1]))
  const later = /^now\+(\d+)$/.exec(word)
  if (later !== null) return String(Math.floor(Date.now() / 1000) + Number(later[1]))
  return values.get(word)
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['\\', '\\'],
])

/** `\r \n \t \0 \\ \xNN` to bytes, one latin1 character each. */
export function unescapeBytes(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  return bytes.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (whole, code: string) => {
    if (code.startsWith('x') && code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return ESCAPES.get(code) ?? whole
  })
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
