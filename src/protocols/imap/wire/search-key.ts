/** search-key. RFC 3501 §6.4.4 and §9; MODSEQ from RFC 7162 §3.1.5. Error texts are Dovecot's. */
import type { Argument } from './argument-reader.ts'
import { parseDay } from './date-time.ts'
import { parseModSeq } from './mod-seq.ts'
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts'

export type SearchKey =
  | { readonly kind: 'all' | 'recent' | 'new' | 'old' }
  /** A system flag, in lower case. */
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'numbers' | 'uids'; readonly set: SequenceSet }
  /** `day` counts from 1970. */
  | { readonly kind: 'date'; readonly of: 'received' | 'sent'; readonly test: DateTest; readonly day: number }
  | { readonly kind: 'larger' | 'smaller'; readonly bytes: number }
  /** Text as it was sent, latin1-held, in the search's charset. */
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  | { readonly kind: 'modseq'; readonly value: number }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }

export type DateTest = 'before' | 'on' | 'since'

/** Not a key; `message` is for the client. */
export class SearchKeyError extends Error {
  override readonly name = 'SearchKeyError'
}

/** All of these keys together. `depth`: how deep they may lie in each other. Throws SearchKeyError. */
export function parseSearchKeys(args: readonly Argument[], depth: number): SearchKey {
  return new KeyReader(args, depth).all()
}

class KeyReader {
  #args: readonly Argument[]
  readonly #depth: number
  #at = 0

  constructor(args: readonly Argument[], depth: number) {
    this.#args = args
    this.#depth = depth
  }

  all(): SearchKey {
    const keys: SearchKey[] = []
    while (this.#at < this.#args.length) keys.push(this.#key(0))
    const [only] = keys
    return keys.length === 1 && only !== undefined ? only : { kind: 'and', keys }
  }

  #key(level: number): SearchKey {
    if (level + 1 > this.#depth) throw new SearchKeyError('Query nests too deeply')
    let negated = false
    let next = this.#args[this.#at++]
    while (next?.kind === 'atom' && next.text.length === 3 && next.text.toUpperCase() === 'NOT') {
      negated = !negated
      next = this.#args[this.#at++]
    }
    if (next === undefined) throw new SearchKeyError('Missing argument')
    const key = next.kind === 'list' ? this.#list(next.items, level) : this.#word(next, level)
    return negated ? { kind: 'not', key } : key
  }

  #list(given: readonly Argument[], level: number): SearchKey {
    let items = given
    // Parentheses around parentheses mean nothing, however many there are.
    for (let [only] = items; items.length === 1 && only?.kind === 'list'; [only] = items) items = only.items
    if (items.length === 0) throw new SearchKeyError('No search parameters inside list')
    const outer = { args: this.#args, at: this.#at }
    this.#args = items
    this.#at = 0
    const keys: SearchKey[] = []
    while (this.#at < items.length) keys.push(this.#key(level + 1))
    this.#args = outer.args
    this.#at = outer.at
    return { kind: 'and', keys }
  }

  #word(argument: Exclude<Argument, { kind: 'list' }>, level: number): SearchKey {
    const name = argument.text.toUpperCase()
    if (argument.kind === 'string') throw new SearchKeyError(`Unexpected string as search key: ${argument.text}`)
    if (FLAGS.has(name)) return { kind: 'flag', name: name.toLowerCase() }
    if (name.startsWith('UN') && FLAGS.has(name.slice(2))) {
      return { kind: 'not', key: { kind: 'flag', name: name.slice(2).toLowerCase() } }
    }
    switch (name) {
      case 'ALL':
      case 'RECENT':
      case 'NEW':
      case 'OLD':
        return { kind: name.toLowerCase() as 'all' | 'recent' | 'new' | 'old' }
      case 'OR': {
        const left = this.#key(level + 1)
        return { kind: 'or', left, right: this.#key(level + 1) }
      }
      case 'KEYWORD':
        return { kind: 'keyword', name: this.#text(name) }
      case 'UNKEYWORD':
        return { kind: 'not', key: { kind: 'keyword', name: this.#text(name) } }
      case 'BCC':
      case 'CC':
      case 'FROM':
      case 'SUBJECT':
      case 'TO':
        return { kind: 'header', name: name.toLowerCase(), text: this.#text(name) }
      case 'HEADER':
        return { kind: 'header', name: this.#text(name).toLowerCase(), text: this.#text(name) }
      case 'BODY':
      case 'TEXT':
        return { kind: name.toLowerCase() as 'body' | 'text', text: this.#text(name) }
      case 'LARGER':
      case 'SMALLER':
        return { kind: name.toLowerCase() as 'larger' | 'smaller', bytes: this.#size(name) }
      case 'UID':
        return { kind: 'uids', set: this.#set(name, 'Invalid UID messageset') }
      case 'MODSEQ':
        return this.#modSeq(name)
      default:
        return this.#date(name) ?? this.#numbers(argument, name)
    }
  }

  #date(name: string): SearchKey | undefined {
    const sent = name.startsWith('SENT')
    const test = DATE_TESTS.get(sent ? name.slice(4) : name)
    if (test === undefined) return undefined
    const day = parseDay(this.#text(name))
    if (day === undefined) throw new SearchKeyError('Invalid search date parameter')
    return { kind: 'date', of: sent ? 'sent' : 'received', test, day }
  }

  #numbers(argument: Argument, name: string): SearchKey {
    const first = name.charCodeAt(0)
    const looksLikeSet = argument.kind === 'atom' && (name.startsWith('*') || (first >= 0x30 && first <= 0x39))
    if (!looksLikeSet) throw new SearchKeyError(`Unknown argument ${name}`)
    const set = parseSequenceSet(name)
    if (set === undefined) throw new SearchKeyError('Invalid messageset')
    return { kind: 'numbers', set }
  }

  /** MODSEQ ["/flags/NAME" TYPE] n: MODSEQs are kept for messages, not for flags. RFC 7162 §3.1.5. */
  #modSeq(name: string): SearchKey {
    const next = this.#args[this.#at]
    if (next?.kind === 'string') {
      if (!/^\/flags\//i.test(next.text)) throw new SearchKeyError('Invalid MODSEQ value')
      this.#at++
      if (!/^(priv|shared|all)$/i.test(this.#text(name))) throw new SearchKeyError('Invalid MODSEQ type')
    }
    const value = parseModSeq(this.#text(name))
    if (value === undefined) throw new SearchKeyError('Invalid MODSEQ value')
    return { kind: 'modseq', value }
  }

  #set(name: string, complaint: string): SequenceSet {
    const set = parseSequenceSet(this.#text(name))
    if (set === undefined) throw new SearchKeyError(complaint)
    return set
  }

  #size(name: string): number {
    const text = this.#text(name)
    if (!/^\d{1,19}$/.test(text)) throw new SearchKeyError('Invalid search size parameter')
    return Number(text)
  }

  #text(of: string): string {
    const next = this.#args[this.#at++]
    const where = `(for search key: ${of})`
    if (next === undefined) throw new SearchKeyError(`Missing parameter for search key ${where}`)
    if (next.kind === 'list') throw new SearchKeyError(`Unexpected ( ${where}`)
    return next.text
  }
}

const FLAGS: ReadonlySet<string> = new Set(['ANSWERED', 'DELETED', 'DRAFT', 'FLAGGED', 'SEEN'])
const DATE_TESTS: ReadonlyMap<string, DateTest> = new Map([
  ['BEFORE', 'before'],
  ['ON', 'on'],
  ['SINCE', 'since'],
])
