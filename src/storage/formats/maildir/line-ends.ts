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

  convert(chunk: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * (this.#crlf ? 2 : 1) + 1)
    let at = 0
    let lines = 0
    for (const byte of chunk) {
      if (byte === LF) {
        if (this.#crlf) out[at++] = CR
        else if (!this.#afterCr) lines++
        out[at++] = LF
        this.#heldCr = false
        this.#afterCr = false
        continue
      }
      if (this.#heldCr) {
        out[at++] = CR
        this.#afterCr = true
      }
      this.#heldCr = byte === CR
      if (this.#heldCr) continue
      out[at++] = byte
      this.#afterCr = false
    }
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
