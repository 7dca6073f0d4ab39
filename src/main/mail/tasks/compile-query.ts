import { compileSearch, type Search, type Subject, type Test } from '../../../protocols/imap/commands/search/compile.ts'
import type { TextKey } from '../../../storage/message/search-text.ts'
import { matcher } from '../../../protocols/imap/commands/list/pattern.ts'
import { compareMoment } from './moment.ts'
import type { Query } from './query.ts'

/** The mailbox a query is asked of. */
export interface QueryMailbox {
  readonly name: string
  readonly separator: string
  readonly guid: string
}

/** A query about one mailbox, or that nothing in it matches. `savedDates` are of all messages when the query asks for them. */
export function compileQuery(
  query: Query,
  mailbox: QueryMailbox,
  savedDates: ReadonlyMap<number, number>,
): Search | 'nothing' {
  const compiler = new QueryCompiler(mailbox, savedDates)
  const test = compiler.compile(query)
  if (test === false) return 'nothing'
  const { needs, texts } = compiler
  return { test: test === true ? () => true : test, needs, texts, modSeq: false }
}

/** What a query says of a mailbox that is not open yet: `maybe` when only its GUID can tell, or messages. */
export function mayMatch(query: Query, name: string, separator: string): boolean {
  switch (query.kind) {
    case 'mailbox':
      return matchesMask(query.mask, name, separator)
    case 'and':
      return query.queries.every((one) => mayMatch(one, name, separator))
    case 'or':
      return query.queries.some((one) => mayMatch(one, name, separator))
    case 'not':
      return query.query.kind !== 'mailbox' || !matchesMask(query.query.mask, name, separator)
    default:
      return true
  }
}

/** Names of mailboxes that a query asks for without `*` and `%`, wherever it does and not only under `not`. */
export function namedMailboxes(query: Query): readonly string[] {
  switch (query.kind) {
    case 'mailbox':
      return /[*%]/.test(query.mask) ? [] : [query.mask]
    case 'and':
    case 'or':
      return query.queries.flatMap(namedMailboxes)
    default:
      return []
  }
}

/** Whether a query asks when messages were saved. */
export function asksSaved(query: Query): boolean {
  switch (query.kind) {
    case 'time':
      return query.of === 'saved'
    case 'and':
    case 'or':
      return query.queries.some(asksSaved)
    case 'not':
      return asksSaved(query.query)
    default:
      return false
  }
}

/** Whether every branch names mailboxes, and whether every branch says something else too: for expunge. */
export function branches(query: Query): { readonly mailbox: boolean; readonly other: boolean } {
  switch (query.kind) {
    case 'mailbox':
    case 'mailbox-guid':
      return { mailbox: true, other: false }
    case 'and':
    case 'or': {
      const all = query.queries.map(branches)
      const [join, other] = query.kind === 'and' ? [some, some] : [every, every]
      return { mailbox: join(all.map((one) => one.mailbox)), other: other(all.map((one) => one.other)) }
    }
    default:
      return { mailbox: false, other: true }
  }
}

const some = (values: readonly boolean[]): boolean => values.includes(true)
const every = (values: readonly boolean[]): boolean => !values.includes(false)

export function matchesMask(mask: string, name: string, separator: string): boolean {
  return matcher([mask])(name, separator)
}

class QueryCompiler {
  readonly texts: TextKey[] = []
  readonly needs = { dates: false, sizes: false, summaries: false }
  readonly #mailbox: QueryMailbox
  readonly #savedDates: ReadonlyMap<number, number>

  constructor(mailbox: QueryMailbox, savedDates: ReadonlyMap<number, number>) {
    this.#mailbox = mailbox
    this.#savedDates = savedDates
  }

  /** What the mailbox alone decides is true or false. */
  compile(query: Query): Test | boolean {
    const { name, separator, guid } = this.#mailbox
    switch (query.kind) {
      case 'mailbox':
        return matchesMask(query.mask, name, separator)
      case 'mailbox-guid':
        return query.guid === guid
      case 'guid':
        return ({ mailbox, message }) => mailbox.identity(message.uid)?.guid === query.guid
      case 'time':
        return this.#time(query)
      case 'imap':
        return this.#imap(query.key)
      case 'not':
        return negate(this.compile(query.query))
      case 'and':
        return joined(
          query.queries.map((one) => this.compile(one)),
          false,
        )
      case 'or':
        return joined(
          query.queries.map((one) => this.compile(one)),
          true,
        )
    }
  }

  #time({ of, test, moment }: Extract<Query, { kind: 'time' }>): Test {
    if (of === 'sent') {
      this.needs.summaries = true
      return ({ summary }) => {
        if (summary === undefined) return undefined
        const { seconds, offsetMinutes } = summary.dateSent ?? { seconds: 0, offsetMinutes: 0 }
        return compareMoment(test, seconds, offsetMinutes, moment)
      }
    }
    const compare = (ms: number): boolean =>
      compareMoment(test, Math.floor(ms / 1000), -new Date(ms).getTimezoneOffset(), moment)
    if (of === 'saved') {
      return ({ message }) => {
        const savedMs = this.#savedDates.get(message.uid)
        return savedMs !== undefined && compare(savedMs)
      }
    }
    this.needs.dates = true
    return ({ receivedMs }) => (receivedMs === undefined ? undefined : compare(receivedMs))
  }

  /** Each key is a search of its own; its texts are a part of all texts. */
  #imap(key: Parameters<typeof compileSearch>[0]): Test {
    const search = compileSearch(key, undefined)
    for (const need of ['dates', 'sizes', 'summaries'] as const) if (search.needs[need]) this.needs[need] = true
    if (search.texts.length === 0) return search.test
    const from = this.texts.push(...search.texts) - search.texts.length
    const to = from + search.texts.length
    return (subject: Subject) =>
      search.test(subject.texts === undefined ? subject : { ...subject, texts: subject.texts.slice(from, to) })
  }
}

function negate(test: Test | boolean): Test | boolean {
  if (typeof test === 'boolean') return !test
  return (subject) => {
    const result = test(subject)
    return result === undefined ? undefined : !result
  }
}

/** All of them, or with `decisive` any of them: that value of one decides. */
function joined(tests: readonly (Test | boolean)[], decisive: boolean): Test | boolean {
  if (tests.includes(decisive)) return decisive
  const open = tests.filter((test) => typeof test !== 'boolean')
  if (open.length === 0) return !decisive
  return (subject) => {
    let result: boolean | undefined = !decisive
    for (const test of open) {
      const one = test(subject)
      if (one === decisive) return decisive
      if (one === undefined) result = undefined
    }
    return result
  }
}
