import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from './bad-command.ts'

/** The arguments of one command, taken from left to right. Text is latin1-held bytes. */
export class Arguments {
  readonly #items: readonly Argument[]
  #at = 0

  constructor(items: readonly Argument[]) {
    this.#items = items
  }

  get ended(): boolean {
    return this.#at >= this.#items.length
  }

  peek(): Argument | undefined {
    return this.#items[this.#at]
  }

  next(): Argument | undefined {
    return this.#items[this.#at++]
  }

  /** An atom; undefined, and nothing taken, when something else comes next. */
  atom(): string | undefined {
    const next = this.peek()
    if (next?.kind !== 'atom') return undefined
    this.#at++
    return next.text
  }

  /** astring = 1*ASTRING-CHAR / string. */
  astring(): string | undefined {
    const next = this.peek()
    if (next === undefined || next.kind === 'list') return undefined
    this.#at++
    return next.text
  }

  list(): readonly Argument[] | undefined {
    const next = this.peek()
    if (next?.kind !== 'list') return undefined
    this.#at++
    return next.items
  }

  rest(): readonly Argument[] {
    const rest = this.#items.slice(this.#at)
    this.#at = this.#items.length
    return rest
  }

  /** Complains unless the command has so many more arguments, as Dovecot does before it looks at them. */
  expectCount(count: number): void {
    if (this.#items.length - this.#at < count) throw new BadCommand('Missing arguments')
  }

  /** The only argument that counts. */
  expectOne(): string {
    this.expectCount(1)
    return this.expectAstring()
  }

  expectAstring(): string {
    const text = this.astring()
    if (text === undefined) throw new BadCommand('Invalid arguments')
    return text
  }
}

/** The texts of a list of atoms; undefined when something else is in it. */
export function atomTexts(items: readonly Argument[]): readonly string[] | undefined {
  const texts: string[] = []
  for (const item of items) {
    if (item.kind !== 'atom') return undefined
    texts.push(item.text)
  }
  return texts
}
