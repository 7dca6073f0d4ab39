const CR = 0x0d
const LF = 0x0a
/** Literals cannot hold NUL; Dovecot sends this instead. */
const NUL_STAND_IN = 0x80

/** A piece of something sent: from `offset`, at most `size` bytes, line ends counting as CRLF. RFC 3501 section 6.4.5. */
export interface Window {
  readonly offset: number
  readonly size: number
}

/**
 * Turns stored bytes into bytes to send: every line end as CRLF, NUL as 0x80, and of the result only a window. Chunks may
 * be of any size.
 */
export class CrlfWriter {
  #last = 0
  #skip: number
  #left: number

  constructor(window: Window = { offset: 0, size: Number.POSITIVE_INFINITY }) {
    this.#skip = window.offset
    this.#left = window.size
  }

  /** Nothing more will come: the window is full. */
  get done(): boolean {
    return this.#left <= 0
  }

  /** What a chunk adds. May be the chunk itself. */
  convert(chunk: Buffer): Buffer {
    const sent = toSent(chunk, this.#last)
    this.#last = chunk.at(-1) ?? this.#last
    const skipped = Math.min(this.#skip, sent.length)
    this.#skip -= skipped
    const taken = Math.min(this.#left, sent.length - skipped)
    this.#left -= taken
    return skipped === 0 && taken === sent.length ? sent : sent.subarray(skipped, skipped + taken)
  }
}

/**
 * A whole text as it is sent, one byte a character; `undefined` when that takes a closer look: it holds CR or NUL. Several times
 * as fast as going from byte to byte.
 */
export function textToSend(bytes: Buffer): string | undefined {
  if (bytes.includes(CR) || bytes.includes(0)) return undefined
  return bytes.toString('latin1').replaceAll('\n', '\r\n')
}

/** Bytes as they are sent; `before` is the byte in front of them. */
function toSent(bytes: Buffer, before: number): Buffer {
  let bare = 0
  let nuls = false
  let last = before
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === LF && last !== CR) bare++
    else if (byte === 0) nuls = true
    last = byte
  }
  return bare === 0 && !nuls ? bytes : copySent(bytes, before, bytes.length + bare)
}

function copySent(bytes: Buffer, before: number, length: number): Buffer {
  const sent = Buffer.allocUnsafe(length)
  let last = before
  let to = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === LF && last !== CR) sent[to++] = CR
    sent[to++] = byte === 0 ? NUL_STAND_IN : byte
    last = byte
  }
  return sent
}
