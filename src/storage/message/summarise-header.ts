import { parseDate, type SentDate } from './date.ts'
import { Envelope, ENVELOPE_FIELDS, isEnvelopeField } from './envelope.ts'
import { foldedValue, isFold } from './header.ts'
import { MESSAGE_LIMITS } from './limits.ts'
import { fieldBit, type HeaderSummary, KEPT_FIELDS, type KeptField } from './message-summary.ts'

const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a

/**
 * Summarises a message's header alone. `head` are its first bytes, `isAll` when there are no more; they may be overwritten
 * afterwards. `undefined` when the header does not end in them, or is longer than MESSAGE_LIMITS.headerBytes: then the message
 * is to be summarised as a whole. Says the same as `summarise`.
 */
export function summariseHeader(head: Buffer, isAll: boolean): HeaderSummary | undefined {
  const text = head.toString('latin1', 0, likelyEnd(head))
  const fields = readFields(text, isAll && text.length === head.length)
  return fields && new ReadHeader(fields)
}

/** Where a header with bare LF as line ends is over, otherwise the end of the bytes, or of what is looked at. */
function likelyEnd(head: Buffer): number {
  const empty = head.indexOf('\n\n', 0, 'latin1')
  return Math.min(empty < 0 ? head.length : empty + 2, MESSAGE_LIMITS.headerBytes)
}

/** Fields that a summary is made of, in their order: name (lower case), raw value. `undefined`: the header goes on. */
function readFields(text: string, isAll: boolean): readonly string[] | undefined {
  const fields: string[] = []
  for (let start = 0; ; ) {
    const first = text.charCodeAt(start)
    if (first === LF || (first === CR && text.charCodeAt(start + 1) === LF)) return fields
    if (start >= text.length) return isAll ? fields : undefined
    const firstEnd = lineEnd(text, start)
    let end = firstEnd
    while (isFold(text.charCodeAt(end + 1))) end = lineEnd(text, end + 1)
    if (isInteresting(text, start)) takeField(fields, text, { start, firstEnd, end })
    start = end + 1
  }
}

/** Where the LF of the line at `start` is, or the end. */
function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

/** Each name is the same text in all summaries. */
const WANTED = new Map([...ENVELOPE_FIELDS, ...KEPT_FIELDS].map((name) => [name, name]))
/** The first two letters of wanted names: of most fields no more need be looked at. */
const BEGINNINGS = new Set([...WANTED.keys()].map((name) => beginning(name.charCodeAt(0), name.charCodeAt(1))))

/** Two letters in lower case, as a number; other characters may look like letters. */
function beginning(first: number, second: number): number {
  return ((first | 0x20) << 8) | second | 0x20
}

function isInteresting(text: string, start: number): boolean {
  return BEGINNINGS.has(beginning(text.charCodeAt(start), text.charCodeAt(start + 1)))
}

interface FieldPlace {
  readonly start: number
  /** Where the LF of its first and of its last line is; the end of the text when it has none. */
  readonly firstEnd: number
  readonly end: number
}

/** As `FieldReader` has it: a line without colon is a name alone, and a NUL ends a name. */
function takeField(fields: string[], text: string, { start, firstEnd, end }: FieldPlace): void {
  let colon = start
  while (colon < firstEnd && text.charCodeAt(colon) !== COLON) colon++
  const hasColon = colon < firstEnd
  const nameEnd = hasColon ? withoutBlanks(text, start, colon) : withoutCr(text, start, firstEnd)
  const name = WANTED.get(lower(text.slice(start, nameEnd)))
  if (name === undefined) return
  fields.push(name, text.slice(hasColon ? colon + 1 : nameEnd, withoutCr(text, hasColon ? colon + 1 : nameEnd, end)))
}

function lower(name: string): string {
  const nul = name.indexOf('\0')
  // Wanted names are ASCII: what else `toLowerCase` changes makes none of them.
  return (nul < 0 ? name : name.slice(0, nul)).toLowerCase()
}

function withoutBlanks(text: string, start: number, end: number): number {
  let at = end
  while (at > start && isFold(text.charCodeAt(at - 1))) at--
  return at
}

/** A CR belongs to the line end behind it, not to what has none. */
function withoutCr(text: string, start: number, end: number): number {
  return end > start && end < text.length && text.charCodeAt(end - 1) === CR ? end - 1 : end
}

/** What is asked for is made when it is asked for. */
class ReadHeader implements HeaderSummary {
  readonly headerOnly = true
  /** Name, raw value, name, raw value ... */
  readonly #fields: readonly string[]
  #envelope: string | undefined

  constructor(fields: readonly string[]) {
    this.#fields = fields
  }

  get envelope(): string {
    return (this.#envelope ??= this.#formatEnvelope())
  }

  get dateSent(): SentDate | undefined {
    const raw = this.#raw('date')
    return raw === undefined ? undefined : parseDate(foldedValue(raw))
  }

  get partialFields(): number {
    let seen = 0
    let partial = 0
    for (let at = 0; at < this.#fields.length; at += 2) {
      const bit = KEPT_BITS.get(this.#fields[at] ?? '') ?? 0
      partial |= seen & bit
      seen |= bit
    }
    return partial
  }

  /** No value is longer than a header that is read so. */
  field(name: KeptField): string | undefined {
    const raw = this.#raw(name)
    return raw === undefined ? undefined : foldedValue(raw)
  }

  /** Of the first field of a name. */
  #raw(name: string): string | undefined {
    for (let at = 0; at < this.#fields.length; at += 2) if (this.#fields[at] === name) return this.#fields[at + 1]
    return undefined
  }

  #formatEnvelope(): string {
    const envelope = new Envelope()
    for (let at = 0; at < this.#fields.length; at += 2) {
      const name = this.#fields[at] ?? ''
      if (isEnvelopeField(name)) envelope.take(name, this.#fields[at + 1] ?? '')
    }
    return envelope.format()
  }
}

const KEPT_BITS = new Map<string, number>(KEPT_FIELDS.map((name) => [name, fieldBit(name)]))
