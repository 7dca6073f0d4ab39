/** What is left after a token: nothing, more, or nonsense. */
export type Outcome = 'end' | 'more' | 'broken'

const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d
const LF = 0x0a
const QUOTE = 0x22
const OPEN = 0x28
const CLOSE = 0x29
const DOT = 0x2e
const AT = 0x40
const BRACKET = 0x5b
const BRACKET_END = 0x5d
const BACKSLASH = 0x5c

/** Stands for NUL in tokens, which nothing may carry: U+FFFD in UTF-8, one byte a character. */
const NUL_STAND_IN = '\xef\xbf\xbd'

const ATEXT = classOf("!#$%&'*+-/=?^_`{|}~")
const ATEXT_OR_DOT = classOf("!#$%&'*+-/=?^_`{|}~.")
const TOKEN = classOf("!#$%&'*+-^_`{|}~.")

/** Bytes of an atom: letters, digits, everything above ASCII, and `extra`. */
function classOf(extra: string): Uint8Array {
  const table = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    if (byte >= 0x80 || /[A-Za-z0-9]/.test(String.fromCharCode(byte))) table[byte] = 1
  }
  for (const char of extra) table[char.charCodeAt(0)] = 1
  return table
}

/**
 * Reads tokens of RFC 5322 and RFC 2045 from a field value, one byte a character, with the leniency Dovecot has: comments
 * and white space are skipped after every token. Tokens are appended to `text`, the last comment seen is in `comment`.
 */
export class FieldLexer {
  readonly input: string
  pos = 0
  /** What the token readers have read; the caller empties it. */
  text = ''
  /** Content of the comment read last; the caller empties it. */
  comment = ''

  constructor(input: string) {
    this.input = input
  }

  /** The character at hand, NaN at the end. */
  code(): number {
    return this.input.charCodeAt(this.pos)
  }

  get ended(): boolean {
    return this.pos >= this.input.length
  }

  /** The text read so far, which is emptied. */
  take(): string {
    const { text } = this
    this.text = ''
    return text
  }

  /** Skips CFWS. RFC 5322 section 3.2.2. */
  skip(): Outcome {
    const { input } = this
    for (; this.pos < input.length; ) {
      const code = input.charCodeAt(this.pos)
      if (code === SPACE || code === TAB || code === CR || code === LF) this.pos++
      else if (code !== OPEN) return 'more'
      else if (!this.#skipComment()) return 'broken'
    }
    return 'end'
  }

  #skipComment(): boolean {
    const { input } = this
    let level = 1
    let content = ''
    let from = ++this.pos
    for (; this.pos < input.length; this.pos++) {
      const code = input.charCodeAt(this.pos)
      if (code === OPEN) level++
      else if (code === CLOSE) {
        if (--level > 0) continue
        this.comment = content + withoutNuls(input.slice(from, this.pos))
        this.pos++
        return true
      } else if (code === BACKSLASH) {
        content += withoutNuls(input.slice(from, this.pos))
        from = ++this.pos
      }
    }
    this.pos = input.length
    this.comment = ''
    return false
  }

  /** atom = 1*atext [CFWS]. */
  atom(): Outcome {
    const from = this.pos
    this.#passAll(ATEXT)
    if (this.pos === from) return 'broken'
    this.text += this.input.slice(from, this.pos)
    return this.skip()
  }

  /** dot-atom, with CFWS around the dots as RFC 822 has it. */
  dotAtom(): Outcome {
    for (;;) {
      const after = this.atom()
      if (after !== 'more' || this.code() !== DOT) return after
      this.pos++
      this.text += '.'
      if (this.skip() !== 'more') return 'broken'
    }
  }

  /** A local part that is no quoted string: atoms and dots in any order, no white space behind dots. */
  localPart(): Outcome {
    let after: Outcome = 'broken'
    do {
      while (this.code() === DOT) {
        this.text += '.'
        this.pos++
        after = this.ended ? 'end' : 'more'
      }
      if (this.ended || this.code() === AT) return after
      after = this.atom()
    } while (after === 'more' && this.code() === DOT)
    return after
  }

  /** Atoms and dots without anything between; may be empty. */
  atomOrDot(): Outcome {
    const from = this.pos
    this.#passAll(ATEXT_OR_DOT)
    this.text += this.input.slice(from, this.pos)
    return this.skip()
  }

  /** token of RFC 2045 section 5.1; may be empty. */
  token(): Outcome {
    const from = this.pos
    this.#passAll(TOKEN)
    this.text += this.input.slice(from, this.pos)
    return this.skip()
  }

  #passAll(table: Uint8Array): void {
    const { input } = this
    let at = this.pos
    while (at < input.length && table[input.charCodeAt(at)] === 1) at++
    this.pos = at
  }

  /** quoted-string, the cursor on its first quote. */
  quotedString(): Outcome {
    const { input } = this
    let from = ++this.pos
    for (; this.pos < input.length; this.pos++) {
      const code = input.charCodeAt(this.pos)
      if (code === QUOTE) {
        this.text += withoutNuls(input.slice(from, this.pos))
        this.pos++
        return this.skip()
      }
      if (code === LF) {
        const end = this.pos > from && input.charCodeAt(this.pos - 1) === CR ? this.pos - 1 : this.pos
        this.text += withoutNuls(input.slice(from, end))
        from = this.pos + 1
      } else if (code === BACKSLASH) {
        if (this.pos + 1 >= input.length) {
          this.pos = input.length
          return 'broken'
        }
        this.text += withoutNuls(input.slice(from, this.pos))
        from = ++this.pos
      }
    }
    return 'broken'
  }

  /** phrase: words with one space between. */
  phrase(): Outcome {
    if (this.ended) return 'end'
    if (this.code() === DOT) return 'broken'
    for (;;) {
      const after = this.code() === QUOTE ? this.quotedString() : this.atomOrDot()
      if (after !== 'more') return after
      if (!isAtext(this.code()) && this.code() !== QUOTE && this.code() !== DOT) return this.skip()
      this.text += ' '
    }
  }

  /** `@` and a domain, the cursor on the `@`. */
  domain(): Outcome {
    this.pos++
    if (this.code() !== AT && this.skip() !== 'more') return 'broken'
    return this.code() === BRACKET ? this.#domainLiteral() : this.dotAtom()
  }

  #domainLiteral(): Outcome {
    const { input } = this
    const from = this.pos
    for (; this.pos < input.length; this.pos++) {
      const code = input.charCodeAt(this.pos)
      if (code === BACKSLASH) this.pos++
      else if (code === BRACKET) {
        if (this.pos > from) return 'broken'
      } else if (code === BRACKET_END) {
        this.text += input.slice(from, ++this.pos)
        return this.skip()
      }
    }
    this.pos = input.length
    return 'broken'
  }
}

/** Whether a character may be in an atom; false for NaN. */
export function isAtext(code: number): boolean {
  return ATEXT[code] === 1
}

/** Text with U+FFFD for every NUL. */
export function withoutNuls(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', NUL_STAND_IN) : text
}
