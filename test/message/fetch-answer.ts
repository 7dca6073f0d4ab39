/** An untagged FETCH reply. */
export interface FetchAnswer {
  readonly sequence: number
  /**
   * Name as sent (`BODY[1]<0>`) to value. Strings come as their bytes, NIL as `undefined`, everything else as it is
   * written.
   */
  readonly items: ReadonlyMap<string, Buffer | undefined>
}

/** Reads an untagged reply; `undefined` when it is not FETCH. */
export function parseFetch(reply: Buffer): FetchAnswer | undefined {
  const begin = /^\* (\d+) FETCH \(/.exec(reply.toString('latin1', 0, 30))
  if (begin === null) return undefined
  const reader = new Reader(reply, begin[0].length)
  const items = new Map<string, Buffer | undefined>()
  while (!reader.take(')')) {
    reader.take(' ')
    const name = reader.name()
    items.set(name, reader.value())
  }
  return { sequence: Number(begin[1]), items }
}

class Reader {
  readonly #bytes: Buffer
  #pos: number

  constructor(bytes: Buffer, pos: number) {
    this.#bytes = bytes
    this.#pos = pos
  }

  take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#pos++
    return true
  }

  /** Up to the space outside brackets. */
  name(): string {
    const from = this.#pos
    for (let open = 0; open > 0 || this.#peek() !== ' '; this.#pos++) {
      if (this.#peek() === '[') open++
      if (this.#peek() === ']') open--
      if (this.#pos > this.#bytes.length) throw new Error('no name')
    }
    return this.#bytes.toString('latin1', from, this.#pos++)
  }

  value(): Buffer | undefined {
    const from = this.#pos
    const first = this.#peek()
    if (first === '{') return this.#literal()
    if (first === '(') {
      this.#list()
      return this.#bytes.subarray(from, this.#pos)
    }
    if (first === '"') {
      this.#quoted()
      return Buffer.from(this.#bytes.toString('latin1', from + 1, this.#pos - 1).replace(/\\(.)/g, '$1'), 'latin1')
    }
    while (!' )\r'.includes(this.#peek())) this.#pos++
    const atom = this.#bytes.subarray(from, this.#pos)
    return atom.toString() === 'NIL' ? undefined : atom
  }

  #list(): void {
    this.#pos++
    while (!this.take(')')) {
      const first = this.#peek()
      if (first === '(') this.#list()
      else if (first === '"') this.#quoted()
      else if (first === '{') this.#literal()
      else this.#pos++
      if (this.#pos > this.#bytes.length) throw new Error('list without end')
    }
  }

  #quoted(): void {
    for (this.#pos++; !this.take('"'); this.#pos++) {
      if (this.#peek() === '\\') this.#pos++
      if (this.#pos > this.#bytes.length) throw new Error('string without end')
    }
  }

  #literal(): Buffer {
    const end = this.#bytes.indexOf('}\r\n', this.#pos)
    const size = Number(this.#bytes.toString('latin1', this.#pos + 1, end))
    this.#pos = end + 3 + size
    return this.#bytes.subarray(end + 3, this.#pos)
  }

  #peek(): string {
    return String.fromCharCode(this.#bytes[this.#pos] ?? 0)
  }
}
