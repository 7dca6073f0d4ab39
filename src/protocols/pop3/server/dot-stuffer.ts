const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const NUL = 0x00
/** Stands for a NUL, as in Dovecot. */
const SUBSTITUTE = 0x80

export interface StuffingOptions {
  /** Stop behind this many lines of the body. */
  readonly bodyLines?: number
  /** `outlook-no-nuls`. */
  readonly withoutNuls: boolean
  /** `oe-ns-eoh`: a header that nothing follows gets its blank line. */
  readonly endsHeader?: boolean
}

/** Stored lines in, lines for POP3 out: CRLF at their ends, a dot before a dot at their start. RFC 1939 §3. */
export class DotStuffer {
  /** The wanted lines are complete. */
  done = false
  readonly #bodyLines: number
  readonly #withoutNuls: boolean
  readonly #endsHeader: boolean
  #lineStart = true
  #lastWasCr = false
  #inHeader = true
  #lineEmpty = true
  #lines = 0

  constructor({ bodyLines, withoutNuls, endsHeader = false }: StuffingOptions) {
    this.#endsHeader = endsHeader
    this.#bodyLines = bodyLines ?? Infinity
    this.#withoutNuls = withoutNuls
  }

  push(chunk: Buffer): Buffer {
    // Every byte may need another before it.
    const out = Buffer.allocUnsafe(chunk.length * 2)
    let size = 0
    let at = 0
    while (at < chunk.length && !this.done) {
      const lf = chunk.indexOf(LF, at)
      const end = lf < 0 ? chunk.length : lf
      if (end > at) size = this.#text(out, size, chunk, at, end)
      if (lf < 0) break
      if (!this.#lastWasCr) out[size++] = CR
      out[size++] = LF
      this.#endLine()
      at = lf + 1
    }
    return out.subarray(0, size)
  }

  /** What is missing to a complete last line. */
  end(): Buffer {
    const isOpen = !this.#lineStart && !this.done
    const lineEnd = isOpen ? (this.#lastWasCr ? '\n' : '\r\n') : ''
    return Buffer.from(this.#endsHeader && this.#inHeader ? `${lineEnd}\r\n` : lineEnd)
  }

  #text(out: Buffer, from: number, chunk: Buffer, start: number, end: number): number {
    let size = from
    if (this.#lineStart && chunk[start] === DOT) out[size++] = DOT
    chunk.copy(out, size, start, end)
    if (this.#withoutNuls) {
      for (let at = size; at < size + end - start; at++) if (out[at] === NUL) out[at] = SUBSTITUTE
    }
    this.#lastWasCr = chunk[end - 1] === CR
    const isOnlyCr = this.#lineStart && end - start === 1 && this.#lastWasCr
    if (!isOnlyCr) this.#lineEmpty = false
    this.#lineStart = false
    return size + end - start
  }

  #endLine(): void {
    if (this.#inHeader) {
      if (this.#lineEmpty) {
        this.#inHeader = false
        this.done = this.#bodyLines === 0
      }
    } else this.done = ++this.#lines >= this.#bodyLines
    this.#lineStart = true
    this.#lineEmpty = true
    this.#lastWasCr = false
  }
}
