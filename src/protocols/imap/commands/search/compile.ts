import { systemFlagBit } from '../../../../storage/flags.ts'
import { charsetDecoder, utf8Decoder } from '../../../../storage/message/charset.ts'
import type { HeaderSummary } from '../../../../storage/message/message-summary.ts'
import { summaryQuestion } from '../../../../storage/message/search-summary.ts'
import type { TextKey } from '../../../../storage/message/search-text.ts'
import type { Mailbox, MessageRecord } from '../../../../storage/store.ts'
import { assertNever } from '../../../../util/assert-never.ts'
import { DAY_MS } from '../../wire/date-time.ts'
import type { DateTest, SearchKey } from '../../wire/search-key.ts'
import { inSequenceSet } from '../../wire/sequence-set.ts'

/** A search, ready to be asked of message after message. */
export interface Search {
  readonly test: Test
  /** What must be looked up before `test` can answer. */
  readonly needs: { readonly dates: boolean; readonly sizes: boolean; readonly summaries: boolean }
  /** Questions about what messages say; `Subject.texts` answers them in this order. */
  readonly texts: readonly TextKey[]
  /** MODSEQ was among the keys. */
  readonly modSeq: boolean
}

/** A message, and what is known of it so far. */
export interface Subject {
  readonly mailbox: Mailbox
  number: number
  message: MessageRecord
  receivedMs: number | undefined
  sizeBytes: number | undefined
  summary: HeaderSummary | undefined
  texts: readonly boolean[] | undefined
}

/** Undefined: more must be known. */
export type Test = (subject: Subject) => boolean | undefined

/** `charset`: what texts are written in, UTF-8 when absent. */
export function compileSearch(key: SearchKey, charset: string | undefined): Search {
  const compiler = new Compiler(charset)
  const test = compiler.compile(key)
  return { test, needs: compiler.needs, texts: compiler.texts, modSeq: compiler.modSeq }
}

class Compiler {
  readonly texts: TextKey[] = []
  readonly needs = { dates: false, sizes: false, summaries: false }
  modSeq = false
  readonly #charset: string | undefined

  constructor(charset: string | undefined) {
    this.#charset = charset
  }

  compile(key: SearchKey): Test {
    switch (key.kind) {
      case 'all':
        return () => true
      case 'recent':
        return ({ mailbox, message }) => mailbox.isRecent(message.uid)
      case 'old':
        return ({ mailbox, message }) => !mailbox.isRecent(message.uid)
      case 'new':
        return ({ mailbox, message }) => mailbox.isRecent(message.uid) && (message.flags.bits & SEEN) === 0
      case 'flag':
        return flagTest(systemFlagBit(`\\${key.name}`) ?? 0)
      case 'keyword':
        return keywordTest(key.name)
      case 'numbers':
        return ({ mailbox, number }) => inSequenceSet(key.set, number, mailbox.count)
      case 'uids':
        return ({ mailbox, message }) => inSequenceSet(key.set, message.uid, mailbox.message(mailbox.count).uid)
      case 'modseq':
        this.modSeq = true
        return ({ message }) => message.modSeq >= key.value
      case 'larger':
        this.needs.sizes = true
        return ({ sizeBytes }) => (sizeBytes === undefined ? undefined : sizeBytes > key.bytes)
      case 'smaller':
        this.needs.sizes = true
        return ({ sizeBytes }) => (sizeBytes === undefined ? undefined : sizeBytes < key.bytes)
      case 'date':
        return key.of === 'sent' ? this.#sent(key.test, key.day) : this.#received(key.test, key.day)
      case 'header':
        return this.#text(headerKey(key.name, this.#decode(key.text)))
      case 'body':
      case 'text':
        return this.#text({ kind: key.kind, value: this.#decode(key.text) })
      case 'not':
        return negate(this.compile(key.key))
      case 'and':
        return all(key.keys.map((one) => this.compile(one)))
      case 'or':
        return either(this.compile(key.left), this.compile(key.right))
      default:
        return assertNever(key)
    }
  }

  #received(test: DateTest, day: number): Test {
    this.needs.dates = true
    return ({ receivedMs }) => (receivedMs === undefined ? undefined : compareDays(test, localDay(receivedMs), day))
  }

  /** The day on the sender's calendar. */
  #sent(test: DateTest, day: number): Test {
    this.needs.summaries = true
    return ({ summary }) => {
      if (summary === undefined) return undefined
      const { seconds, offsetMinutes } = summary.dateSent ?? { seconds: 0, offsetMinutes: 0 }
      return compareDays(test, Math.floor(((seconds + offsetMinutes * 60) * 1000) / DAY_MS), day)
    }
  }

  #text(key: TextKey): Test {
    const at = this.texts.push(key) - 1
    const question = summaryQuestion(key)
    if (question === undefined) return ({ texts }) => texts?.[at]
    this.needs.summaries = true
    return ({ texts, summary }) => texts?.[at] ?? (summary && question(summary))
  }

  #decode(bytes: string): string {
    const decoder = (this.#charset === undefined ? undefined : charsetDecoder(this.#charset)) ?? utf8Decoder()
    return decoder.decode(Buffer.from(bytes, 'latin1')) + decoder.end()
  }
}

const SEEN = systemFlagBit('\\seen') ?? 0
const ADDRESSES: ReadonlySet<string> = new Set(['from', 'to', 'cc', 'bcc'])

/** HEADER looks into fields as they are; for addresses and the subject Dovecot has forms of its own, whoever asks. */
function headerKey(name: string, value: string): TextKey {
  if (name === 'subject' && value !== '') return { kind: 'subject', value }
  return { kind: ADDRESSES.has(name) ? 'addresses' : 'header', name, value }
}

function flagTest(bit: number): Test {
  return ({ message }) => (message.flags.bits & bit) !== 0
}

/** Keywords have no case. */
function keywordTest(name: string): Test {
  const wanted = name.toLowerCase()
  return ({ message }) => message.flags.keywords.some((keyword) => keyword.toLowerCase() === wanted)
}

function compareDays(test: DateTest, day: number, wanted: number): boolean {
  switch (test) {
    case 'before':
      return day < wanted
    case 'on':
      return day === wanted
    case 'since':
      return day >= wanted
    default:
      return assertNever(test)
  }
}

/** The day on this machine's calendar, counted from 1970. */
function localDay(ms: number): number {
  return Math.floor((ms - new Date(ms).getTimezoneOffset() * 60_000) / DAY_MS)
}

function negate(test: Test): Test {
  return (subject) => {
    const result = test(subject)
    return result === undefined ? undefined : !result
  }
}

/** No as soon as one says no. */
function all(tests: readonly Test[]): Test {
  return (subject) => {
    let result: boolean | undefined = true
    for (const test of tests) {
      const one = test(subject)
      if (one === false) return false
      if (one === undefined) result = undefined
    }
    return result
  }
}

function either(left: Test, right: Test): Test {
  return (subject) => {
    const one = left(subject)
    if (one === true) return true
    const other = right(subject)
    return other === true ? true : one === undefined || other === undefined ? undefined : false
  }
}
