/**
 * Reads the arguments of one command: atoms, quoted strings, literals and parenthesised lists. RFC 3501 §9, RFC 7888.
 * Pure: the caller gives it lines and literals, and does what the step it returns asks for. Error texts are Dovecot's.
 */

export type Argument =
  | { readonly kind: 'atom'; readonly text: string }
  /** A quoted string or a literal. */
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Argument[] }

export interface ArgumentLimits {
  /** The whole command: its lines and its literals. */
  readonly commandBytes: number
  readonly literals: number
  /** Opening parentheses. */
  readonly lists: number
  /** With LITERAL-, a non-synchronizing literal may have 4096 bytes. RFC 7888 §5. */
  readonly literalMinus: boolean
}

export type ReadStep =
  | { readonly kind: 'complete' }
  /** Say `+ OK` when it is synchronizing, read this many bytes, give them to `literal`, then the next line to `line`. */
  | { readonly kind: 'literal'; readonly sizeBytes: number; readonly synchronizing: boolean }
  /** Answer `TAG BAD text`; the rest of the line does not count. */
  | { readonly kind: 'bad'; readonly text: string }
  /** Say `* BYE text` and close: what follows cannot be told apart from commands any more. */
  | { readonly kind: 'bye'; readonly text: string }

export class ArgumentReader {
  /** Complete after a step of kind `complete`. */
  readonly args: Argument[] = []
  readonly #limits: ArgumentLimits
  readonly #open: Argument[][] = []
  #into: Argument[] = this.args
  #line = ''
  #at = 0
  #bytes = 0
  #literals = 0
  #lists = 0

  constructor(limits: ArgumentLimits) {
    this.#limits = limits
  }

  /** Reading stands inside a parenthesised list. */
  get inList(): boolean {
    return this.#open.length > 0
  }

  /** Reads on in a line (without CRLF) from a position; the first line is that of the command itself. */
  line(line: string, from: number): ReadStep {
    this.#line = line
    this.#at = from
    this.#bytes += line.length + 2
    if (this.#bytes > this.#limits.commandBytes) return { kind: 'bye', text: 'Input buffer full, aborting' }
    for (;;) {
      while (line.charCodeAt(this.#at) === SPACE) this.#at++
      if (this.#at >= line.length) return this.#open.length === 0 ? COMPLETE : bad("Missing ')'")
      const step = this.#next(line.charCodeAt(this.#at))
      if (step !== undefined) return step
    }
  }

  /** The bytes of the literal that was asked for. */
  literal(bytes: string): void {
    this.#bytes += bytes.length
    this.#into.push({ kind: 'string', text: bytes })
  }

  #next(code: number): ReadStep | undefined {
    switch (code) {
      case QUOTE:
        return this.#quoted()
      case OPEN:
        return this.#openList()
      case CLOSE:
        return this.#closeList()
      case BRACE:
        return this.#literalHeader()
      case TILDE:
        if (this.#line.charCodeAt(this.#at + 1) === BRACE) return bad('literal8 not allowed here')
        return this.#atom()
      case CR:
        return bad('CR sent without LF')
      default:
        return this.#atom()
    }
  }

  #atom(): ReadStep | undefined {
    const line = this.#line
    let end = this.#at
    for (; end < line.length; end++) {
      const code = line.charCodeAt(end)
      if (code === SPACE || code === CLOSE || code === CR) break
      if (code <= SPACE || code === DEL || code === OPEN || code === BRACE || code === QUOTE) {
        return bad('Invalid characters in atom')
      }
      if (code >= 0x80) return bad('8bit data in atom')
    }
    this.#into.push({ kind: 'atom', text: line.slice(this.#at, end) })
    this.#at = end
    return undefined
  }

  /** quoted = DQUOTE *QUOTED-CHAR DQUOTE. Like Dovecot it takes any character behind a backslash, and 8-bit bytes. */
  #quoted(): ReadStep | undefined {
    const line = this.#line
    const start = this.#at + 1
    let end = start
    let escaped = false
    for (; ; end++) {
      const code = line.charCodeAt(end)
      if (code === QUOTE) break
      if (Number.isNaN(code) || code === CR) return bad("Missing '\"'")
      if (code === 0) return bad('NULs not allowed in strings')
      if (code === BACKSLASH) {
        escaped = true
        if (isQuotable(line.charCodeAt(end + 1))) end++
      }
    }
    const text = line.slice(start, end)
    this.#into.push({ kind: 'string', text: escaped ? text.replace(/\\(.)/gs, '$1') : text })
    this.#at = end + 1
    return undefined
  }

  #openList(): ReadStep | undefined {
    if (++this.#lists > this.#limits.lists) return bad("Too many '('")
    const items: Argument[] = []
    this.#into.push({ kind: 'list', items })
    this.#open.push(this.#into)
    this.#into = items
    this.#at++
    return undefined
  }

  #closeList(): ReadStep | undefined {
    const outer = this.#open.pop()
    if (outer === undefined) return bad("Unexpected ')'")
    this.#into = outer
    this.#at++
    return undefined
  }

  /** literal = "{" number ["+"] "}" CRLF *CHAR8. RFC 7888 §4. */
  #literalHeader(): ReadStep {
    const line = this.#line
    const close = line.indexOf('}', this.#at)
    const header = close < 0 ? undefined : LITERAL_SIZE.exec(line.slice(this.#at + 1, close))
    if (close >= 0 && /^\d*\+[^}]/.test(line.slice(this.#at + 1, close))) return bad("Expecting '}' after '+'")
    if (header === null || header === undefined) return bad('Invalid literal size')
    if (close + 1 < line.length) return bad('Missing LF after literal size')
    const sizeBytes = Number(header[1])
    const synchronizing = header[2] === ''
    if (this.#bytes + sizeBytes > this.#limits.commandBytes) return { kind: 'bye', text: 'Literal size too large' }
    if (this.#limits.literalMinus && !synchronizing && sizeBytes > LITERAL_MINUS_BYTES) {
      return { kind: 'bye', text: 'Non-synchronizing literal size too large' }
    }
    if (++this.#literals > this.#limits.literals) return { kind: 'bye', text: 'Too many literals' }
    return { kind: 'literal', sizeBytes, synchronizing }
  }
}

/** RFC 7888 §5. */
export const LITERAL_MINUS_BYTES = 4096

const COMPLETE: ReadStep = { kind: 'complete' }
const LITERAL_SIZE = /^(\d*)(\+?)$/
const SPACE = 0x20
const QUOTE = 0x22
const OPEN = 0x28
const CLOSE = 0x29
const BACKSLASH = 0x5c
const BRACE = 0x7b
const TILDE = 0x7e
const DEL = 0x7f
const CR = 0x0d

/** False for what ends a quoted string badly even behind a backslash: CR, NUL and the end of the line. */
function isQuotable(code: number): boolean {
  return code > 0 && code !== CR
}

function bad(text: string): ReadStep {
  return { kind: 'bad', text }
}
