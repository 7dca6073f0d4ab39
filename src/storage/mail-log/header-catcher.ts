import { HEADER_BYTES } from './header-texts.ts'

/** Keeps the header of a message that passes by. */
export class HeaderCatcher {
  readonly #parts: Buffer[] = []
  #size = 0
  #isOver = false

  push(chunk: Uint8Array): void {
    const room = HEADER_BYTES - this.#size
    if (this.#isOver || room <= 0) return
    const part = Buffer.from(chunk.subarray(0, room))
    this.#parts.push(part)
    this.#size += part.length
    // An empty line that comes in two parts is not noticed: more is kept than needed.
    this.#isOver = part.includes('\n\n') || part.includes('\n\r\n')
  }

  get header(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
