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

  /** What has nothing to change comes out as it is, not copied. */
  encode(input: Buffer): Buffer {
    if (input.length === 0) return input
    if (this.#isClean(input)) {
      this.#atLineStart = input.at(-1) === LF
      return input
    }
    const output = Buffer.allocUnsafe(input.length + this.#mostAdded(input))
    let size = 0
    let atLineStart = this.#atLineStart
    let heldCr = this.#heldCr
    // By index: an iterator costs several times as much, and all mail passes here.
    for (let at = 0; at < input.length; at++) {
      const byte = input[at] ?? 0
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

  /**
   * Nothing to change: lines end in CRLF and begin with no dot. All mail passes here, and nearly all of it is clean; searching
   * from line to line costs a third of looking at every byte. No search starts in front of where the last one ended.
   */
  #isClean(input: Buffer): boolean {
    if (this.#heldCr || (this.#atLineStart && input[0] === DOT)) return false
    let from = 0
    let cr = input.indexOf(CR)
    while (from < input.length) {
      const lf = input.indexOf(LF, from)
      if (lf < 0) return cr < 0
      if (cr < 0 || cr !== lf - 1) return false
      from = lf + 1
      if (input[from] === DOT) return false
      cr = input.indexOf(CR, from)
    }
    return true
  }

  /** An upper limit of the bytes that encoding adds. */
  #mostAdded(input: Buffer): number {
    let added = this.#heldCr ? 1 : 0
    let previous = this.#atLineStart ? LF : 0
    // By index, as above.
    for (let at = 0; at < input.length; at++) {
      const byte = input[at] ?? 0
      if ((byte === DOT && previous === LF) || (byte === LF && previous !== CR)) added++
      previous = byte
    }
    return added
  }

  /** The end: a last line that has none gets its CRLF. */
  finish(): string {
    const blank = this.#heldCr ? ' ' : ''
    return this.#atLineStart && !this.#heldCr ? '.\r\n' : `${blank}\r\n.\r\n`
  }
}
