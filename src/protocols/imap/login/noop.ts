import type { ParsedCommand } from './command.ts'

/** NOOP. RFC 3501 §6.1.2. */
export const noop: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag) {
    dialogue.io.stream.write(`${tag} OK NOOP completed.\r\n`)
    return undefined
  },
}
