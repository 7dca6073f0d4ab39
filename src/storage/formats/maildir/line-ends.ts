const CR = 13
const LF = 10

/**
 * Turns line ends into those that are stored, chunk by chunk: LF alone, or CRLF with `mail_save_crlf`. A CR without LF is
 * kept. Counts what comes out.
 */
export class LineEnds {
  /** Bytes so far. */
  sizeBytes = 0
  /** Bytes so far if every line ended with CRLF. */
  virtualBytes = 0
  readonly #crlf: boolean
  #heldCr = false

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
        out[at++] = LF
        lines++
        this.#heldCr = false
        continue
      }
      if (this.#heldCr) out[at++] = CR
      this.#heldCr = byte === CR
      if (byte !== CR) out[at++] = byte
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
    this.virtualBytes += out.length + (this.#crlf ? 0 : lines)
    return out
  }
}
