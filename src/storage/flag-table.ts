import { type FlagChange, type Flags, systemFlagNames } from './flags.ts'
import type { FlagTable } from './formats/format.ts'

/** Makes flags of one mailbox: equal ones are one object, for as long as the mailbox is open. */
export class InternedFlags implements FlagTable {
  readonly #known = new Map<string, Flags>()

  flags(bits: number, keywords: readonly string[]): Flags {
    // A keyword is an atom: it holds no blank.
    const key = keywords.length === 0 ? String(bits) : `${bits} ${keywords.join(' ')}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const text = [...systemFlagNames(bits), ...keywords].join(' ')
    const made: Flags = Object.freeze({ bits, keywords: Object.freeze([...keywords]), text })
    this.#known.set(key, made)
    return made
  }
}

/** Flags after a change; keywords in the order of `listed`, new ones behind them. Keywords compare without case, as in Dovecot. */
export function applyChange(table: FlagTable, flags: Flags, change: FlagChange, listed: readonly string[]): Flags {
  switch (change.mode) {
    case 'add':
      return table.flags(flags.bits | change.bits, inOrder([...flags.keywords, ...change.keywords], listed))
    case 'remove': {
      const removed = new Set(change.keywords.map(lower))
      const kept = flags.keywords.filter((keyword) => !removed.has(lower(keyword)))
      return table.flags(flags.bits & ~change.bits, kept)
    }
    case 'replace':
      return table.flags(change.bits | (flags.bits & (change.keeps ?? 0)), inOrder(change.keywords, listed))
  }
}

function inOrder(keywords: readonly string[], listed: readonly string[]): readonly string[] {
  if (keywords.length === 0) return keywords
  const spelled = new Map<string, string>()
  for (const keyword of [...listed, ...keywords]) if (!spelled.has(lower(keyword))) spelled.set(lower(keyword), keyword)
  const wanted = new Set(keywords.map(lower))
  return [...spelled].filter(([key]) => wanted.has(key)).map(([, keyword]) => keyword)
}

function lower(keyword: string): string {
  return keyword.toLowerCase()
}
