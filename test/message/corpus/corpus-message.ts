/** A message of the corpus. */
export interface CorpusMessage {
  /** Unique, and telling. */
  readonly name: string
  readonly bytes: Buffer
}

/** A message from text whose characters are bytes; lines end as they are written. */
export function message(name: string, text: string): CorpusMessage {
  return { name, bytes: Buffer.from(text, 'latin1') }
}

/** The same with CRLF line ends. */
export function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

/** Characters as the bytes of their UTF-8 encoding, one byte a character. */
export function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Numbers that look random and are the same each time. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 to `sides` - 1. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * sides)
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.roll(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
}
