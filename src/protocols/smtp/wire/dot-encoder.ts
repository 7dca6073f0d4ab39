/**
 * A message as DATA carries it: dots doubled at line starts, and the line with a single dot behind it. RFC 5321 §4.5.2.
 *
 * DATA cannot carry bare CRs and LFs: servers disagree on what they end (SMTP smuggling), so a bare LF becomes CRLF, as
 * Dovecot makes it, and a bare CR becomes a blank, as Postfix makes it. BDAT carries both as they are.
 */
const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const SPACE = 0x20

export class DotEncoder {
  #atLineStart = true
  /** A CR came last; what it is depends on the next byte. */
  #heldCr = false

  /** At most twice as many bytes come out, and the held CR. */
  encode(input: Uint8Array): Buffer {
    const output = Buffer.allocUnsafe(2 * input.length + 1)
    let size = 0
    let atLineStart = this.#atLineStart
    let heldCr = this.#heldCr
    for (const byte of input) {
      if (heldCr && byte !== LF) {
        output[size++] = SPACE
        atLineStart = false
      }
      heldCr = byte === CR
      if (heldCr) continue
      if (byte === LF) {
        output[size++] = CR
        output[size++] = LF
        atLineStart = true
        continue
      }
      if (atLineStart && byte === DOT) output[size++] = DOT
      output[size++] = byte
      atLineStart = false
    }
    this.#atLineStart = atLineStart
    this.#heldCr = heldCr
    return output.subarray(0, size)
  }

  /** The end: a last line that has none gets its CRLF. */
  finish(): string {
    const blank = this.#heldCr ? ' ' : ''
    return this.#atLineStart && !this.#heldCr ? '.\r\n' : `${blank}\r\n.\r\n`
  }
}
