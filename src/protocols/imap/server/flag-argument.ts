import { systemFlagBit } from '../../../storage/flags.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from './bad-command.ts'

export interface FlagNames {
  readonly bits: number
  readonly keywords: readonly string[]
}

/** flag-list. RFC 3501 §9. Throws BadCommand for flags no client may set: \Recent, and those nobody knows. */
export function parseFlags(items: readonly Argument[]): FlagNames {
  let bits = 0
  const keywords = new Set<string>()
  for (const item of items) {
    if (item.kind !== 'atom') throw new BadCommand('Flags list contains non-atoms')
    if (item.text.startsWith('\\')) {
      const bit = systemFlagBit(item.text)
      if (bit === undefined) throw new BadCommand(`Invalid system flag ${item.text.toUpperCase()}`)
      bits |= bit
    } else keywords.add(item.text)
  }
  return { bits, keywords: [...keywords] }
}
