import { FieldLexer } from './lexer.ts'
import { fieldName, findColon, isFold } from './header.ts'
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

/** A field as it stands in the message, one byte a character. */
export interface ReadField {
  /** Lower case; the whole line where there is no colon. */
  readonly name: string
  /** What stands between name and value: a colon, with white space before it maybe. */
  readonly colon: string
  /** Everything behind the colon without the last line end. */
  readonly raw: string
  /** It ended with a line end. */
  readonly terminated: boolean
}

interface Boundary {
  readonly part: MimeNode
  readonly text: string
}

interface FoundBoundary {
  readonly index: number
  readonly last: boolean
}

type Step = 'header' | 'header-end' | 'body' | 'boundary-line'

const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d

/** Enough of a line to know whether it is a boundary: dashes, boundary, dashes. */
const BOUNDARY_LINE_BYTES = MESSAGE_LIMITS.boundaryBytes + 4
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
  readonly #boundaries: Boundary[] = []
  #part = this.root
  #parts = 1
  #step: Step = 'header'
  #ended = false

  #bytes: Buffer = EMPTY
  #pos = 0
  /** The byte before `#pos`, as far as it matters for line ends. */
  #last = LF

  #name: string | undefined
  #colon = ''
  #keeping = false
  /** Where the value begins in the line at hand; -1 when it has none. */
  #valueFrom = 0
  #raw: string[] = []
  #rawLength = 0
  #midLine = false
  /** Line end between the last line read and the one to come, which only counts when the field goes on. */
  #newline = ''
  #newlineBytes = 0
  #boundaryText: string | undefined
  #seenContentType = false

  /** The body's first line has nothing before it. */
  #lineStart = false

  constructor(events: MimeEvents) {
    this.#events = events
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
    if (!this.#midLine && !(this.#name !== undefined && isFold(bytes[start]))) {
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
    this.#beginField()
    return 'field'
  }

  /** Behind the empty line: an outer boundary right here takes that line. False when it cannot be told yet. */
  #readHeaderEnd(): boolean {
    const found = this.#findBoundary(this.#pos)
    if (found === 'more') return false
    if (found !== undefined && this.#boundaries[found.index]?.part !== this.#part) this.#giveAwayNewline()
    this.#endHeader()
    return true
  }

  /** A new field: its name. */
  #beginField(): void {
    const bytes = this.#bytes
    const start = this.#pos
    const colon = findColon(bytes, start, bytes.length)
    let end = colon
    if (colon === -1) {
      end = start
      while (end < bytes.length && bytes[end] !== LF) end++
      if (end > start && bytes[end - 1] === CR) end--
    }
    this.#endField(true)
    this.#name = colon === -1 ? bytes.toString('latin1', start, end).toLowerCase() : fieldName(bytes, start, end)
    this.#colon = colon === -1 ? '' : bytes.toString('latin1', start + this.#name.length, colon + 1)
    const nul = this.#name.indexOf('\0')
    if (nul !== -1) this.#name = this.#name.slice(0, nul)
    this.#keeping = this.#isKept(this.#name)
    this.#valueFrom = colon === -1 ? -1 : colon + 1
  }

  #isKept(name: string): boolean {
    return name === 'content-type' || name === 'mime-version' || this.#events.wants(this.#part, name)
  }

  #takeLine(start: number, end: number, whole: boolean): void {
    const bytes = this.#bytes
    const crlf = whole && end > start && bytes[end - 1] === CR
    if (this.#keeping) this.#keep(start, crlf ? end - 1 : end)
    const next = whole ? end + 1 : end
    this.#newline = whole ? (crlf ? '\r\n' : '\n') : ''
    this.#newlineBytes = this.#newline.length
    this.#count(this.#part.header, start, next, whole && !crlf)
    this.#midLine = !whole
    this.#valueFrom = 0
  }

  /** Keeps the value bytes of a line. */
  #keep(start: number, end: number): void {
    const room = MESSAGE_LIMITS.fieldBytes - this.#rawLength
    if (this.#valueFrom === -1 || room <= 0) return
    const newline = this.#midLine ? '' : this.#newline
    const from = Math.max(start, this.#valueFrom)
    const text = newline + this.#bytes.toString('latin1', from, Math.min(end, from + room))
    this.#raw.push(text)
    this.#rawLength += text.length
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
    const name = this.#name
    if (name === undefined) return
    if (this.#keeping)
      this.#giveField(name, this.#raw.length === 1 ? (this.#raw[0] ?? '') : this.#raw.join(''), terminated)
    this.#name = undefined
    this.#raw = []
    this.#rawLength = 0
    this.#newline = ''
    this.#midLine = false
  }

  #giveField(name: string, raw: string, terminated: boolean): void {
    const part = this.#part
    if (name === 'mime-version') part.isMime = true
    else if (name === 'content-type') {
      part.isMime = true
      this.#readContentType(raw)
    }
    if (this.#events.wants(part, name)) this.#events.field(part, { name, colon: this.#colon, raw, terminated })
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
    else this.#boundaries.push({ part, text: this.#boundaryText })
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
    this.#newline = ''
  }

  /** Body: up to a boundary, or to the end of what is there. False when the rest is too little to judge. */
  #readBody(): boolean {
    if (this.#boundaries.length === 0) {
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

  /** Looks for a boundary in the line at `start`. */
  #findBoundary(start: number): FoundBoundary | 'more' | undefined {
    const bytes = this.#bytes
    const available = bytes.length - start
    if (this.#boundaries.length === 0 || (available > 0 && bytes[start] !== DASH)) return undefined
    if (available < 2) return this.#ended ? undefined : 'more'
    if (bytes[start + 1] !== DASH || this.#parts >= MESSAGE_LIMITS.parts) return undefined
    let end = start + 2
    const limit = Math.min(bytes.length, start + BOUNDARY_LINE_BYTES)
    while (end < limit && bytes[end] !== LF) end++
    if (end === bytes.length && available < BOUNDARY_LINE_BYTES && !this.#ended) return 'more'
    return this.#matchBoundary(start + 2, end)
  }

  /** The boundary that begins from..to: the newest that fits exactly, else the longest. */
  #matchBoundary(from: number, to: number): FoundBoundary | undefined {
    const bytes = this.#bytes
    const lineEnd = to > from && bytes[to] === LF && bytes[to - 1] === CR ? to - 1 : to
    const length = lineEnd - from
    const dashed = length > 2 && bytes[lineEnd - 1] === DASH && bytes[lineEnd - 2] === DASH
    let best = -1
    let bestLength = -1
    for (let index = this.#boundaries.length - 1; index >= 0; index--) {
      const text = this.#boundaries[index]?.text ?? ''
      if (text.length > length || text.length <= bestLength || !startsWith(bytes, from, text)) continue
      best = index
      bestLength = text.length
      if (bestLength === length || (dashed && bestLength === length - 2)) break
    }
    if (best === -1) return undefined
    const after = from + bestLength
    return { index: best, last: bytes[after] === DASH && bytes[after + 1] === DASH }
  }

  /** Ends the parts a boundary ends, and consumes it with the line end before it. */
  #takeBoundary({ index, last }: FoundBoundary): void {
    const boundary = this.#boundaries[index]
    if (boundary === undefined) return
    this.#closePartsUpTo(boundary.part)
    this.#boundaries.length = last ? index : index + 1
    const bytes = this.#bytes
    let text = this.#pos
    if (bytes[text] === CR) text++
    const bareLf = text === this.#pos && bytes[text] === LF
    if (bytes[text] === LF) text++
    const { body } = boundary.part
    const end = text + 2 + boundary.text.length + (last ? 2 : 0)
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
    if (this.#boundaries.at(-1)?.part === this.#part) this.#beginPart(this.#part)
  }
}

/**
 * `type/subtype` (RFC 2045 section 5.1), which only parameters may follow; empty when it is broken. A type alone comes
 * without slash.
 */
export function readContentType(lexer: FieldLexer): string {
  lexer.skip()
  const after = lexer.token()
  const type = lexer.take()
  if (after === 'broken' || type === '') return ''
  if (after === 'end') return type
  if (lexer.input[lexer.pos] !== '/') return ''
  lexer.pos++
  if (lexer.skip() !== 'more') return ''
  const broken = lexer.token() === 'broken'
  const subtype = lexer.take()
  return broken || subtype === '' || (!lexer.ended && lexer.input[lexer.pos] !== ';') ? '' : `${type}/${subtype}`
}

function startsWith(bytes: Buffer, from: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false
  return true
}
