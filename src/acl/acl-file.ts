// A whole dovecot-acl file, or a file of global entries with patterns: bytes to lines and back.
import { LRUCache } from 'lru-cache'
import { type AclLine, type ParsedAclLine, parseAclLine, unquote, writeAclLine } from './acl-line.ts'
import { bytesFromText, textFromBytes } from './byte-text.ts'
import { compareIdentifiers } from './identifier.ts'

export const ACL_FILE_LIMITS = {
  /** Ten thousand entries and more; a larger file is somebody's mistake or attack. */
  fileBytes: 4 * 1024 * 1024,
  /** The longest name is 255 bytes; Dovecot stops reading at 4 KiB without a word. */
  lineBytes: 8 * 1024,
} as const

/** What is wrong, for the log. `line` is from 1; 0 means the file as a whole. */
export interface AclFileProblem {
  readonly path: string
  readonly line: number
  readonly reason: string
}

export type AclFileContent =
  | { readonly kind: 'lines'; readonly lines: readonly AclLine[]; readonly warnings: readonly AclFileProblem[] }
  /** One bad line makes the whole file count for nothing: half a list of grants and denials says something else. */
  | { readonly kind: 'broken'; readonly problem: AclFileProblem }

export interface AclFileReading {
  readonly path: string
  /** `acl_strict`: refuse unknown letters, as Dovecot does. */
  readonly isStrict: boolean
  /** Every entry follows a mailbox pattern. */
  readonly hasPatterns?: boolean
}

/** Reads a file. Lines end at LF, a CR before it is dropped; empty lines and those that begin with `#` say nothing. */
export function parseAclFile(bytes: Buffer, { path, isStrict, hasPatterns = false }: AclFileReading): AclFileContent {
  const lines: AclLine[] = []
  const warnings: AclFileProblem[] = []
  if (bytes.length > ACL_FILE_LIMITS.fileBytes)
    return broken(path, 0, `File is larger than ${ACL_FILE_LIMITS.fileBytes} bytes`)
  let number = 0
  for (const text of linesOf(bytes)) {
    number += 1
    const parsed = typeof text === 'string' ? parseText(text, isStrict, hasPatterns) : text.reason
    if (parsed === undefined) continue
    if (typeof parsed === 'string') return broken(path, number, parsed)
    const { pattern, line } = parsed
    if (line.unknownLetters !== '')
      warnings.push({ path, line: number, reason: `Unknown ACL '${line.unknownLetters}' ignored` })
    const origin = pattern === undefined ? { path, line: number } : { path, line: number, pattern }
    lines.push({ ...line, origin })
  }
  return { kind: 'lines', lines, warnings }
}

/** `Global ACL file /etc/acl line 3: Unknown ACL 'z'`: Dovecot's words. */
export function problemText({ path, line, reason }: AclFileProblem, isGlobalFile = false): string {
  return `${isGlobalFile ? 'Global ' : ''}ACL file ${path}${line > 0 ? ` line ${line}` : ''}: ${reason}`
}

/** The file with these lines, in Dovecot's order: by class, by name, the positive line before the negative one. */
export function writeAclFile(lines: readonly AclLine[]): Buffer {
  const sorted = lines.toSorted(
    (one, other) =>
      compareIdentifiers(one.identifier, other.identifier) ||
      Number(one.isNegative) - Number(other.isNegative) ||
      (one.expiresAtMs ?? 0) - (other.expiresAtMs ?? 0),
  )
  return bytesFromText(sorted.map((line) => `${writeAclLine(line)}\n`).join(''))
}

interface RawLine {
  readonly pattern?: string
  readonly line: AclLine
}

interface BadLine {
  readonly reason: string
}

/** The lines of a file without what ends them. */
function linesOf(bytes: Buffer): Iterable<string | BadLine> {
  // Nearly all files: none of their lines can be too long.
  if (bytes.length > ACL_FILE_LIMITS.lineBytes || bytes.includes(0)) return largeLinesOf(bytes)
  const lines = textFromBytes(bytes).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function* largeLinesOf(bytes: Buffer): Generator<string | BadLine> {
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, at)
    const raw = bytes.subarray(at, feed < 0 ? bytes.length : feed)
    at += raw.length + 1
    if (raw.length > ACL_FILE_LIMITS.lineBytes)
      yield { reason: `Line is longer than ${ACL_FILE_LIMITS.lineBytes} bytes` }
    else yield raw.includes(0) ? { reason: 'NUL character in line' } : textFromBytes(raw)
  }
}

/** `undefined`: the line says nothing; a string: why it cannot be read. */
function parseText(line: string, isStrict: boolean, hasPatterns: boolean): RawLine | string | undefined {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  if (text === '' || text.startsWith('#')) return undefined
  const split = hasPatterns ? splitPattern(text) : { entry: text }
  if (typeof split === 'string') return split
  const parsed = parseAgain(split.entry, isStrict)
  if (parsed.kind === 'error') return parsed.reason
  return 'pattern' in split ? { pattern: split.pattern, line: parsed.line } : { line: parsed.line }
}

/** The same few entries stand in most files of an owner: their rights are kept once. */
const parsedLines = new LRUCache<string, ParsedAclLine>({ max: 2000 })
/** Characters; longer entries are rare. */
const KEPT_LENGTH = 200

function parseAgain(entry: string, isStrict: boolean): ParsedAclLine {
  if (isStrict || entry.length > KEPT_LENGTH) return parseAclLine(entry, isStrict)
  const known = parsedLines.get(entry)
  if (known !== undefined) return known
  const parsed = parseAclLine(entry, isStrict)
  parsedLines.set(entry, parsed)
  return parsed
}

/** `<pattern> <entry>`, where the pattern may be quoted; exactly one space between them. */
function splitPattern(text: string): { pattern: string; entry: string } | string {
  if (text.startsWith('"')) {
    const quoted = unquote(text)
    if (quoted === undefined) return `Missing '"'`
    if (!quoted.rest.startsWith(' ')) return `Expecting space after '"'`
    return { pattern: quoted.value, entry: quoted.rest.slice(1) }
  }
  const space = text.indexOf(' ')
  if (space < 0) return 'Missing ACL rights'
  if (space === 0) return 'Empty ACL pattern'
  return { pattern: text.slice(0, space), entry: text.slice(space + 1) }
}

function broken(path: string, line: number, reason: string): AclFileContent {
  return { kind: 'broken', problem: { path, line, reason } }
}
