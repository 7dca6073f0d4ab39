/** What FETCH asks for. RFC 3501 §6.4.5 and §9 (fetch-att), RFC 7162 §3.1.4. Error texts are Dovecot's. */
import type { Argument } from './argument-reader.ts'
import { parseSection, type Section } from './section.ts'

export type FetchItem =
  | { readonly kind: 'flags' | 'uid' | 'modseq' | 'internaldate' | 'size' | 'envelope' | 'body' | 'bodystructure' }
  | { readonly kind: 'section'; readonly label: string; readonly section: Section; readonly peek: boolean }

/** The items in the order asked for, each once; or why they are none. */
export function parseFetchItems(argument: Argument | undefined, behind: readonly Argument[]): FetchParse {
  if (argument === undefined || argument.kind === 'string') return { error: 'Invalid arguments' }
  if (argument.kind === 'list') {
    if (argument.items.length === 0) return { error: 'FETCH list is empty' }
    const { items, rest, error } = parseItems(argument.items)
    if (error !== undefined) return { error }
    return rest === 0 ? { items, used: 0 } : { error: 'FETCH list contains non-atoms' }
  }
  const macro = MACROS.get(argument.text.toUpperCase())
  if (macro !== undefined) return { items: macro, used: 0 }
  const { items, rest, error } = parseItems([argument, ...behind], 1)
  return error === undefined ? { items, used: behind.length - rest } : { error }
}

export type FetchParse =
  | { readonly items: readonly FetchItem[]; readonly used: number; readonly error?: never }
  | { readonly error: string }

interface Items {
  readonly items: readonly FetchItem[]
  /** Arguments that were not looked at. */
  readonly rest: number
  readonly error?: string
}

/** Reads items until something is no atom. `BODY[HEADER.FIELDS`, `(From)` and `]<0.10>` are three arguments of one item. */
function parseItems(args: readonly Argument[], limit = Number.POSITIVE_INFINITY): Items {
  const items: FetchItem[] = []
  const labels = new Set<string>()
  let at = 0
  while (at < args.length && items.length < limit) {
    const next = args[at]
    if (next?.kind !== 'atom') break
    const name = next.text.toUpperCase()
    let item: FetchItem | string
    if (name.startsWith('BODY[') || name.startsWith('BODY.PEEK[')) {
      const parsed = parseSection(name, args[at + 1], args[at + 2])
      if (typeof parsed === 'string') return { items, rest: 0, error: parsed }
      const peek = name.startsWith('BODY.PEEK[')
      item = { kind: 'section', label: parsed.label, section: parsed.section, peek }
      at += parsed.used
    } else {
      item = SIMPLE.get(name) ?? unknown(name)
      at++
    }
    if (typeof item === 'string') return { items, rest: 0, error: item }
    const label = item.kind === 'section' ? `${item.label} ${item.peek}` : item.kind
    if (!labels.has(label)) items.push(item)
    labels.add(label)
  }
  return { items, rest: args.length - at }
}

function unknown(name: string): string {
  if (name === 'BODY.PEEK') return "Invalid BODY[..] parameter: Missing '['"
  return name.startsWith('RFC822') ? `Unknown parameter ${name}` : `Unknown parameter: ${name}`
}

const WHOLE: Section = { path: [], of: 'all' }
const FLAGS: FetchItem = { kind: 'flags' }
const DATE: FetchItem = { kind: 'internaldate' }
const SIZE: FetchItem = { kind: 'size' }
const ENVELOPE: FetchItem = { kind: 'envelope' }
const BODY: FetchItem = { kind: 'body' }

const SIMPLE: ReadonlyMap<string, FetchItem> = new Map<string, FetchItem>([
  ['FLAGS', FLAGS],
  ['UID', { kind: 'uid' }],
  ['MODSEQ', { kind: 'modseq' }],
  ['INTERNALDATE', DATE],
  ['RFC822.SIZE', SIZE],
  ['ENVELOPE', ENVELOPE],
  ['BODY', BODY],
  ['BODYSTRUCTURE', { kind: 'bodystructure' }],
  ['RFC822', { kind: 'section', label: 'RFC822', section: WHOLE, peek: false }],
  ['RFC822.HEADER', { kind: 'section', label: 'RFC822.HEADER', section: { path: [], of: 'header' }, peek: true }],
  ['RFC822.TEXT', { kind: 'section', label: 'RFC822.TEXT', section: { path: [], of: 'text' }, peek: false }],
])

const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['ALL', [FLAGS, DATE, SIZE, ENVELOPE]],
  ['FAST', [FLAGS, DATE, SIZE]],
  ['FULL', [FLAGS, DATE, SIZE, ENVELOPE, BODY]],
])
