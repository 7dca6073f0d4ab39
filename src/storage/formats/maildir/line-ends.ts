const CR = 13
const LF = 10

/**
 * Turns line ends into those that are stored, chunk by chunk: LF alone, or CRLF with `mail_save_crlf`. A CR without LF is
 * kept. Counts what comes out.
 */
export class LineEnds {
  /** Bytes so far. */
  sizeBytes = 0
  /** Bytes so far if every LF had a CR before it. */
  virtualBytes = 0
  readonly #crlf: boolean
  #heldCr = false
  /** The byte that came out last is a CR. */
  #afterCr = false

  constructor(crlf: boolean) {
    this.#crlf = crlf
  }

  convert(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const out = Buffer.allocUnsafe(chunk.length * (this.#crlf ? 2 : 1) + 1)
    let at = 0
    if (this.#heldCr && chunk[0] !== LF) {
      out[at++] = CR
      this.#afterCr = true
    }
    let lines = 0
    let from = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      const text = chunk[end - 1] === CR && end > from ? end - 1 : end
      at += chunk.copy(out, at, from, text)
      if (text > from) this.#afterCr = chunk[text - 1] === CR
      if (this.#crlf) out[at++] = CR
      else if (!this.#afterCr) lines++
      out[at++] = LF
      this.#afterCr = false
      from = end + 1
    }
    this.#heldCr = chunk.at(-1) === CR
    const rest = chunk.length - (this.#heldCr ? 1 : 0)
    if (rest > from) this.#afterCr = chunk[rest - 1] === CR
    at += chunk.copy(out, at, from, Math.max(rest, from))
    return this.#count(out.subarray(0, at), lines)
  }

  /** What was held back, at the end of the message. */
  finish(): Buffer {
    const rest = this.#heldCr ? Buffer.from([CR]) : Buffer.alloc(0)
    this.#heldCr = false
    return this.#count(rest, 0)
  }

  #count(out: Buffer, lines: number): Buffer {
    this.sizeBytes += out.length
    this.virtualBytes += out.length + lines
    return out
  }
}
