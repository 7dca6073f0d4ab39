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
    const added = this.#countAdded(input)
    if (added === 0) return input
    const output = Buffer.allocUnsafe(input.length + added)
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
   * An upper limit of the bytes that encoding adds, 0 only when nothing changes. Large messages pass here: most are clean, and
   * copying them would only make garbage.
   */
  #countAdded(input: Buffer): number {
    let added = this.#heldCr ? 1 : 0
    let changed = this.#heldCr
    let previous = this.#atLineStart ? LF : 0
    for (let at = 0; at < input.length; at++) {
      const byte = input[at] ?? 0
      if (byte === DOT && previous === LF) added++
      else if (byte === LF && previous !== CR) added++
      else if (previous === CR && byte !== LF) changed = true
      previous = byte
    }
    if (previous === CR) changed = true
    if (!changed && added === 0) {
      this.#atLineStart = previous === LF
      return 0
    }
    return added + 1
  }

  /** The end: a last line that has none gets its CRLF. */
  finish(): string {
    const blank = this.#heldCr ? ' ' : ''
    return this.#atLineStart && !this.#heldCr ? '.\r\n' : `${blank}\r\n.\r\n`
  }
}
