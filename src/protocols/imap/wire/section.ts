/** section = "[" [section-spec] "]" ["<" number "." nz-number ">"]. RFC 3501 §9. Error texts are Dovecot's. */
import type { Argument } from './argument-reader.ts'
import { quoted } from './argument-writer.ts'

/** A piece of a message. */
export interface Section {
  /** `[1, 2]` of `BODY[1.2]`; empty for the message itself. */
  readonly path: readonly number[]
  readonly of: 'all' | 'mime' | 'header' | 'text' | { readonly fields: readonly string[]; readonly not: boolean }
  /** `<offset.size>`; without a size everything from there. */
  readonly window?: { readonly offset: number; readonly size: number }
}

export interface ParsedSection {
  /** How the reply calls it: `BODY[1.HEADER.FIELDS (FROM)]<0>`. */
  readonly label: string
  readonly section: Section
  /** How many arguments it takes up. */
  readonly used: number
}

/** Reads what begins with this atom, in upper case; a field list and the closing bracket are arguments of their own. */
export function parseSection(
  atom: string,
  second: Argument | undefined,
  third: Argument | undefined,
): ParsedSection | string {
  const start = atom.indexOf('[') + 1
  const close = atom.indexOf(']', start)
  const inside = close < 0 ? atom.slice(start) : atom.slice(start, close)
  if (close >= 0) {
    const spec = parseSpec(inside, undefined)
    return typeof spec === 'string' ? spec : finish(spec, inside, '', atom.slice(close + 1), 1)
  }
  if (second?.kind !== 'list') return missingBracket()
  if (third?.kind !== 'atom' || !third.text.startsWith(']')) return missingBracket()
  const names = fieldNames(second.items)
  if (names === undefined) return 'Invalid BODY[..] parameter: Header list contains non-strings'
  const spec = parseSpec(inside, names)
  if (typeof spec === 'string') return spec
  return finish(spec, inside, ` (${second.items.map(fieldText).join(' ')})`, third.text.slice(1), 3)
}

function finish(spec: Section, inside: string, list: string, behind: string, used: number): ParsedSection | string {
  const label = `BODY[${inside}${list}]`
  if (behind === '') return { label, section: spec, used }
  const window = parsePartial(behind)
  if (typeof window === 'string') return `Invalid BODY[..] parameter: ${window}`
  return { label: `${label}<${window.offset}>`, section: { ...spec, window }, used }
}

/** `<offset.size>`; Dovecot takes `<offset>` too. */
function parsePartial(text: string): Exclude<Section['window'], undefined> | string {
  if (!text.startsWith('<')) return "Unexpected data after ']'"
  const match = PARTIAL.exec(text)
  if (match === null) return 'Too big partial start'
  const [, start = '', size, rest = ''] = match
  const offset = Number(start)
  if (offset > LARGEST_OFFSET) return 'Too big partial start'
  if (size === '' || Number(size) > LARGEST_OFFSET) return 'Too big partial end'
  if (!rest.startsWith('>')) return "Missing '>' in partial"
  if (rest !== '>') return "Unexpected data after '>'"
  return { offset, size: size === undefined ? Number.POSITIVE_INFINITY : Number(size) }
}

/** section-spec = section-msgtext / (section-part ["." section-text]). */
function parseSpec(text: string, fields: readonly string[] | undefined): Section | string {
  const path: number[] = []
  let at = 0
  for (;;) {
    const match = PART.exec(text.slice(at))
    if (match === null) break
    path.push(Number(match[1]))
    at += match[0].length
    if (path.length > PATH_LIMIT) return INVALID
    if (at === text.length) return match[2] === '' && fields === undefined ? { path, of: 'all' } : INVALID
  }
  const rest = text.slice(at)
  if (fields !== undefined) {
    if (rest !== 'HEADER.FIELDS' && rest !== 'HEADER.FIELDS.NOT') return INVALID
    return fields.length === 0 ? INVALID : { path, of: { fields, not: rest === 'HEADER.FIELDS.NOT' } }
  }
  if (rest === '' && path.length === 0) return { path, of: 'all' }
  if (rest === 'HEADER') return { path, of: 'header' }
  if (rest === 'TEXT') return { path, of: 'text' }
  return rest === 'MIME' && path.length > 0 ? { path, of: 'mime' } : INVALID
}

/** header-fld-name = astring. */
function fieldNames(items: readonly Argument[]): readonly string[] | undefined {
  const names: string[] = []
  for (const item of items) {
    if (item.kind === 'list') return undefined
    names.push(item.text)
  }
  return names
}

/** In the reply in upper case, quoted as it was. */
function fieldText(item: Argument): string {
  if (item.kind === 'list') return ''
  const name = item.text.toUpperCase()
  return item.kind === 'atom' ? name : quoted(name)
}

function missingBracket(): string {
  return "Invalid BODY[..] parameter: Missing ']'"
}

const PART = /^(\d{1,10})(\.|$)/
/** Deeper than any message is described. */
const PATH_LIMIT = 200
const PARTIAL = /^<(\d+)(?:\.(\d*))?(.*)$/s
/** 2^63: what Dovecot counts to. */
const LARGEST_OFFSET = 2 ** 63
const INVALID = 'Invalid BODY[..] section'
