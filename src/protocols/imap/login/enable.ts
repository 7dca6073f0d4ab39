import type { ParsedCommand } from './command.ts'

/** ENABLE. RFC 5161 §3.1 allows it only after login; Dovecot answers politely that nothing was enabled. */
export const enable: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag) {
    dialogue.io.stream.write(`* ENABLED\r\n${tag} OK ENABLE ignored in non-authenticated state.\r\n`)
    return undefined
  },
}
