/** What the log wants to know of a message that passes by: some fields of its header, its size. */

/** A header that is longer is not looked at any further. */
export const HEADER_BYTES = 64 * 1024

export class MessageFacts {
  sizeBytes = 0
  #header: Buffer[] = []
  #headerBytes = 0

  push(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length
    const room = HEADER_BYTES - this.#headerBytes
    if (room <= 0) return
    const part = Buffer.from(chunk.subarray(0, room))
    this.#header.push(part)
    this.#headerBytes += part.length
  }

  /** The first field of this name, unfolded, latin1 held; empty when there is none. */
  field(name: string): string {
    const text = this.#text()
    const match = new RegExp(`(?:^|\\n)${name}[ \\t]*:((?:[^\\n]|\\n[ \\t])*)`, 'i').exec(text)
    return match?.[1]?.replaceAll(/\r?\n[ \t]/g, ' ').trim() ?? ''
  }

  #text(): string {
    const text = Buffer.concat(this.#header).toString('latin1')
    const end = /\n\r?\n/.exec(text)
    return end === null ? text : text.slice(0, end.index)
  }
}
