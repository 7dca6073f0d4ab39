import { Boundaries, type FoundBoundary } from './boundaries.ts'
import { readContentType } from './content-type.ts'
import { FieldReader, type ReadField } from './field-reader.ts'
import { FieldLexer } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'
import { MimeNode } from './mime-node.ts'
import { readParameters } from './parameters.ts'

/** What a parser tells while it reads. Parts are complete only at the end. */
export interface MimeEvents {
  /** Whether `field` should be called for fields of this name (lower case). Content-Type always comes. */
  wants(part: MimeNode, name: string): boolean
  /** A whole field. */
  field(part: MimeNode, field: ReadField): void
  /** The header of a part has ended, with an empty line or without; its kind is known. */
  headerEnd?(part: MimeNode, emptyLine: boolean): void
  /** Some of a part's body, boundaries left out. Only valid during the call. */
  body?(part: MimeNode, bytes: Buffer, from: number, to: number): void
  /** No more of the body of the part that was read last. */
  bodyEnd?(part: MimeNode): void
}

type Step = 'header' | 'header-end' | 'body' | 'boundary-line'

const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d

/** A longer piece of a header line is taken without waiting for its end. */
const LINE_PIECE_BYTES = 4096

const EMPTY = Buffer.alloc(0)

/**
 * Reads a message once, front to back, in chunks of any size, and finds its MIME tree: RFC 2045 and RFC 2046, with the
 * judgement of Dovecot's message parser where mail is broken. It holds at most one line and the fields asked for.
 */
export class MimeParser {
  readonly root = new MimeNode(undefined)
  readonly #events: MimeEvents
  readonly #boundaries = new Boundaries()
  readonly #field: FieldReader
  #part = this.root
  #parts = 1
  #step: Step = 'header'
  #ended = false

  #bytes: Buffer = EMPTY
  #pos = 0
  /** The byte before `#pos`, as far as it matters for line ends. */
  #last = LF

  /** Bytes of the line end read last in this header. */
  #newlineBytes = 0
  #boundaryText: string | undefined
  #seenContentType = false

  /** The body's first line has nothing before it. */
  #lineStart = false

  constructor(events: MimeEvents) {
    this.#events = events
    this.#field = new FieldReader((name) => this.#isKept(name))
  }

  /** The next bytes of the message. They may be overwritten afterwards. */
  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    this.#run()
    this.#bytes = this.#pos === this.#bytes.length ? EMPTY : Buffer.from(this.#bytes.subarray(this.#pos))
    this.#pos = 0
  }

  /** The message has ended. */
  finish(): MimeNode {
    this.#ended = true
    this.#run()
    while (this.#step === 'header' || this.#step === 'header-end') this.#endHeader()
    this.#closePartsUpTo(this.root)
    return this.root
  }

  #run(): void {
    let going = true
    while (going && this.#pos < this.#bytes.length) {
      if (this.#step === 'header') going = this.#readHeaderLine()
      else if (this.#step === 'header-end') going = this.#readHeaderEnd()
      else if (this.#step === 'body') going = this.#readBody()
      else this.#skipBoundaryLine()
    }
  }

  /** Header: reads a line, or a piece of a long one. False when there is not enough of it. */
  #readHeaderLine(): boolean {
    const bytes = this.#bytes
    const start = this.#pos
    let end = start
    while (end < bytes.length && bytes[end] !== LF) end++
    const whole = end < bytes.length
    if (!whole && !this.#ended && bytes.length - start < LINE_PIECE_BYTES) return false
    if (!this.#field.goesOn(bytes[start])) {
      const begun = this.#beginLine()
      if (begun !== 'field') return begun === 'done'
    }
    if (!whole && !this.#ended && bytes[end - 1] === CR) end--
    this.#takeLine(start, end, whole)
    return true
  }

  /** At the beginning of a line that is no continuation: the end of the header, a boundary, or a field. */
  #beginLine(): 'field' | 'done' | 'more' {
    const bytes = this.#bytes
    const start = this.#pos
    const first = bytes[start]
    const emptyLine = first === LF || (first === CR && bytes[start + 1] === LF)
    if (first === DASH) {
      const found = this.#findBoundary(start)
      if (found === 'more') return 'more'
      if (found !== undefined) {
        this.#giveAwayNewline()
        this.#endHeader()
        return 'done'
      }
    }
    if (emptyLine) {
      this.#endField(true)
      this.#openMultipart()
      this.#newlineBytes = first === LF ? 1 : 2
      this.#count(this.#part.header, start, start + this.#newlineBytes, first === LF)
      this.#step = 'header-end'
      return 'done'
    }
    this.#endField(true)
    this.#field.begin(bytes, start)
    return 'field'
  }

  /** Behind the empty line: an outer boundary right here takes that line. False when it cannot be told yet. */
  #readHeaderEnd(): boolean {
    const found = this.#findBoundary(this.#pos)
    if (found === 'more') return false
    if (found !== undefined && found.part !== this.#part) this.#giveAwayNewline()
    this.#endHeader()
    return true
  }

  /** The parser itself needs two fields. */
  #isKept(name: string): boolean {
    return name === 'content-type' || name === 'mime-version' || this.#events.wants(this.#part, name)
  }

  #takeLine(start: number, end: number, whole: boolean): void {
    const crlf = whole && end > start && this.#bytes[end - 1] === CR
    this.#newlineBytes = whole ? (crlf ? 2 : 1) : 0
    this.#field.line(this.#bytes, start, crlf ? end - 1 : end, this.#newlineBytes)
    this.#count(this.#part.header, start, whole ? end + 1 : end, whole && !crlf)
  }

  /** Counts bytes that are consumed. `bareLf`: they end with LF alone. */
  #count(size: MimeNode['header'], from: number, to: number, bareLf: boolean): void {
    size.physical += to - from
    size.virtual += to - from + (bareLf ? 1 : 0)
    if (to > from) this.#last = this.#bytes[to - 1] ?? LF
    if (this.#last === LF && to > from) size.lines++
    this.#pos = to
  }

  #endField(terminated: boolean): void {
    const field = this.#field.end(terminated)
    if (field === undefined) return
    const part = this.#part
    if (field.name === 'mime-version') part.isMime = true
    else if (field.name === 'content-type') {
      part.isMime = true
      this.#readContentType(field.raw)
    }
    if (this.#events.wants(part, field.name)) this.#events.field(part, field)
  }

  #readContentType(raw: string): void {
    if (this.#seenContentType) return
    this.#seenContentType = true
    const part = this.#part
    const lexer = new FieldLexer(raw)
    const lower = readContentType(lexer).toLowerCase()
    if (lower === 'message/rfc822') part.kind = 'message'
    else if (lower === 'text' || lower.startsWith('text/')) part.kind = 'text'
    else if (lower.startsWith('multipart/')) {
      part.kind = 'multipart'
      part.digest = lower === 'multipart/digest'
      const boundary = readParameters(lexer).find(({ name }) => name.toLowerCase() === 'boundary')
      this.#boundaryText = boundary === undefined ? undefined : boundary.value.slice(0, MESSAGE_LIMITS.boundaryBytes)
    }
  }

  /** At the empty line: from here on this multipart's own boundary counts before those around it. */
  #openMultipart(): void {
    const part = this.#part
    if (this.#boundaryText === undefined || !part.isMime) return
    if (this.#tooDeep()) part.kind = 'other'
    else this.#boundaries.add(part, this.#boundaryText)
  }

  #tooDeep(): boolean {
    return this.#part.depth + 1 >= MESSAGE_LIMITS.nestedParts
  }

  /** The line end before a boundary is the boundary's, and so none of the part's. RFC 2046 section 5.1.1. */
  #giveAwayNewline(): void {
    const { header, parent } = this.#part
    const physical = this.#newlineBytes
    if (physical === 0 || parent === undefined) return
    header.lines--
    header.physical -= physical
    header.virtual -= 2
    parent.body.add({ physical, virtual: 2, lines: 1 })
  }

  #endHeader(): void {
    this.#endField(this.#newlineBytes > 0)
    const part = this.#part
    if (!part.isMime) part.kind = 'other'
    if (!part.isMime || !this.#seenContentType) part.kind = part.parent?.digest === true ? 'message' : 'text'
    if (part.kind === 'message' && (this.#tooDeep() || this.#parts >= MESSAGE_LIMITS.parts)) part.kind = 'other'
    this.#last = LF
    this.#lineStart = true
    this.#events.headerEnd?.(part, this.#step === 'header-end')
    this.#step = 'body'
    if (part.kind === 'message') this.#beginPart(part)
  }

  #beginPart(parent: MimeNode): void {
    this.#part = new MimeNode(parent)
    this.#parts++
    this.#part.isMime = parent.kind === 'multipart'
    this.#step = 'header'
    this.#resetHeader()
  }

  #resetHeader(): void {
    this.#seenContentType = false
    this.#boundaryText = undefined
    this.#newlineBytes = 0
  }

  /** Body: up to a boundary, or to the end of what is there. False when the rest is too little to judge. */
  #readBody(): boolean {
    if (this.#boundaries.empty) {
      this.#countBody(this.#bytes.length)
      return true
    }
    if (this.#lineStart) {
      const found = this.#findBoundary(this.#pos)
      if (found === 'more') return false
      if (found !== undefined) {
        this.#takeBoundary(found)
        return true
      }
    }
    return this.#readLines()
  }

  #readLines(): boolean {
    const bytes = this.#bytes
    const start = this.#pos
    const { length } = bytes
    for (let at = start; at < length; at++) {
      if (bytes[at] !== LF) continue
      const next = at + 1
      if (next < length ? bytes[next] !== DASH : this.#ended) continue
      const found = this.#findBoundary(next)
      if (found === undefined) continue
      this.#countBody(at > start && bytes[at - 1] === CR ? at - 1 : at)
      if (found === 'more') return false
      this.#takeBoundary(found)
      return true
    }
    const held = !this.#ended && bytes[length - 1] === CR
    this.#countBody(held ? length - 1 : length)
    return !held
  }

  /** Consumes bytes of the body of the part at hand. */
  #countBody(to: number): void {
    const from = this.#pos
    if (to <= from) return
    const bytes = this.#bytes
    const { body } = this.#part
    let lines = 0
    let bare = 0
    let before = this.#last
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0
      if (byte === LF) {
        lines++
        if (before !== CR) bare++
      }
      before = byte
    }
    body.lines += lines
    body.physical += to - from
    body.virtual += to - from + bare
    this.#last = before
    this.#pos = to
    this.#lineStart = false
    this.#events.body?.(this.#part, bytes, from, to)
  }

  /** Looks for a boundary in the line at `start`. A message with too many parts has no more boundaries. */
  #findBoundary(start: number): FoundBoundary | 'more' | undefined {
    return this.#parts < MESSAGE_LIMITS.parts ? this.#boundaries.find(this.#bytes, start, this.#ended) : undefined
  }

  /** Ends the parts a boundary ends, and consumes it with the line end before it. */
  #takeBoundary(found: FoundBoundary): void {
    this.#closePartsUpTo(found.part)
    this.#boundaries.passed(found)
    const bytes = this.#bytes
    let text = this.#pos
    if (bytes[text] === CR) text++
    const bareLf = text === this.#pos && bytes[text] === LF
    if (bytes[text] === LF) text++
    const { body } = found.part
    const end = text + found.size
    if (text > this.#pos) body.lines++
    body.physical += end - this.#pos
    body.virtual += end - this.#pos + (bareLf ? 1 : 0)
    this.#last = bytes[end - 1] ?? LF
    this.#pos = end
    this.#step = 'boundary-line'
  }

  #closePartsUpTo(outer: MimeNode): void {
    let part = this.#part
    this.#events.bodyEnd?.(part)
    for (; part !== outer && part.parent !== undefined; part = part.parent) {
      part.parent.body.add(part.body)
      part.parent.body.add(part.header)
    }
    this.#part = part
  }

  /** The rest of a boundary's line; behind it begins a part or the epilogue. */
  #skipBoundaryLine(): void {
    const bytes = this.#bytes
    let end = this.#pos
    while (end < bytes.length && bytes[end] !== LF) end++
    const whole = end < bytes.length
    const before = end > this.#pos ? bytes[end - 1] : this.#last
    this.#count(this.#part.body, this.#pos, whole ? end + 1 : end, whole && before !== CR)
    if (!whole) return
    this.#lineStart = true
    this.#step = 'body'
    if (this.#boundaries.innermost === this.#part) this.#beginPart(this.#part)
  }
}
