/**
 * What follows DATA, up to the line with a single dot. RFC 5321 §4.5.2.
 *
 * The rule to keep: only CRLF is an end of a line. `\n.\n`, `\n.\r\n`, `\r\n.\n`, `\r.\r` and their kin are part of the message,
 * whatever a sender meant by them; a reader that takes one of them for the end can be made to read forged commands (SMTP
 * smuggling). Bare CRs and LFs come out as they went in.
 */
const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

type Position = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr'

export interface Decoded {
  /** The message's bytes, in pieces that share memory with the input. */
  readonly pieces: readonly Buffer[]
  /** Where the input goes on behind the end of the message; undefined when the end has not come yet. */
  readonly end: number | undefined
}

/** Removes the dots that the sender added, and finds the end. */
export class DotDecoder {
  #position: Position = 'line-start'

  decode(input: Buffer): Decoded {
    const pieces: Buffer[] = []
    /** Bytes from here on belong to the message and were not given out yet. */
    let from = 0
    let at = 0
    const flush = (until: number): void => {
      if (until > from) pieces.push(input.subarray(from, until))
    }
    while (at < input.length) {
      const byte = input[at]
      switch (this.#position) {
        case 'line-start':
          if (byte === DOT) {
            flush(at)
            from = at + 1
            this.#position = 'dot'
            at++
          } else this.#position = 'text'
          break
        case 'text': {
          const cr = input.indexOf(CR, at)
          if (cr < 0) at = input.length
          else {
            this.#position = 'cr'
            at = cr + 1
          }
          break
        }
        case 'cr':
          this.#position = byte === LF ? 'line-start' : byte === CR ? 'cr' : 'text'
          at++
          break
        case 'dot':
          if (byte === CR) {
            // Held back: it may belong to the end.
            flush(at)
            from = at + 1
            this.#position = 'dot-cr'
            at++
          } else this.#position = 'text'
          break
        case 'dot-cr':
          if (byte === LF) {
            flush(at)
            return { pieces, end: at + 1 }
          }
          pieces.push(HELD_CR)
          this.#position = 'cr'
          break
      }
    }
    flush(at)
    return { pieces, end: undefined }
  }
}

const HELD_CR = Buffer.from([CR])
