import { MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'
import { systemFlagBit } from '../../../storage/flags.ts'

/** Flags with blanks between: system flags begin with `\`; `\Recent` cannot be set and is passed over. Throws MailTaskError. */
export function parseFlags(text: string): { readonly bits: number; readonly keywords: readonly string[] } {
  let bits = 0
  const keywords: string[] = []
  for (const name of text.split(/\s+/).filter((word) => word !== '')) {
    if (!name.startsWith('\\')) keywords.push(name)
    else if (name.toLowerCase() !== '\\recent') {
      const bit = systemFlagBit(name)
      if (bit === undefined) throw new MailTaskError(`Invalid system flag: ${name}`, 75)
      bits |= bit
    }
  }
  return { bits, keywords }
}
