// A search query of doveadm: the keys of IMAP SEARCH with mailboxes, and dates and sizes as people write them.
import { parseSearchKeys, SearchKeyError, type SearchKey } from '../../../protocols/imap/wire/search-key.ts'
import { MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'
import { parseMoment, type Moment } from './moment.ts'

export type Query =
  /** A key of IMAP SEARCH that has no others inside. */
  | { readonly kind: 'imap'; readonly key: SearchKey }
  | { readonly kind: 'mailbox'; readonly mask: string }
  | { readonly kind: 'mailbox-guid'; readonly guid: string }
  | { readonly kind: 'guid'; readonly guid: string }
  | {
      readonly kind: 'time'
      readonly of: 'received' | 'sent' | 'saved'
      readonly test: 'before' | 'on' | 'since'
      readonly moment: Moment
    }
  | { readonly kind: 'and' | 'or'; readonly queries: readonly Query[] }
  | { readonly kind: 'not'; readonly query: Query }

/** Deeper queries are refused. */
const MAX_DEPTH = 100

/** Reads the words of a command line; `nowMs`: what ages are counted from. Throws MailTaskError in Dovecot's words. */
export function parseQuery(words: readonly string[], nowMs: number): Query {
  const reader = new QueryReader(words, nowMs)
  const query = reader.group(0)
  if (!reader.atEnd) throw problem("Unexpected ')'")
  return query
}

class QueryReader {
  readonly #words: readonly string[]
  readonly #nowMs: number
  #at = 0

  constructor(words: readonly string[], nowMs: number) {
    this.#words = words
    this.#nowMs = nowMs
  }

  get atEnd(): boolean {
    return this.#at === this.#words.length
  }

  /** Keys behind each other, or all of them with `or` between. */
  group(depth: number): Query {
    const queries: Query[] = []
    let joins: 'and' | 'or' | undefined
    while (!this.atEnd && this.#words[this.#at] !== ')') {
      const isOr = this.#words[this.#at]?.toUpperCase() === 'OR'
      if (isOr) this.#at++
      const join = isOr ? 'or' : 'and'
      if (queries.length > 0 || isOr) {
        if (joins !== undefined && joins !== join) throw problem('Use parenthesis when mixing ANDs and ORs')
        joins = queries.length === 0 ? 'or' : join
      }
      queries.push(this.#key(depth))
    }
    const [only] = queries
    return queries.length === 1 && only !== undefined ? only : { kind: joins ?? 'and', queries }
  }

  #key(depth: number): Query {
    if (depth > MAX_DEPTH) throw problem('Query nests too deeply')
    const word = this.#words[this.#at++]
    if (word === undefined) throw problem('Missing argument')
    if (word === '(') return this.#parentheses(depth)
    const name = word.toUpperCase()
    if (name === 'NOT') return { kind: 'not', query: this.#key(depth + 1) }
    switch (name) {
      case 'MAILBOX':
      case 'X-MAILBOX':
        return { kind: 'mailbox', mask: this.#value(name) }
      case 'MAILBOX-GUID':
        return { kind: 'mailbox-guid', guid: this.#value(name) }
      case 'GUID':
      case 'X-GUID':
        return { kind: 'guid', guid: this.#value(name) }
      case 'LARGER':
      case 'SMALLER':
        return {
          kind: 'imap',
          key: { kind: name === 'LARGER' ? 'larger' : 'smaller', bytes: sizeOf(this.#value(name)) },
        }
      default:
        return this.#time(name) ?? { kind: 'imap', key: this.#imapKey(word) }
    }
  }

  #parentheses(depth: number): Query {
    const from = this.#at
    const query = this.group(depth + 1)
    if (this.atEnd) throw problem("Missing ')'")
    if (this.#at === from) throw problem('No search parameters inside list')
    this.#at++
    return query
  }

  #time(name: string): Query | undefined {
    const match = /^(SENT|SAVED|X-SAVED)?(BEFORE|ON|SINCE)$/.exec(name)
    if (match === null) return undefined
    const [, of = '', test = ''] = match
    const text = this.#value(name)
    const moment = parseMoment(text, this.#nowMs)
    if (moment === undefined) throw problem(`Invalid search date parameter: ${text}`)
    return {
      kind: 'time',
      of: of === '' ? 'received' : of === 'SENT' ? 'sent' : 'saved',
      test: test.toLowerCase() as 'before' | 'on' | 'since',
      moment,
    }
  }

  /** One key of IMAP, with as many words as it takes. */
  #imapKey(word: string): SearchKey {
    const size = IMAP_VALUES.get(word.toUpperCase()) ?? 0
    const values = this.#words.slice(this.#at, this.#at + size)
    this.#at += values.length
    try {
      return parseSearchKeys(
        [{ kind: 'atom', text: word }, ...values.map((text) => ({ kind: 'string' as const, text: latin1(text) }))],
        1,
      )
    } catch (error) {
      throw error instanceof SearchKeyError ? problem(error.message) : error
    }
  }

  #value(name: string): string {
    const value = this.#words[this.#at++]
    if (value === undefined) throw problem(`Missing parameter for search key (for search key: ${name})`)
    return value
  }
}

/** How many words follow a key; those not named have none. */
const IMAP_VALUES: ReadonlyMap<string, number> = new Map([
  ['BCC', 1],
  ['BODY', 1],
  ['CC', 1],
  ['FROM', 1],
  ['HEADER', 2],
  ['KEYWORD', 1],
  ['MODSEQ', 1],
  ['SUBJECT', 1],
  ['TEXT', 1],
  ['TO', 1],
  ['UID', 1],
  ['UNKEYWORD', 1],
])

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['K', 1024],
  ['M', 1024 ** 2],
  ['G', 1024 ** 3],
  ['T', 1024 ** 4],
])

/** `50k`, `1M`, `2 GiB`. */
function sizeOf(text: string): number {
  const match = /^(\d{1,15}) ?([BKMGT]?)(?:i?B)?$/i.exec(text)
  const unit = UNITS.get(match?.[2]?.toUpperCase() ?? '')
  if (match === null || unit === undefined) throw problem(`Invalid size: ${text}`)
  return Number(match[1]) * unit
}

/** Texts of IMAP keys are bytes, one a character. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function problem(text: string): MailTaskError {
  return new MailTaskError(text, 75)
}
